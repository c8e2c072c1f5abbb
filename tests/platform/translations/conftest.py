"""A grid of three pairs with four test sentences each, and the translations of a system that is not run here."""

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
    "zh-Hans": ["一只狗在睡觉。", "今天下雨。", "她在看书。", "房子很旧，我也是。"],
}
HYPOTHESES = {
    Pair("de", "en"): ["The dog is asleep.", "It rains today.", "She reads a book.", "The house is old, I am too."],
    Pair("en", "de"): [
        "Ein Hund schläft.", "Heute regnet es.", "Sie liest ein Buch.", "Das Haus ist alt und ich auch.",
    ],
    Pair("en", "zh-Hans"): ["狗在睡觉。", "今天下雨。", "", "房子很旧，“我”也是。"],
}  # fmt: skip
PAIRS = list(HYPOTHESES)


@pytest.fixture
def store(campaign: Any) -> Iterator[Store]:
    """The store of the settings, with the grid `g`: its base translates everything as the reference."""
    lines = {
        pair: [Segment(*both) for both in zip(TEXT[pair.source], TEXT[pair.target], strict=True)] for pair in PAIRS
    }
    base = ModelRecord(id="model1-base", name="base", recipe={"model": "xglm"}, graph=TrainingGraph())
    grid = GridBuilder(campaign.store, [base], PAIRS, name="g", metrics=("bleu", "chrf++"), lines=lines).add()
    for record in grid.cells:
        hypotheses = [(segment.target, "stop", 3) for segment in lines[record.cell.pair]]
        grid.translate(record.cell, [], hypotheses=hypotheses)
    rescore(campaign.store, "g", ["bleu", "chrf++"])
    yield campaign.store


def everything(store: Store, home: Path) -> Any:
    """All that there is in the store, and every file beside its database."""
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "store.db" not in path.name}
    return store.grids.all(), store.cells.of_grid("g"), store.models.lineage("g"), files
