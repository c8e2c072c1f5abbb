"""The size of a site of 156 pairs, three systems and 1,012 sentences each, and that a reader gets all of them."""

from pathlib import Path

import pytest
from tests.ui_plugins.wide_grid import KEPT, LANGUAGES, fill, hypotheses, lines_of

from dragoman.cli.arguments import open_snapshot
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman_ui.publishing.data_files import script
from dragoman_ui.publishing.folder import SiteFolder
from dragoman_ui.publishing.publish import Publication, publish
from dragoman_ui.publishing.sentences import PairText, SentenceFiles, Words

MOST = 20_000_000
"""Bytes."""


@pytest.mark.slow
@pytest.mark.timeout(3600)  # some two minutes of a processor, but others may want it too
def test_a_grid_of_the_size_of_flores_is_small(tmp_path: Path, use_home: object) -> None:
    use_home(tmp_path)  # type: ignore[operator]
    store = Store.open(settings().store_url, settings().blobs_url)
    fill(store)
    store.close()
    with open_snapshot() as snapshot, SiteFolder(tmp_path / "site") as made:
        done = publish(snapshot, Publication(grid="wide"), made, lambda what, done, total: None)
    assert (done.pairs, done.has_sentences) == (156, True)
    assert done.bytes == sum(path.stat().st_size for path in (tmp_path / "site").rglob("*") if path.is_file()) < MOST


def test_words_are_smaller_than_text() -> None:
    pairs, references = [Pair("en", "ru"), Pair("ar", "ru"), Pair("hi", "ru")], lines_of("ru", 300)
    texts = [[hypotheses(references, "ru", model, pair) for model in KEPT] for pair in pairs]
    words = Words.of([line for each in texts for system in each for line in system])
    by_line = [zip(references, zip(*each, strict=True), strict=True) for each in texts]
    in_words = sum(len(script("x", b"".join(words.encode(*line) for line in each))) for each in by_line)
    as_text = sum(len(script("x", "\n".join("\n".join(system) for system in each).encode())) for each in texts)
    assert in_words < 0.45 * as_text, in_words / as_text


def test_text_without_spaces_is_divided_by_characters() -> None:
    assert Words.of(["中文里没有空格也没有别的", "中文里有时也有一个空格在 mixed"]).joint == ""
    assert Words.of(["a b", "c d"]).joint == " "
    assert Words.of(["", ""]).encode("x", ["", ""]) == b"\0\0"


def test_multi_parallel_lines_are_written_once() -> None:
    written: dict[str, str] = {}
    files = SentenceFiles(lambda name, text: written.update({name: text}))
    lines = {tag: [f"{tag} {number}" for number in range(3)] for tag in LANGUAGES[:3]}
    for target in lines:
        pairs = [Pair(source, target) for source in lines if source != target]
        files.add(target, [PairText(pair, str(pair), lines[pair.source], lines[pair.target], []) for pair in pairs])
    assert sorted(name for name in written if "lines" in name) == [f"data/lines-{tag}.js" for tag in sorted(lines)]
    files.add("ar", [PairText(Pair("bg", "ar"), "other", ["another line"], ["its reference"], [])])
    assert {"data/lines-bg-2.js", "data/lines-ar-2.js"} < written.keys()
