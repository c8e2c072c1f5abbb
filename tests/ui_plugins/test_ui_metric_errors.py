"""Errors that metrics and judges mark, on the page of a pair and in its table: underlined where they are."""

import re
import shutil
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from dragoman.metrics.error_span import NOWHERE, ErrorSpan
from dragoman.metrics.serialization import pack
from dragoman.metrics.span_serialization import pack_spans
from dragoman.pair import Pair
from dragoman.store.records import StoredScore
from dragoman.store.store import Store
from dragoman_ui.viewmodels.metric_errors import errors_of, marked_errors

ADDRESS = "/dragoman/cell?grid=demo&source=en&target=ar&by=gemba-mqm:one"


def score(spans: list[tuple[ErrorSpan, ...]], rows: list[tuple[float, float]]) -> StoredScore:
    statistics = np.array(rows, dtype=np.float64)
    value = statistics[:, 0].sum() / statistics[:, 1].sum()
    return StoredScore(
        metric="gemba-mqm:one", signature="judge:one|seed:1", value=value, statistics=pack(statistics),
        spans=pack_spans(spans),
    )  # fmt: skip


@pytest.fixture
def marked(filled: Path, tmp_path: Path, use_home: Callable[[Path], None]) -> Iterator[list[str]]:
    """A copy of the filled store in which a judge has marked errors of English to Arabic; the texts of a system."""
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    store = Store.open(f"sqlite:///{home}/store.db", f"file://{home}/blobs")
    texts: list[str] = []
    for cell in store.cells.of_grid("demo", Pair("en", "ar")):
        lines = [line.text for line in store.blobs.translation(str(cell.hypotheses))]
        first = (
            ErrorSpan(0, 4, "minor", "fluency/grammar"),
            ErrorSpan(2, 6, "critical", "<b>accuracy</b>", confidence=0.5),
            ErrorSpan(0, 3, "major", "accuracy/omission", on_source=True),
            ErrorSpan(NOWHERE, NOWHERE, "minor", "style/awkward"),
        )
        spans = [first if len(lines[0]) > 6 else (), *[()] * (len(lines) - 1)]
        rows = [(0.0, 1.0), (0.0, 0.0), *[(100.0, 1.0)] * (len(lines) - 2)]
        store.cells.add_scores(cell.cell.id, [score(spans, rows)])
        texts = lines if len(lines[0]) > 6 else texts
    store.grids.add_metric("demo", "gemba-mqm:one")
    use_home(home)
    yield texts
    store.close()


def test_errors_are_underlined_in_the_translation_and_its_source(marked: list[str], client: FlaskClient) -> None:
    page = client.get(ADDRESS).text
    first = marked[0]
    for severity, title, covered in (
        ("minor", "minor: fluency/grammar", first[0:2]),
        ("critical", "minor: fluency/grammar; critical: <b>accuracy</b>", first[2:4]),
        ("critical", "critical: <b>accuracy</b>", first[4:6]),
    ):
        found = re.findall(rf'<span class="error is-{severity}" title="([^"]*)">([^<]*)</span>', page)
        assert (title, covered) in [(unescape(one), unescape(other)) for one, other in found]
    assert "<b>accuracy" not in page
    assert "style/awkward, at no place in the text" in page and "(50% sure)" in page
    assert "Errors that gemba-mqm:one marks, below each translation:" in page


def test_a_sentence_without_a_score_shows_none_and_comes_last(marked: list[str], client: FlaskClient) -> None:
    assert "nan" not in client.get(ADDRESS).text.casefold().replace("nano", "")
    worst = client.get(f"{ADDRESS}&sentences=worst").text
    order = re.findall(r'id="s(\d+)"', worst)
    assert (order[0], order[-1]) == ("1", "2")


def test_the_table_of_sentences_has_the_errors(marked: list[str], client: FlaskClient) -> None:
    rows = client.get(f"{ADDRESS}&form=json&table=sentences").get_json()
    first = next(iter(rows.values()))[0] if isinstance(rows, dict) else rows[0]
    written = [value for key, value in first.items() if key.endswith("gemba-mqm:one errors")]
    expected = (
        "minor fluency/grammar 0:4; critical <b>accuracy</b> 2:6; major accuracy/omission source 0:3; "
        "minor style/awkward nowhere"
    )
    assert expected in written


@pytest.mark.parametrize("text", ["שָׁלוֹם עולם", "今天下雨𠮷。", "a🙂b👩‍👧", "e\u0301te\u0301"])
def test_stretches_join_to_the_text(text: str) -> None:
    stored = score([(ErrorSpan(1, 3, "major", "x"), ErrorSpan(2, 99, "minor"))], [(1.0, 1.0)])
    (found,) = errors_of(marked_errors([stored], 1), 0, "source", text)
    assert "".join(each.text for each in found.target) == text
    assert [each.text for each in found.target if each.severity] == [text[1:3]]
    assert found.listed[1] == "minor, at no place in the text"
