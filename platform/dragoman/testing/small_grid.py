"""A small grid for tests: a base and two finetuned models on the twelve pairs of four languages."""

from typing import Self

import numpy as np

from dragoman.cell import Cell
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

LANGUAGES = ("de", "en", "fr", "sw")

STATISTICS = pack(np.ones((3, 2)))
"""Of the three segments that each cell has."""


class SmallGrid(GridBuilder):
    """The models `base`, `a` (trained on de-en and en-fr) and `b` (on en-de), scored with BLEU and chrF++."""

    def __init__(self, store: Store, name: str = "small") -> None:
        """Write nothing yet; `add` writes the grid, and `fill` a score for each cell."""
        graphs = {
            "a": TrainingGraph.of([Pair("de", "en"), Pair("en", "fr")], 10),
            "b": TrainingGraph.of([Pair("en", "de")], 5),
        }
        base = ModelRecord(id="model1-base", name="xglm", recipe={"model": "xglm"}, graph=TrainingGraph())
        tuned = [
            ModelRecord(
                id=f"model1-{model}", name=model, parent=base.id, base=base.id, recipe={model: 1}, seed=1, graph=graph
            )
            for model, graph in graphs.items()
        ]
        super().__init__(store, [base, *tuned], all_pairs(LANGUAGES), name=name, metrics=("bleu", "chrf++"), segments=3)

    def commit(self, cell: Cell, bleu: float, statistics: bytes | None = STATISTICS) -> None:
        """Write a cell's translation, with a BLEU score and a chrF++ score that is twice as high."""
        scores = [
            StoredScore(
                metric="bleu", signature="BLEU|v1", value=bleu, low=bleu - 1, high=bleu + 1, statistics=statistics
            ),
            StoredScore(metric="chrf++", signature="chrF2++|v1", value=bleu * 2, statistics=statistics),
        ]
        hypotheses = [(f"{cell.id} {n}", "stop", 4) for n in range(3)]
        self.translate(cell, scores, hypotheses=hypotheses, seconds=0.5)

    def fill(self) -> Self:
        """Write every cell's translation; the BLEU score of the n-th is n."""
        for number, record in enumerate(self.cells):
            self.commit(record.cell, float(number))
        return self
