"""The questions of alignment: whether it goes with scores, and what finetuning makes of it, as of `dragoman align`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from pydantic import Field

from dragoman.alignment.findings import (
    FEWEST_LANGUAGES,
    AlignedModel,
    aligned_models,
    jackknife_interval,
    pair_matrix,
)
from dragoman.alignment.named_measures import MEASURES, NamedMeasure
from dragoman.alignment.parallel_lines import parallel_lines
from dragoman.analysis.aggregation import ALL
from dragoman.analysis.finding import Finding
from dragoman.analysis.languages import over_languages
from dragoman.analysis.mantel import mantel
from dragoman.analysis.pair_scores import BASE
from dragoman.claims.question import Asked, Question, QuestionOptions
from dragoman.claims.questions.campaign_languages import LANGUAGES, in_scope, mean_of, require_zero
from dragoman.effects.campaign_scores import CampaignScores, Value
from dragoman.errors import StoreError, nearest
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.store.alignment_records import Pooling
from dragoman.store.store import Store


class AlignmentOptions(QuestionOptions):
    """How alignment is measured, and where."""

    measure: str = next(iter(MEASURES))
    """Name of the measure."""
    layer: int | None = Field(default=None, ge=0)
    """The layer; by default that in which the models' languages are most alike."""
    pooling: Pooling = Pooling.MEAN
    """How a sentence's tokens are made one vector."""
    partition: str = ALL
    """The pairs: a partition, `unseen` or `all`."""

    @property
    def named(self) -> NamedMeasure:
        """The measure.

        Raises:
            StoreError: there is none of that name.
        """
        if self.measure not in MEASURES:
            raise StoreError(f"There is no measure '{self.measure}' of alignment; {nearest(self.measure, MEASURES)}")
        return MEASURES[self.measure]


class AlignmentScoreQuestion(Question):
    """Are the pairs whose languages are represented alike the ones that are translated well?"""

    title: ClassVar = "rank correlation of alignment with scores over pairs"
    fewest: ClassVar = FEWEST_LANGUAGES

    class Options(AlignmentOptions):
        """The measure, and whether alignment is held against scores or its change against gains."""

        of: Value = "score"
        """Alignment with scores, or its change by finetuning with gains over the base."""

    def find(self, store: Store, asked: Asked) -> Finding:
        """The correlation, with the p-value of Mantel's test."""
        require_zero(asked)
        own = self.options
        found = _Aligned.read(store, asked, own, own.of)
        alike, scores = found.alignments(changes=own.of == "gain"), found.means
        tags = sorted({tag for pair in alike for tag in pair})
        x = pair_matrix(tags, alike)
        y = pair_matrix(tags, {pair: value for pair, value in scores.items() if pair in alike})
        test = mantel(x, y)
        if np.isnan(test.statistic) or test.n_languages < FEWEST_LANGUAGES:
            raise StoreError(
                f"Fewer than {FEWEST_LANGUAGES} languages have alignments and scores on {own.partition} pairs that "
                "differ: there is no correlation."
            )
        low, high = jackknife_interval(x, y, test.statistic)
        return Finding(
            estimate=test.statistic, low=low, high=high, p=test.p, n=test.n_languages, of_what=found.of_what,
            cells=found.cells,
        )  # fmt: skip


class AlignmentGainQuestion(Question):
    """How much more alike does finetuning make the languages within the model?"""

    title: ClassVar = "alignment minus that of the base"
    fewest: ClassVar = 3
    Options: ClassVar = AlignmentOptions

    def find(self, store: Store, asked: Asked) -> Finding:
        """The mean change over pairs, with other languages."""
        found = _Aligned.read(store, asked, self.options, "score")
        changes = found.alignments(changes=True)
        changes = {pair: value for pair, value in changes.items() if pair in found.means}
        if not changes:
            raise StoreError(f"No pair that is aligned is {self.options.partition}.")
        mean = over_languages(changes, dict.fromkeys(changes, 1.0))
        count = len({tag for pair in changes for tag in pair})
        if mean is None:
            why = f"There are {count} languages, and how much they differ can't be told."
            return Finding(n=count, of_what=found.of_what, cells=found.cells, why=why)
        one = Finding.of(mean, n=count, of_what=found.of_what, against=asked.value)
        return replace(one, cells=found.cells)


@dataclass(frozen=True)
class _Aligned:
    """The models of a campaign whose alignment is stored, with that of their bases."""

    scores: CampaignScores
    """The scores of the campaign."""
    models: Mapping[int, tuple[AlignedModel, AlignedModel | None]]
    """Its models by their place in the scores, each with its base."""
    measure: NamedMeasure
    layer: int
    scope: str

    @classmethod
    def read(cls, store: Store, asked: Asked, options: AlignmentOptions, of: Value) -> "_Aligned":
        measure = options.named
        scores = asked.scores(store, of, fewest=1)
        models: dict[int, tuple[AlignedModel, AlignedModel | None]] = {}
        for grid in dict.fromkeys(model.grid for model in scores.models):
            places = {model.name: place for place, model in enumerate(scores.models) if model.grid == grid}
            lines = parallel_lines(store, grid, test_set=asked.test_set)
            by_name = {
                each.name: each for each in aligned_models(store, grid, lines, options.pooling, models=(BASE, *places))
            }
            models |= {places[name]: (each, by_name.get(BASE)) for name, each in by_name.items() if name in places}
        if not models:
            grid = scores.models[0].grid
            raise StoreError(f"No alignment of '{asked.over}' is measured yet: `dragoman align {grid}` does it.")
        return cls(scores, models, measure, _layer(models, measure, options.layer), options.partition)

    @property
    def means(self) -> dict[Pair, float]:
        """The mean of each pair's scores over the models that are aligned."""
        places = sorted(self.models)
        values = mean_of(self.scores.values[places], in_scope(self.scores, self.scope)[places])
        found = dict(zip(self.scores.pairs, values.tolist(), strict=True))
        return {pair: value for pair, value in found.items() if not np.isnan(value)}

    def alignments(self, *, changes: bool) -> dict[Pair, float]:
        """The mean of each pair's alignments over the models, or of their changes from the base.

        Raises:
            StoreError: changes are asked for, and the alignment of a base is not stored.
        """
        found: dict[Pair, list[float]] = {}
        for model, base in self.models.values():
            if changes and base is None:
                raise StoreError("The alignment of a base is not measured: `dragoman align GRID --model base` does it.")
            before = base.values(self.layer, self.measure) if changes and base is not None else None
            for pair, value in model.values(self.layer, self.measure).items():
                if before is None:
                    found.setdefault(pair, []).append(value)
                elif pair in before:
                    found.setdefault(pair, []).append(value - before[pair])
        return {pair: float(np.mean(values)) for pair, values in found.items()}

    @property
    def of_what(self) -> str:
        """What the n of a finding is of."""
        count = len(self.models)
        return f"{LANGUAGES}, of means over {count} aligned model{'s' if count != 1 else ''} in layer {self.layer}"

    @property
    def cells(self) -> str:
        """The hash of the scores and the alignments."""
        values = {
            record.of.id: self.measure.value(record)
            for each in self.models.values()
            for model in each
            if model is not None
            for record in model.records[self.layer].values()
        }
        return hash_lines([self.scores.cells, *sorted(f"{identity} {value!r}" for identity, value in values.items())])


def _layer(
    models: Mapping[int, tuple[AlignedModel, AlignedModel | None]], measure: NamedMeasure, wanted: int | None
) -> int:
    """The layer that was asked for, or in which the languages are most alike.

    Raises:
        StoreError: not all models and bases have it.
    """
    every = [model for each in models.values() for model in each if model is not None]
    layers = sorted(set.intersection(*(set(model.records) for model in every)))
    if wanted is not None and wanted not in layers:
        raise StoreError(f"There is no layer {wanted} that all models are aligned in: they have {layers or 'none'}.")
    if wanted is not None:
        return wanted
    means = {
        layer: float(np.mean([float(np.mean([*values.values()])) for model, _ in models.values()
                              if (values := model.values(layer, measure))] or [np.nan]))
        for layer in layers
    }  # fmt: skip
    known = {layer: mean for layer, mean in means.items() if not np.isnan(mean)}
    if not known:
        raise StoreError(f"{measure.label} is not defined in any layer that all models are aligned in.")
    return max(known, key=lambda layer: known[layer] if measure.higher_is_better else -known[layer])
