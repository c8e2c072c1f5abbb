"""Grids in a store with multi-parallel lines, planted alignments and planted scores."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from dragoman.alignment.parallel_lines import parallel_lines
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Located, Segment
from dragoman.store.alignment_records import Aligned, AlignmentRecord, Pooling
from dragoman.store.line_keys import LineKeys
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing import GridBuilder

LANGUAGES = ("ar", "de", "en", "fi", "fr", "hi", "ru", "sw")
LINES = 20


class AlignedGrid:
    """A base and a finetuned model on all pairs of eight languages, with the alignments that a test plants."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pairs = all_pairs(LANGUAGES)
        graph = TrainingGraph.of([Pair("de", "en"), Pair("en", "fr"), Pair("fr", "de")], 5)
        base = ModelRecord(id="model1-base", name="base", recipe={"model": "x"}, graph=TrainingGraph())
        tuned = ModelRecord(id="model1-tuned", name="tuned", parent=base.id, base=base.id, recipe={"a": 1}, graph=graph)
        lines = {
            pair: [Segment(f"{pair.source} {row}", f"{pair.target} {row}") for row in range(LINES)]
            for pair in self.pairs
        }
        self.builder = GridBuilder(
            store, [base, tuned], self.pairs, name="g", names={base.id: "base", tuned.id: "tuned"}, lines=lines,
            spec={"name": "g", "prompt": "mfti", "languages": list(LANGUAGES)},
        ).add()  # fmt: skip
        keys = {
            (pair, self.builder.cell(base.id, pair).content): LineKeys.of(
                pair, [Located(segment, row) for row, segment in enumerate(lines[pair])]
            )
            for pair in self.pairs
        }
        store.conditions.add_keys(self.builder.test_set.id, keys)

    def score(self, values: Mapping[tuple[str, Pair], float]) -> None:
        """Give cells scores, by the model's id and pair."""
        for (model, pair), value in values.items():
            cell = self.builder.cell(model, pair)
            self.builder.translate(cell, [StoredScore(metric="bleu", signature="BLEU|v1", value=value)], segments=LINES)

    def align(self, model: str, layer: int, values: Mapping[Pair, float]) -> None:
        """Store alignments: each measure is this one, so that all can be looked for."""
        lines = parallel_lines(self.store, "g")
        self.store.alignment.add(
            AlignmentRecord(
                of=Aligned(
                    model=model, pair=pair, layer=layer, pooling=Pooling.MEAN,
                    content=(lines.content(pair.source), lines.content(pair.target)),
                ),
                lines=LINES, retrieval=value / 2, retrieval_centred=value, retrieval_chance=1 / LINES,
                xsim_error=1 - value / 2, xsim_error_centred=1 - value, cka=value, cka_chance=0.1,
                cka_unbiased=value - 0.1, mutual_knn=value / 3, mutual_knn_centred=value / 2,
            )
            for pair, value in values.items()
        )  # fmt: skip


@pytest.fixture
def aligned_grid(campaign: Any) -> AlignedGrid:
    return AlignedGrid(campaign.store)


@pytest.fixture
def planted(aligned_grid: AlignedGrid) -> AlignedGrid:
    """Scores that follow the alignment of layer 1 and gains that follow its change; layer 0 follows nothing."""
    rng = np.random.default_rng(1)
    pairs = aligned_grid.pairs
    of_language = dict(zip(LANGUAGES, rng.normal(size=len(LANGUAGES)), strict=True))
    before = {pair: 0.4 + 0.03 * (of_language[pair.source] + of_language[pair.target]) for pair in pairs}
    change = {pair: 0.1 + 0.02 * float(rng.normal()) for pair in pairs}
    after = {pair: before[pair] + change[pair] for pair in pairs}
    noise = [{pair: float(rng.uniform(0.2, 0.8)) for pair in pairs} for _ in range(2)]
    for model, own, other in (("model1-base", before, noise[0]), ("model1-tuned", after, noise[1])):
        aligned_grid.align(model, 0, other)
        aligned_grid.align(model, 1, own)
    aligned_grid.score({("model1-base", pair): 100 * value for pair, value in before.items()})
    aligned_grid.score({("model1-tuned", pair): 100 * value for pair, value in after.items()})
    return aligned_grid


Make = Callable[[], AlignedGrid]
