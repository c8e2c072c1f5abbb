"""Comparison of recipes trained with several seeds: the seeds and the sentences are samples, both.

A checkpoint says little of the recipe it came from: another seed gives another checkpoint. Two recipes are compared by
the means over their seeds. The variance of the difference is that of two crossed samples, seeds and sentences (Clark,
1973; the sum of the one-way variances less that of their interaction: Cameron, Gelbach and Miller, 2011), and its
degrees of freedom are Satterthwaite's (1946), so that two or three seeds are not taken for many.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from dragoman.analysis.joint_tests import whole_blocks
from dragoman.analysis.segment_statistics import Stored
from dragoman.analysis.units import Units
from dragoman.metrics.base import Metric, MetricError, Scores, Statistics
from dragoman.metrics.replicates import Lines, Sides, resampled
from dragoman.metrics.resampling import LEVEL, SAMPLES, SEED
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair

FEWEST_SEEDS = 2
"""Seeds from which a recipe's spread is known."""


class RecipeScores(NamedTuple):
    """The scores of one recipe's models on the same sentences."""

    values: Scores
    """The score of each seed's model, k."""
    samples: Scores
    """Their scores in each resample of the sentences, k × samples; the resamples are the same for every model."""


class RecipeMean(NamedTuple):
    """The mean over seeds of one recipe, or the difference of two, with what other seeds and sentences may change."""

    value: float
    """The mean, or the difference of the means."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    p_value: float
    """Probability of a value this far from zero by chance, two-sided: at most 0.05 exactly where the interval leaves
    zero out."""
    p_below: float
    """Probability of a value this low by chance, one-sided."""
    error: float
    """Standard error."""
    degrees: float
    """Degrees of freedom."""

    @classmethod
    def of(cls, value: float, error: float, degrees: float, level: float = LEVEL) -> Self:
        """A value with Student's t interval and p-values; a value without error is certain."""
        from scipy.special import stdtr, stdtrit

        if error == 0:
            certain = 1.0 if value == 0 else 0.0
            return cls(value, value, value, certain, float(value >= 0), error, degrees)
        half = float(stdtrit(degrees, (1 + level) / 2)) * error
        ratio = value / error
        return cls(
            value, value - half, value + half, 2 * float(stdtr(degrees, -abs(ratio))), float(stdtr(degrees, ratio)),
            error, degrees,
        )  # fmt: skip


class _Part(NamedTuple):
    """A part of a variance, and its degrees of freedom."""

    variance: float
    degrees: float


def difference_of_recipes(a: RecipeScores, b: RecipeScores, *, units: int, level: float = LEVEL) -> RecipeMean:
    """How much better recipe b is than recipe a: b minus a, over their seeds.

    A recipe with a single seed is taken to vary as the other does; two recipes of one seed each can't be compared.

    Args:
        a: scores of the one recipe's models.
        b: of the other's, in the same resamples.
        units: how many sentences are resampled.
        level: probability of the interval.

    Raises:
        MetricError: neither recipe has two seeds.
    """
    sides = (a, b)
    spreads = [_between_seeds(side) for side in sides]
    known = [spread for spread in spreads if spread is not None]
    if not known:
        raise MetricError(f"Recipes can be compared from {FEWEST_SEEDS} seeds of one of them on: there is one of each.")
    parts = []
    for side, spread in zip(sides, spreads, strict=True):
        own = spread or known[0]
        parts.append(_Part(own.variance / len(side.values), own.degrees))
    delta = float(b.values.mean() - a.values.mean())
    return _crossed(delta, parts, b.samples.mean(axis=0) - a.samples.mean(axis=0), sides, units, level)


def mean_of_recipe(scores: RecipeScores, *, units: int, level: float = LEVEL) -> RecipeMean:
    """The mean over a recipe's seeds; arguments and errors as of `difference_of_recipes`."""
    spread = _between_seeds(scores)
    if spread is None:
        raise MetricError(f"The spread of a recipe is known from {FEWEST_SEEDS} seeds on: there is one.")
    part = _Part(spread.variance / len(scores.values), spread.degrees)
    return _crossed(float(scores.values.mean()), [part], scores.samples.mean(axis=0), [scores], units, level)


def pooled_difference(
    kind: type[Metric],
    a: Sequence[Mapping[Pair, Stored]],
    b: Sequence[Mapping[Pair, Stored]],
    units: Units,
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> RecipeMean:
    """The difference of two recipes, b minus a, of their means over some pairs, from stored statistics.

    Args:
        kind: the metric.
        a: the scores of each seed's model of the one recipe on the pairs.
        b: of the other, on the same pairs.
        units: the sentences of the pairs' lines.
        samples: resamples of the sentences.
        seed: of the draws.

    Raises:
        MetricError: statistics are damaged or missing, or neither recipe has two seeds.
    """
    # seen from one of the models: what all have in common cancels out in means and spreads alike
    reference = {pair: unpack(score.packed or b"") for pair, score in a[0].items()}
    scored = []
    for side in (a, b):
        found = [_against(kind, reference, model, units, samples, seed) for model in side]
        scored.append(RecipeScores(*(np.array(column) for column in zip(*found, strict=True))))
    return difference_of_recipes(*scored, units=sum(block.units for block in units.blocks) or len(reference))


def _against(
    kind: type[Metric],
    reference: Mapping[Pair, Statistics],
    model: Mapping[Pair, Stored],
    units: Units,
    samples: int,
    seed: int,
) -> tuple[float, Scores]:
    """A model's mean over pairs minus the reference's, and the same in each resample."""
    deltas, drawn = [], []
    for number, block in enumerate(whole_blocks(units, {pair: len(rows) for pair, rows in reference.items()})):
        lines = {pair: Lines(block.units, of) for pair, of in block.lines.items()}
        sides = [Sides.of(kind(p), reference[p], unpack(model[p].packed or b""), of) for p, of in lines.items()]
        deltas += [side.delta for side in sides]
        drawn.append(resampled(sides, samples, seed, number))
    return float(np.mean(deltas)), np.nanmean(np.concatenate(drawn), axis=0)


def _between_seeds(scores: RecipeScores) -> _Part | None:
    """The variance of one model among those of other seeds, on these sentences."""
    seeds = len(scores.values)
    return _Part(float(np.var(scores.values, ddof=1)), seeds - 1) if seeds >= FEWEST_SEEDS else None


def _crossed(
    value: float, parts: Sequence[_Part], samples: Scores, sides: Sequence[RecipeScores], units: int, level: float
) -> RecipeMean:
    """A value whose variance is that between seeds, and that between sentences less what the seeds' holds of it."""
    # a bootstrap's variance lacks the factor n / (n - 1)
    scale = units / max(units - 1, 1)
    both = 0.0
    for side in sides:
        seeds = len(side.values)
        if seeds >= FEWEST_SEEDS:
            apart = side.samples - side.samples.mean(axis=0)
            both += float(np.var(apart, axis=1).mean()) * scale / (seeds - 1)
    sentences = _Part(max(float(np.var(samples)) * scale - both, 0.0), max(units - 1, 1))
    summed = [*parts, sentences]
    variance = sum(part.variance for part in summed)
    squares = sum(part.variance**2 / part.degrees for part in summed)
    degrees = variance**2 / squares if squares else 1.0
    return RecipeMean.of(value, float(np.sqrt(variance)), degrees, level)
