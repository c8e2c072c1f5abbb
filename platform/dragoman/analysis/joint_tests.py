"""Tests of two models on pairs and on means over pairs, all from the same deals or draws of sentences.

One implementation serves comparisons, partition tables, gates and pages, so that what they print of a difference is the
same. What was found is kept for as long as statistics, units and plan are the same.
"""

from collections.abc import Collection, Hashable, Mapping, Sequence
from functools import lru_cache, partial
from hashlib import blake2b
from math import fsum, sqrt
from typing import Any, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.segment_statistics import Stored, rows_of
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import Block, Units, independent
from dragoman.metrics.base import Metric, Scores, Statistics
from dragoman.metrics.difference import Difference
from dragoman.metrics.replicates import Lines, Replicates, Sides, standard_error
from dragoman.metrics.significance import Correction, adjusted, difference, replicates
from dragoman.pair import Pair

_KEPT = 256
"""Joint tests whose results are kept."""

Weights = Mapping[Pair, float]
"""The weight of each pair in a mean."""

BothStatistics = tuple[Statistics, Statistics]
"""The statistics of the baseline and of the system on the same lines."""


class Contrast(NamedTuple):
    """The stored scores of two models on one pair, with their statistics."""

    baseline: Stored
    """The one that is subtracted."""
    system: Stored
    """The other."""


Name = TypeVar("Name", bound=Hashable)
"""The name of a mean."""


class JointTests(NamedTuple, Generic[Name]):
    """What was found of two models."""

    pairs: Mapping[Pair, Difference]
    """The difference on each pair."""
    means: Mapping[Name, Difference]
    """The difference of means, by name; of those alone whose pairs were all tested."""
    odd: frozenset[Pair]
    """Pairs whose statistics don't give their scores, which are not tested."""
    samples: int
    """Trials or resamples that they were made of, at least: where these can't decide there are more."""
    is_fitted: bool
    """Whether that is too few for so many pairs, so that the smallest p-values are read off a fitted tail."""


def joint_tests(
    kind: type[Metric],
    contrasts: Mapping[Pair, Contrast],
    units: Units,
    plan: Plan,
    means: Mapping[Name, Weights],
    *,
    for_means: bool = False,
) -> JointTests[Name]:
    """Test two models on each pair and on means over pairs.

    Args:
        kind: the metric.
        contrasts: the scores of both on each pair, which have statistics.
        units: the units of the pairs' lines; a pair that is in none, or whose lines are others, is resampled apart.
        plan: how to test; not by intervals.
        means: weights of the pairs of each mean, by any name.
        for_means: the tests of means alone are wanted (`joint_tests_of`).

    Raises:
        MetricError: statistics are damaged.
    """
    return _tests(_Question(kind, contrasts, units, plan, means, for_means))


class _Question:
    """Cache key of joint tests: hashed by the digest of all they depend on, which is dropped once they are made."""

    __slots__ = ("_asked", "_digest")

    def __init__(self, *asked: Any) -> None:
        kind, contrasts, units, plan, means, for_means = asked
        facts = [kind, plan, for_means, [(name, sorted(weights.items())) for name, weights in means.items()]]
        digest = blake2b(repr(facts).encode(), digest_size=16)
        for pair, sides in contrasts.items():
            digest.update(repr((pair, [(side.value, len(side.packed or b"")) for side in sides])).encode())
            for side in sides:
                digest.update(side.packed or b"")
        for block in units.blocks:
            for pair, lines in block.lines.items():
                digest.update(repr((block.units, pair, len(lines))).encode() + lines.tobytes())
        self._asked: tuple[Any, ...] | None = asked
        self._digest = digest.digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Question) and other._digest == self._digest

    def take(self) -> tuple[Any, ...]:
        """Return what was asked and drop it; called once."""
        taken, self._asked = self._asked, None
        return taken or ()


class _Part(NamedTuple):
    """What a block of pairs contributes to a mean."""

    delta: float
    """Its share of the difference."""
    variance: float
    """That share's variance."""
    units: int
    """Its units that have a line of the pairs."""
    replicates: Scores
    """The share in each replicate."""


class _Tested(NamedTuple):
    """A block of pairs with its replicates, in the order of the pairs."""

    pairs: list[Pair]
    """The pairs."""
    sides: list[Sides]
    """Their statistics, by unit."""
    replicates: Replicates
    """The difference on each in each replicate."""
    left_out: NDArray[np.floating[Any]]
    """The difference on each with each unit left out in turn."""

    @classmethod
    def of(
        cls,
        kind: type[Metric],
        statistics: Mapping[Pair, BothStatistics],
        number: int,
        block: Block,
        pairs: Collection[Pair],
        plan: Plan,
        samples: int,
    ) -> Self:
        """Make the replicates of those pairs of a block that are among some."""
        chosen = [pair for pair in block.lines if pair in pairs]
        sides = [Sides.of(kind(pair), *statistics[pair], Lines(block.units, block.lines[pair])) for pair in chosen]
        found = replicates(plan.test, sides, samples, plan.seed, number) if sides else np.empty((0, samples))
        return cls(chosen, sides, found, np.array([side.left_out for side in sides]))

    def part(self, weights: Weights) -> _Part | None:
        """The contribution to a mean with some weights; None where the block has none of its pairs."""
        places = [place for place, pair in enumerate(self.pairs) if pair in weights]
        if not places:
            return None
        shares = np.array([weights[self.pairs[place]] for place in places])
        chosen = [self.sides[place] for place in places]
        rows = self.replicates[places] if len(places) < len(self.pairs) else self.replicates
        held = ~np.isnan(rows)
        replicated = shares @ (rows if held.all() else np.where(held, rows, 0))
        if not held.all():  # a pair of which a resample holds no line is left out of the resample's mean
            with np.errstate(divide="ignore", invalid="ignore"):
                replicated *= shares.sum() / (shares @ held)
        return _Part(
            fsum(share * side.delta for share, side in zip(shares.tolist(), chosen, strict=True)),
            standard_error(shares @ self.left_out[places]) ** 2,
            int(np.any([side.held for side in chosen], axis=0).sum()),
            replicated,
        )


@lru_cache(maxsize=_KEPT)
def _tests(question: _Question) -> JointTests[Any]:
    kind, contrasts, units, plan, means, for_means = question.take()
    known, odd = _statistics(kind, contrasts)
    return joint_tests_of(kind, known, units, plan, means, for_means=for_means)._replace(odd=odd)


def joint_tests_of(
    kind: type[Metric],
    statistics: Mapping[Pair, BothStatistics],
    units: Units,
    plan: Plan,
    means: Mapping[Name, Weights],
    *,
    for_means: bool = False,
) -> JointTests[Name]:
    """Test two models as `joint_tests` does, from statistics that are at hand; nothing of it is kept.

    Args:
        kind: the metric.
        statistics: those of the baseline and of the system on each pair.
        units: the units of the pairs' lines.
        plan: how to test; not by intervals.
        means: weights of the pairs of each mean, by any name.
        for_means: the tests of means alone are wanted: they are the same, and those of pairs are made of the first
            replicates, which may not decide them. To decide pairs takes most of the time.
    """
    means = {name: weights for name, weights in means.items() if weights and weights.keys() <= statistics.keys()}
    blocks = whole_blocks(units, {pair: len(own) for pair, (_, own) in statistics.items()})
    samples, is_fitted = plan.samples_of(len(statistics)), plan.fits_tail(len(statistics))

    def made(pairs: Collection[Pair], names: Collection[Name], count: int) -> JointTests[Name]:
        held = [_Tested.of(kind, statistics, number, block, pairs, plan, count) for number, block in enumerate(blocks)]
        tested = partial(_difference, kind, [block for block in held if block.pairs], plan, is_fitted)
        found = {pair: tested({pair: 1.0}) for pair in statistics if pair in pairs}
        return JointTests(found, {name: tested(means[name]) for name in names}, frozenset(), count, is_fitted)

    found, count = made(statistics.keys(), means.keys(), samples), samples
    while True:  # ten times as many for those that fewer can't decide
        names = undecided(found.means, plan, count)
        if for_means and not names:  # nor would any be with more replicates of the others
            return found
        pairs = undecided(found.pairs, plan, count)
        needed = {*pairs, *(pair for name in names for pair in means[name])}
        more = min(plan.more_samples(len(needed)), 10 * count)
        if not needed or more <= count:
            return found
        again = made(needed, names, more)
        found = found._replace(
            pairs={**found.pairs, **{pair: again.pairs[pair] for pair in pairs}},
            means={**found.means, **again.means},
        )
        count = more


def undecided(found: Mapping[Name, Difference], plan: Plan, samples: int) -> list[Name]:
    """Those of a family whose adjusted p-value is from alpha by less than three Monte Carlo standard errors.

    Args:
        found: the tests of the family, by any name.
        plan: how they were made.
        samples: trials or resamples of each.
    """
    close = set[Name]()
    families = [
        ([each.p_value for each in found.values()], plan.correction),
        ([each.p_worse for each in found.values()], plan.correction),
        # counts of wins and losses go by Holm in any case (`analysis.replicability`)
        ([each.p_worse for each in found.values()], Correction.HOLM),
        ([each.p_better for each in found.values()], Correction.HOLM),
    ]
    for p_values, correction in families:
        final = adjusted(p_values, correction).tolist()
        for name, p_value, adjusted_p in zip(found, p_values, final, strict=True):
            if abs(plan.alpha / adjusted_p - 1) <= 3 / sqrt(samples * p_value):
                close.add(name)
    return [name for name in found if name in close]


def _difference(
    kind: type[Metric], blocks: Sequence[_Tested], plan: Plan, is_fitted: bool, weights: Weights
) -> Difference:
    """The difference of weighted means over pairs of some blocks."""
    total = fsum(weights.values())
    shares = {pair: weight / total for pair, weight in weights.items()}
    parts = [part for block in blocks if (part := block.part(shares)) is not None]
    return difference(
        plan.test,
        fsum(part.delta for part in parts),
        np.sum([part.replicates for part in parts], axis=0),
        se=sqrt(fsum(part.variance for part in parts)),
        units=sum(part.units for part in parts),
        higher_is_better=kind.higher_is_better,
        fits_tail=is_fitted,
    )


def _statistics(
    kind: type[Metric], contrasts: Mapping[Pair, Contrast]
) -> tuple[dict[Pair, BothStatistics], frozenset[Pair]]:
    """The statistics of each pair that give both its scores, and the pairs whose don't."""
    known = {}
    for pair, contrast in contrasts.items():
        baseline, system = (rows_of(kind(pair), side) for side in contrast)
        if baseline is not None and system is not None:
            known[pair] = baseline, system
    return known, frozenset(contrasts.keys() - known.keys())


def whole_blocks(units: Units, lengths: Mapping[Pair, int]) -> list[Block]:
    """The blocks of pairs of these lengths; those of which nothing is known, or not of as many lines, stand alone."""
    blocks = []
    for block in units.blocks:
        if lines := {pair: each for pair, each in block.lines.items() if lengths.get(pair) == len(each)}:
            blocks.append(Block(block.units, lines))
    known = {pair for block in blocks for pair in block.lines}
    apart = independent({pair: lengths[pair] for pair in sorted(lengths.keys() - known)})
    return [*blocks, *apart.blocks]
