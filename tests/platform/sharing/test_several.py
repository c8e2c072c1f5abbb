"""Sharing of a grid with several references, a named test set and a quoted system: what is shared is whole."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sacrebleu.metrics.bleu import BLEU

from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.sharing.bundle.verification import verify
from dragoman.sharing.bundle.writing import write_bundle
from dragoman.sharing.mt_metrics_eval import write_folders
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

DE_EN, EN_DE = Pair("de", "en"), Pair("en", "de")
GERMAN = ["Die Katze sitzt heute hier .", "Der alte Hund steht da ."]
FURTHER = [("Da sitzt heute die Katze .", "Hier ist heute eine Katze ."), ()]
SYSTEM = ["Da sitzt heute eine Katze .", "Der alte Hund ist da ."]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")
    models = [
        ModelRecord(id="m-base", name="base", recipe={"model": "x"}, graph=TrainingGraph()),
        ModelRecord(id="m-paper", name="paper", graph=TrainingGraph(),
                    recipe={"quoted": {"source": "Doe 2026", "signature": None}}),
    ]  # fmt: skip
    lines = {
        EN_DE: [Segment(*each) for each in zip(["One .", "Two ."], GERMAN, strict=True)],
        DE_EN: [Segment(*each) for each in zip(GERMAN, ["One .", "Two ."], strict=True)],
    }
    grid = GridBuilder(
        opened, models, [DE_EN, EN_DE], name="g", metrics=("bleu", "chrf++"), lines=lines, further={EN_DE: FURTHER}
    )
    grid.grid = grid.grid.model_copy(update={"test_sets": {grid.test_set.id: "talks"}})
    quoted = {"state": CellState.QUOTED, "test": None}
    grid.cells = [each.model_copy(update=quoted if each.cell.model == "m-paper" else {}) for each in grid.cells]
    grid.add()
    for pair in (DE_EN, EN_DE):
        grid.translate(grid.cell("m-base", pair), [], hypotheses=[(text, "stop", 3) for text in SYSTEM])
    rescore(opened, "g", ["bleu", "chrf++"])
    yield opened
    opened.close()


def test_a_bundle_is_verified_by_all_references_and_has_nothing_quoted(store: Store, tmp_path: Path) -> None:
    write_bundle(store, "g", tmp_path / "g.tar")
    found = verify(tmp_path / "g.tar")
    assert found.findings == [] and found.unchecked == [] and found.numbers > 8
    with tarfile.open(tmp_path / "g.tar") as members:
        names = members.getnames()
        assert {name for name in names if "/references/" in name} == {
            "talks/references/de-en.refA.txt", "talks/references/en-de.refA.txt", "talks/references/en-de.refB.txt",
            "talks/references/en-de.refC.txt",
        }  # fmt: skip
        second = members.extractfile("talks/references/en-de.refB.txt")
        assert second is not None and second.read().decode() == f"{FURTHER[0][0]}\n\n"
        contents = members.extractfile("grid.json")
        assert contents is not None and "paper" not in json.dumps(json.load(contents))


def test_the_folder_of_mt_metrics_eval_names_the_references_that_a_score_is_by(store: Store, tmp_path: Path) -> None:
    """Names as `ParseMetricName` of mt-metrics-eval's data.py reads them: references with dots between."""
    write_folders(store, "g", tmp_path / "wmt")
    root = tmp_path / "wmt" / "talks"
    assert sorted(path.name for path in (root / "references").iterdir()) == [
        "de-en.refA.txt", "en-de.refA.txt", "en-de.refB.txt", "en-de.refC.txt",
    ]  # fmt: skip
    score = (root / "metric-scores" / "en-de" / "bleu-refA.refB.refC.sys.score").read_text()
    by_all = BLEU().corpus_score(SYSTEM, [GERMAN, [FURTHER[0][0], ""], [FURTHER[0][1], ""]]).score
    assert score.split("\t")[0] == "base" and float(score.split("\t")[1]) == pytest.approx(by_all)
    assert (root / "metric-scores" / "de-en" / "bleu-refA.sys.score").exists()
