"""A made campaign over the number of training pairs: draws of pairs, of several sizes each, with scores of choice."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.records import ModelRecord, StoredScore
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

Scorer = Callable[[str, TrainingGraph, Pair], float | StoredScore]
"""The score of a model, by its id and all it has seen, on a pair."""

SEGMENTS = 20
"""Sentences of each pair."""


class MadeCampaign:
    """The grids of a sweep over the number of pairs and the draw of them, each with the base and a finetuned model."""

    def __init__(
        self,
        store: Store,
        scorer: Scorer,
        *,
        name: str = "made",
        languages: Sequence[str] = ("ar", "de", "en", "fr", "ru"),
        sizes: Sequence[int] = (4, 8, 12),
        draws: Sequence[int] = (1, 2, 3),
        trained: Mapping[str, Sequence[Pair]] | None = None,
        metric: str = "bleu",
        examples: Any = None,
        base: Any = "models/tiny",
    ) -> None:
        """Write nothing yet; `add` does.

        Args:
            store: where the grids are written.
            scorer: the scores, of the base too.
            name: the campaign.
            languages: all of whose pairs are evaluated.
            sizes: numbers of training pairs; the draws of one seed are nested.
            draws: seeds of the draws.
            trained: the pairs of each grid by the end of its name, instead of sizes and draws.
            metric: the metric.
            examples: what the specs say of the number of examples; 1,000 in all by default.
            base: what the specs say of the base.
        """
        self.store, self.scorer, self.name, self.metric = store, scorer, name, metric
        self.languages, self.pairs = tuple(languages), all_pairs(languages)
        self.examples = {"total": 1000, "temperature": 1.0} if examples is None else examples
        self.base = base
        self.trained = dict(trained) if trained is not None else self._drawn(sizes, draws)

    def _drawn(self, sizes: Sequence[int], draws: Sequence[int]) -> dict[str, list[Pair]]:
        found = dict[str, list[Pair]]()
        for seed in draws:
            order = random.Random(f"{self.name} {seed}").sample(self.pairs, len(self.pairs))
            found |= {f"{size}-pairs-draw{seed}": sorted(order[:size]) for size in sizes}
        return found

    @property
    def grids(self) -> list[str]:
        """The names of its grids."""
        return [f"{self.name}-{ending}" for ending in self.trained]

    def add(self) -> Self:
        """Write the grids with every score."""
        base = ModelRecord(
            id=f"model1-{self.name}", name="tiny", recipe={"model": "models/tiny"}, graph=TrainingGraph()
        )
        for ending, pairs in self.trained.items():
            each = self._examples(len(pairs))
            recipe = {"base": base.id, "pairs": [str(pair) for pair in pairs], "examples": self.examples, "seed": 1}
            tuned = ModelRecord(
                id=f"{base.id}-{ending}",
                name="sampled",
                parent=base.id,
                base=base.id,
                recipe=recipe,
                seed=1,
                graph=TrainingGraph.of(pairs, each),
            )
            spec = self._spec(ending, pairs)
            grid = GridBuilder(
                self.store, [base, tuned], self.pairs, name=spec["name"], metrics=(self.metric,), spec=spec,
                segments=SEGMENTS,
            ).add()  # fmt: skip
            graphs = {base.id: base.graph, tuned.id: tuned.graph}
            for record in grid.cells:
                found = self.scorer(record.cell.model, graphs[record.cell.model], record.cell.pair)
                grid.translate(record.cell, [self._score(found)], segments=SEGMENTS)
        return self

    def _spec(self, ending: str, pairs: Sequence[Pair]) -> dict[str, Any]:
        size, _, seed = ending.partition("-pairs-draw")
        rule = {"sample": int(size), "seed": int(seed)} if seed else [str(pair) for pair in pairs]
        method = {"kind": "full", "steps": 1, "learning_rate": 0.001}
        return {
            "name": f"{self.name}-{ending}",
            "campaign": self.name,
            "base": self.base,
            "languages": list(self.languages),
            "corpus": {"kind": "cldr"},
            "models": [{"name": "sampled", "pairs": rule, "examples": self.examples, "method": method}],
        }

    def _examples(self, pairs: int) -> int:
        return self.examples["total"] // pairs if isinstance(self.examples, dict) else int(self.examples)

    def _score(self, found: float | StoredScore) -> StoredScore:
        if isinstance(found, StoredScore):
            return found
        return StoredScore(metric=self.metric, signature=f"{self.metric}|v1", value=found)
