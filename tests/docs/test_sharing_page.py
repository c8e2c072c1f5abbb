"""docs/sharing-results.md: its commands run one after the other, and its tables are those of the code."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.cli.export import Layout
from dragoman.cli.verify import NOT_ALL
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.sharing.bundle import layout, verification
from dragoman.sharing.bundle.findings import Finding
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

PAGE = (Path(__file__).parents[2] / "docs" / "sharing-results.md").read_text()
COMMANDS = re.findall(r"^\$ dragoman (.*)$", PAGE, re.MULTILINE)


def test_the_commands_of_the_page_run(
    dragoman: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    models = [ModelRecord(id=name, name=name, graph=TrainingGraph()) for name in ("base", "roles")]
    pair = Pair("de", "en")
    lines = {pair: [Segment(f"Haus {number}", f"house number {number} here") for number in range(4)]}
    grid = GridBuilder(store, models, [pair], name="demo", names={"base": "base", "roles": "roles"}, lines=lines).add()
    for record in grid.cells:
        grid.translate(record.cell, [], hypotheses=[(f"house number {number} there", "stop", 3) for number in range(4)])
    rescore(store, "demo", ["bleu"])
    store.close()
    for command in COMMANDS:
        done = dragoman(*shlex.split(command))
        assert done.code == 0, (command, done.err)
    assert {"demo.tar", "wmt", "results.yaml", "mteb"} <= {path.name for path in tmp_path.iterdir()}
    settings.cache_clear()


def test_every_form_has_its_row() -> None:
    table = PAGE.partition("| `--format` |")[2].partition("\n\n")[0]
    assert re.findall(r"^\| `([^`]+)`", table, re.MULTILINE) == [each.value for each in Layout]


def test_every_member_has_its_row() -> None:
    table = PAGE.partition("| member |")[2].partition("\n\n")[0]
    named = {
        name for row in re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }
    pair = Pair("en", "de")
    of_texts = {
        layout.sources("TESTSET", pair), layout.references("TESTSET", pair), layout.line_keys("TESTSET", pair),
        layout.hypotheses("TESTSET", pair, "SYSTEM"), layout.references("TESTSET", pair, 1),
        layout.labels("TESTSET", pair),
    }  # fmt: skip
    others = {*layout.claims(), layout.CHECKSUMS, layout.SUMS, layout.ROOT} - {layout.README}
    assert named == {name.replace("en-de", "LP") for name in of_texts} | others


def test_codes_bounds_and_sentences_are_the_codes_own() -> None:
    codes = re.findall(r"^\| (\d) \| ", PAGE, re.MULTILINE)
    assert codes == ["0", "1", "2", str(NOT_ALL)]
    assert (verification.EXACT, verification.RESAMPLED) == (1e-9, 1e-6) and "10⁻⁹" in PAGE and "10⁻⁶" in PAGE
    shown = str(Finding("scores.jsonl, line 5", "value: bleu of base on en-de of news", 33.2, 31.7))
    assert f"```text\n{shown}\n```" in PAGE
