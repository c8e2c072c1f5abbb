"""Comparison of recipes trained with several seeds: the seeds and the sentences are samples, both.

A checkpoint says little of the recipe it came from: another seed gives another checkpoint. Two recipes are compared by
the means over their seeds. The variance of the difference is that of two crossed samples, seeds and sentences (Clark,
1973; the sum of the one-way variances less that of their interaction: Cameron, Gelbach and Miller, 2011), and its
degrees of freedom are Satterthwaite's (1946), so that two or three seeds are not taken for many.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.joint_tests import whole_blocks
from dragoman.analysis.units import Block, Units
from dragoman.metrics.base import Metric, MetricError, Scores, Statistics
from dragoman.metrics.replicates import Lines, Sides, resampled
from dragoman.metrics.resampling import LEVEL, SAMPLES, SEED
from dragoman.pair import Pair

FEWEST_SEEDS = 2
"""Seeds from which a recipe's spread is known."""


class RecipeScores(NamedTuple):
    """The scores of one recipe's models on the same sentences."""

    values: Scores
    """The score of each seed's model, k."""
    samples: Scores
    """Their scores in each resample of the sentences, k × samples; the resamples are the same for every model."""
    is_fixed: bool = False
    """Whether it is one model that no seed went into, such as a base: there is nothing to vary."""


def difference_of_recipes(a: RecipeScores, b: RecipeScores, *, units: int, level: float = LEVEL) -> Estimate:
    """How much better recipe b is than recipe a: b minus a, over their seeds.

    A recipe with a single seed is taken to vary as the other does, but for a model that no seed went into; two recipes
    of one seed each can't be compared.

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
        if side.is_fixed:
            continue
        own = spread or known[0]
        parts.append(Part(own.variance / len(side.values), own.degrees))
    delta = float(b.values.mean() - a.values.mean())
    return _crossed(delta, parts, b.samples.mean(axis=0) - a.samples.mean(axis=0), sides, units, level)


def mean_of_recipe(scores: RecipeScores, *, units: int, level: float = LEVEL) -> Estimate:
    """The mean over a recipe's seeds; arguments and errors as of `difference_of_recipes`."""
    spread = _between_seeds(scores)
    if spread is None:
        raise MetricError(f"The spread of a recipe is known from {FEWEST_SEEDS} seeds on: there is one.")
    part = Part(spread.variance / len(scores.values), spread.degrees)
    return _crossed(float(scores.values.mean()), [part], scores.samples.mean(axis=0), [scores], units, level)


class _Replicated(NamedTuple):
    """A model's scores less a reference model's on some pairs, and the same in each resample of the sentences."""

    deltas: dict[Pair, float]
    """The difference on each pair."""
    samples: dict[Pair, Scores]
    """The difference in each resample; not a number where a resample holds no line of the pair."""

    def mean(self, weights: Mapping[Pair, float]) -> tuple[float, Scores]:
        """The weighted mean over some pairs, and in each resample over those that it holds."""
        shares = np.array(list(weights.values()))
        drawn = np.stack([self.samples[pair] for pair in weights]).astype(np.float64)
        held = ~np.isnan(drawn)
        with np.errstate(invalid="ignore"):
            samples: Scores = (shares @ np.where(held, drawn, 0)) / (shares @ held)
        return float(np.average([self.deltas[pair] for pair in weights], weights=shares)), samples


class RecipeTests:
    """Two recipes on some pairs: the difference of any mean over them is found from one set of resamples."""

    def __init__(
        self,
        kind: type[Metric],
        a: Sequence[Mapping[Pair, Statistics]],
        b: Sequence[Mapping[Pair, Statistics]],
        units: Units,
        *,
        fixed: tuple[bool, bool] = (False, False),
        samples: int = SAMPLES,
        seed: int = SEED,
    ) -> None:
        """Resample the sentences of all pairs, for every model.

        Args:
            kind: the metric.
            a: the statistics of each seed's model of the one recipe on the pairs.
            b: of the other, on the same pairs.
            units: the sentences of the pairs' lines.
            fixed: whether a, and b, is one model that no seed went into.
            samples: resamples of the sentences.
            seed: of the draws.
        """
        # seen from one of the models: what all have in common cancels out in means and spreads alike
        reference = a[0]
        blocks = whole_blocks(units, {pair: len(rows) for pair, rows in reference.items()})
        self._blocks = {pair: (number, block.units) for number, block in enumerate(blocks) for pair in block.lines}
        drawn = partial(_replicated, kind, reference, blocks=blocks, samples=samples, seed=seed)
        self._fixed = fixed
        self._sides = [[drawn(model) for model in side] for side in (a, b)]

    def difference(self, weights: Mapping[Pair, float]) -> Estimate:
        """How much better recipe b is than a, b minus a, of the weighted mean over some of the pairs.

        Raises:
            MetricError: neither recipe has two seeds.
        """
        scored = []
        for side, is_fixed in zip(self._sides, self._fixed, strict=True):
            values, samples = zip(*(model.mean(weights) for model in side), strict=True)
            held = ~np.isnan(samples[0])
            scored.append(RecipeScores(np.array(values), np.array([each[held] for each in samples]), is_fixed))
        return difference_of_recipes(*scored, units=sum(dict(self._blocks[pair] for pair in weights).values()))


def _replicated(
    kind: type[Metric],
    reference: Mapping[Pair, Statistics],
    model: Mapping[Pair, Statistics],
    *,
    blocks: Sequence[Block],
    samples: int,
    seed: int,
) -> _Replicated:
    found = _Replicated({}, {})
    for number, block in enumerate(blocks):
        lines = {pair: Lines(block.units, of) for pair, of in block.lines.items()}
        sides = [Sides.of(kind(p), reference[p], model[p], of) for p, of in lines.items()]
        found.deltas.update((pair, side.delta) for pair, side in zip(lines, sides, strict=True))
        found.samples.update(zip(lines, resampled(sides, samples, seed, number), strict=True))
    return found


def _between_seeds(scores: RecipeScores) -> Part | None:
    """The variance of one model among those of other seeds, on these sentences."""
    seeds = len(scores.values)
    return Part(float(np.var(scores.values, ddof=1)), seeds - 1) if seeds >= FEWEST_SEEDS else None


def _crossed(
    value: float, parts: Sequence[Part], samples: Scores, sides: Sequence[RecipeScores], units: int, level: float
) -> Estimate:
    """A value whose variance is that between seeds, and that between sentences less what the seeds' holds of it."""
    # a bootstrap's variance lacks the factor n / (n - 1)
    scale = units / max(units - 1, 1)
    both = 0.0
    for side in sides:
        seeds = len(side.values)
        if seeds >= FEWEST_SEEDS:
            apart = side.samples - side.samples.mean(axis=0)
            both += float(np.var(apart, axis=1).mean()) * scale / (seeds - 1)
    sentences = Part(max(float(np.var(samples)) * scale - both, 0.0), max(units - 1, 1))
    return Estimate.of(value, [*parts, sentences], level)
