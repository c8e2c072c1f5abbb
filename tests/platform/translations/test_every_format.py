"""The same seven faults in each format: one sentence that names the line, and nothing written."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pytest
from tests.platform.translations import layouts
from tests.platform.translations.conftest import HYPOTHESES, TEXT, everything

from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.testing import GridBuilder

PAIR = Pair("de", "en")
ISO = {"en": "en", "de": "de"}
SOURCES, WRITTEN = TEXT["de"], HYPOTHESES[PAIR]
FRENCH = ["Un chien dort.", "Il pleut.", "Elle lit un livre.", "La maison est vieille."]
TABLE = ("--column", "hypothesis=mt", "--column", "pair=lp", "--column", "text=src")

Lines = Sequence[str]


def _taken(*places: int) -> tuple[list[str], list[str]]:
    return [SOURCES[place] for place in places], [WRITTEN[place] for place in places]


FAULTS: dict[str, tuple[tuple[Lines, Lines], str]] = {
    "short": (_taken(0, 1, 2), r"ends after (line|row) \d, and the test set has 4 .* of sentence 4 \('Das Haus"),
    "long": (([*SOURCES, "Noch einer."], [*WRITTEN, "One more."]), r"(line|row) \d, is one more than the 4 sentences"),
    "shuffled": (_taken(0, 2, 1, 3), r"(line|row) \d, translates sentence 3 where sentence 2 of the test set .* due"),
    "another revision": (
        ([*SOURCES[:2], "Sie las ein Buch.", SOURCES[3]], WRITTEN),
        r"(line|row) \d, translates 'Sie las ein Buch.' and not sentence 3 of the test set \('Sie liest ein Buch",
    ),
    "a sentence twice": (_taken(0, 0, 2, 3), r"(line|row) \d, translates sentence 1 where sentence 2 of the test set"),
    "another language": (
        (FRENCH, WRITTEN), r"(line|row) \d, translates 'Un chien dort.' and not sentence 1 .*another language",
    ),
    "another encoding": (([*SOURCES], [*WRITTEN[:2], "She reads a bük.", WRITTEN[3]]), r"line \d, is not UTF-8 text"),
}  # fmt: skip


def _rows(sources: Lines, hypotheses: Lines) -> list[dict[str, Any]]:
    return [{"lp": "de-en", "src": source, "mt": mt} for source, mt in zip(sources, hypotheses, strict=True)]


def _text(folder: Path, sources: Lines, hypotheses: Lines) -> tuple[str, ...]:
    layouts.text(folder / "out", {PAIR: hypotheses}, ISO)
    layouts.text(folder / "src", {PAIR: sources}, ISO)
    pattern = "{source}-{target}.txt"
    return f"{folder}/out/{pattern}", "--sources", f"{folder}/src/{pattern}"


def _wmt(folder: Path, sources: Lines, hypotheses: Lines) -> tuple[str, ...]:
    layouts.wmt(folder, {PAIR: hypotheses}, {"de": sources, "en": hypotheses}, ISO, "Online-B")
    return str(folder), "--system", "Online-B"


def _lm_eval(folder: Path, sources: Lines, hypotheses: Lines) -> tuple[str, ...]:
    layouts.lm_eval(folder, {PAIR: hypotheses}, {"de": sources, "en": hypotheses}, ISO, ranks=1)
    return (str(folder),)


def _exported(folder: Path, sources: Lines, hypotheses: Lines) -> tuple[str, ...]:
    store = Store.open(f"sqlite:///{folder}/other.db", f"file://{folder}/blobs")
    base = ModelRecord(id="model1-other", name="base", recipe={"model": "other"}, graph=TrainingGraph())
    lines = [Segment(*both) for both in zip(sources, hypotheses, strict=True)]
    grid = GridBuilder(store, [base], [PAIR], name="o", metrics=("chrf++",), lines={PAIR: lines}).add()
    grid.translate(grid.cells[0].cell, [], hypotheses=[(line, "stop", 3) for line in hypotheses])
    export_grid(store, "o", folder / "o.zip")
    store.close()
    return f"{folder}/o.zip", "--system", "base"


FORMATS: dict[str, Callable[[Path, Lines, Lines], tuple[str, ...]]] = {
    "text": _text,
    "tsv": lambda folder, *lines: (str(layouts.delimited(folder / "t.tsv", _rows(*lines), "\t")), *TABLE),
    "csv": lambda folder, *lines: (str(layouts.delimited(folder / "t.csv", _rows(*lines), ",")), *TABLE),
    "jsonl": lambda folder, *lines: (str(layouts.json_lines(folder / "t.jsonl", _rows(*lines))), *TABLE),
    "parquet": lambda folder, *lines: (str(layouts.parquet(folder / "t.parquet", _rows(*lines))), *TABLE),
    "wmt": _wmt,
    "lm-eval": _lm_eval,
    "dragoman": _exported,
}
OF_TEXT = {each for each in FORMATS if each not in ("parquet", "dragoman")}
"""Formats whose files are text; the others have an encoding of their own."""
CASES = [(form, fault) for form in FORMATS for fault in FAULTS if form in OF_TEXT or fault != "another encoding"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path.parent / f"{tmp_path.name}-files"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(("form", "fault"), CASES)
def test_a_fault_is_named_with_its_line_in_every_format(
    store: Store, tmp_path: Path, folder: Path, dragoman: Any, form: str, fault: str
) -> None:
    (sources, hypotheses), sentence = FAULTS[fault]
    arguments = FORMATS[form](folder, sources, hypotheses)
    if fault == "another encoding":
        for path in folder.rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes().replace("bük".encode(), "bük".encode("latin-1")))
    before = everything(store, tmp_path)
    done = dragoman("add-system", "g", "other", *arguments)
    assert (done.code, done.out) == (2, "")
    assert re.search(sentence, done.err), done.err
    assert done.err.startswith("dragoman: ") and done.err.count("\n") == 1
    assert everything(store, tmp_path) == before


@pytest.mark.parametrize("form", FORMATS)
def test_without_a_fault_each_is_taken(store: Store, folder: Path, dragoman: Any, form: str) -> None:
    done = dragoman("add-system", "g", "other", *FORMATS[form](folder, SOURCES, WRITTEN), "--dry-run")
    assert done.code == 0 and "4 translations of 1 of 3 pairs fit the test set" in done.out + done.err, done.err


def test_an_exported_grid_is_read_from_any_address(store: Store, folder: Path, dragoman: Any) -> None:
    path, *options = _exported(folder, SOURCES, WRITTEN)
    with fsspec.open("memory://grids/o.zip", "wb") as file:
        file.write(Path(path).read_bytes())
    done = dragoman("add-system", "g", "other", "memory://grids/o.zip", *options, "--dry-run")
    assert done.code == 0 and "4 translations of 1 of 3 pairs fit" in done.out + done.err, done.err
    unknown = dragoman("add-system", "g", "other", "memory://grids/o.zip", "--system", "nobody")
    assert unknown.code == 2 and "memory://grids/o.zip has no model 'nobody'" in unknown.err
    with fsspec.open("memory://grids/cut.zip", "wb") as file:
        file.write(Path(path).read_bytes()[:-40])
    for address, said in (("memory://grids/cut.zip", "cut.zip"), ("memory://grids/gone.zip", "no such file")):
        wrong = dragoman("add-system", "g", "other", address, "--format", "dragoman", *options)
        assert wrong.code == 2 and said in wrong.err and wrong.err.count("\n") == 1
