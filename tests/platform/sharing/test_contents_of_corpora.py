"""Bundles of corpora that hash each side for itself, as FLORES, or count lines that have no translation."""

import json
import tarfile
from pathlib import Path

import pytest
from tests.platform.sharing.conftest import forge

from dragoman.corpora.factory import open_corpus
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Split
from dragoman.sharing.bundle.verification import verify
from dragoman.sharing.bundle.writing import write_bundle
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

TEXT = {"eng": ["The house is old.", "It rains.", "A dog."], "deu": ["Das Haus ist alt.", "Es regnet.", "Ein Hund."]}
TEXT["fra"] = ["La maison est vieille.", "", "Un chien."]
DE_EN, EN_FR = Pair("de", "en"), Pair("en", "fr")


@pytest.fixture(scope="module")
def flores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a grid over FLORES-101 in its layout, whose cells know their lines as that corpus does."""
    folder = tmp_path_factory.mktemp("flores")
    for split in ("dev", "devtest"):
        (folder / split).mkdir()
        for code, lines in TEXT.items():
            (folder / split / f"{code}.{split}").write_text("".join(f"{line}\n" for line in lines))
    corpus = open_corpus("flores101", {"path": str(folder)})
    lines = {pair: list(corpus.segments(pair, Split.TEST)) for pair in (DE_EN, EN_FR)}
    assert [len(each) for each in lines.values()] == [3, 2]
    store = Store.open(f"sqlite:///{folder}/store.db", f"file://{folder}/blobs")
    models = [ModelRecord(id="model1-base", name="base", graph=TrainingGraph())]
    grid = GridBuilder(store, models, [DE_EN, EN_FR], lines=lines)
    grid.cells = [
        each.model_copy(update={"cell": each.cell.model_copy(
            update={"content": corpus.content(each.cell.pair, Split.TEST, None)}
        )})
        for each in grid.cells
    ]  # fmt: skip
    for record in grid.add().cells:
        hypotheses = [(line.target[2:], "stop", 3) for line in lines[record.cell.pair]]
        grid.translate(record.cell, [], hypotheses=hypotheses)
    rescore(store, "small", ["bleu"])
    write_bundle(store, "small", folder / "flores.tar")
    store.close()
    return folder / "flores.tar"


def test_a_hash_of_both_sides_is_found_in_the_lines(flores: Path) -> None:
    assert verify(flores).findings == []
    with tarfile.open(flores) as archive:
        plan = json.loads(archive.extractfile("grid.json").read())  # type: ignore[union-attr]
    # that of en-fr has an English line in it which is not tested
    assert list(plan["test_sets"][0]["contents"]) == ["en-fr"]


def test_a_changed_line_is_named(flores: Path, tmp_path: Path) -> None:
    def change(members: dict[str, list[str]]) -> None:
        members["cldr/sources/de-en.txt"][1] = "Es schneit."

    (found,) = verify(forge(flores, change, tmp_path / "forged.tar")).findings
    assert "the identity of base on de-en of cldr is not that of" in found.what
