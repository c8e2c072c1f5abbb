"""A grid of three pairs with two models, and tables of the scores of a system that is not run here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.store.maintenance.rescoring import rescore
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

TEXT = {
    "en": ["A dog sleeps.", "It is raining today.", "She reads a book.", "The house is old, and so am I."],
    "de": ["Ein Hund schläft.", "Es regnet heute.", "Sie liest ein Buch.", "Das Haus ist alt, und ich auch."],
    "fr": ["Un chien dort.", "Il pleut aujourd'hui.", "Elle lit un livre.", "La maison est vieille, et moi aussi."],
}
PAIRS = [Pair("de", "en"), Pair("en", "de"), Pair("en", "fr")]
LONG = "lp,metric,score\nde-en,chrF++,61.5\nen-de,chrF++,48.25\nen-fr,chrF++,55\nde-en,BLEU,34.1\n"
"""Scores as a leaderboard gives them: a row for each."""
CITED = ("--cite", "Doe et al. 2026, table 5", "--signature", "sacrebleu 13a")


@pytest.fixture
def store(campaign: Any) -> Iterator[Store]:
    """The store of the settings, with the grid `g`: `base`, and `tuned`, whose translations are the references."""
    lines = {
        pair: [Segment(*both) for both in zip(TEXT[pair.source], TEXT[pair.target], strict=True)] for pair in PAIRS
    }
    base = ModelRecord(id="model1-base", name="base", recipe={"model": "xglm"}, graph=TrainingGraph())
    graph = TrainingGraph(examples={Pair("de", "en"): 10})
    tuned = ModelRecord(
        id="model1-tuned", name="tuned", base=base.id, parent=base.id, recipe={"seed": 1}, graph=graph, seed=1
    )
    grid = GridBuilder(campaign.store, [base, tuned], PAIRS, name="g", metrics=("chrf++", "bleu"), lines=lines).add()
    for record in grid.cells:
        cut = 2 if record.cell.model == base.id else 0
        hypotheses = [(segment.target[cut:], "stop", 3) for segment in lines[record.cell.pair]]
        grid.translate(record.cell, [], hypotheses=hypotheses)
    rescore(campaign.store, "g", ["chrf++", "bleu"])
    yield campaign.store


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder for tables, which is not the home."""
    folder = tmp_path.parent / f"{tmp_path.name}-files"
    folder.mkdir()
    return folder


@pytest.fixture
def quoted(store: Store, files: Path, dragoman: Any) -> Store:
    """The store with the quoted system `paper` in the grid."""
    (files / "table.csv").write_text(LONG)
    done = dragoman("add-scores", "g", "paper", str(files / "table.csv"), *CITED)
    assert done.code == 0, done.err
    return store
