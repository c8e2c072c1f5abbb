"""Replicates of score differences: of randomly dealt or resampled test sets, for all pairs by one matrix product.

Scores are functions of summed statistics, so the score of a test set whose sentences are dealt or drawn anew is one of
a weighted sum of rows. Pairs that share units (sentences, or documents) share the deals and draws: the replicates of a
mean over pairs are the means of their replicates.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dragoman.metrics.base import Metric, MetricError, Scores, Statistics

Replicates: TypeAlias = NDArray[np.float64]
"""Differences of scores, one row a pair and one column a replicate."""

CHUNK = 2048
"""Replicates that are summed and scored at once."""

_DRAWN_AT_ONCE = 2**18
"""Draws made at once."""

_EXACT = 2**24
"""Whole numbers up to this are added without error in single precision."""


class Lines(NamedTuple):
    """The units of resampling of a pair's lines, by number."""

    units: int
    """How many units there are; some may have no line of this pair."""
    of: NDArray[np.intp]
    """The unit of each line."""

    @property
    def lacking(self) -> NDArray[np.bool_] | None:
        """Units without a line; None where all have one."""
        lacking = np.bincount(self.of, minlength=self.units) == 0
        return lacking if lacking.any() else None

    def summed(self, statistics: Statistics) -> Statistics:
        """Statistics of the lines (n × k) as those of the units (units × k), zeros where one has no line."""
        if self.units == len(self.of) and np.array_equal(self.of, np.arange(self.units)):
            return statistics
        summed = np.zeros((self.units, statistics.shape[1]))
        np.add.at(summed, self.of, statistics)
        return summed


class Sides(NamedTuple):
    """Statistics of two systems on one pair, a row for each unit of resampling (units × k)."""

    metric: Metric
    """The metric."""
    baseline: Statistics
    """Of the one system."""
    system: Statistics
    """Of the other: differences are its score minus the baseline's."""
    lacking: NDArray[np.bool_] | None = None
    """Units without a line of this pair; None where all have one."""

    @classmethod
    def of(cls, metric: Metric, baseline: Statistics, system: Statistics, lines: Lines | None = None) -> Self:
        """Sum two systems' statistics (lines × k) by unit.

        Args:
            metric: the metric both are of.
            baseline: the statistics of one system.
            system: those of the other on the same lines.
            lines: the units of the lines; by default each line is one.

        Raises:
            MetricError: the two systems don't have the same lines, or have none.
        """
        if baseline.shape != system.shape or len(baseline) == 0:
            raise MetricError(
                f"Statistics of {len(baseline)} and of {len(system)} segments can't be compared: "
                "a paired test needs the same segments of the same metric on both sides."
            )
        if lines is None:
            return cls(metric, baseline, system)
        return cls(metric, lines.summed(baseline), lines.summed(system), lines.lacking)

    @property
    def delta(self) -> float:
        """The system's score minus the baseline's."""
        system, baseline = (float(self.metric.aggregate(side.sum(axis=0))) for side in (self.system, self.baseline))
        return system - baseline

    @property
    def held(self) -> NDArray[np.bool_]:
        """The units that have a line."""
        return np.ones(len(self.system), np.bool_) if self.lacking is None else ~self.lacking

    @property
    def left_out(self) -> Scores:
        """The difference with each unit left out in turn, for `standard_error`."""
        sums = (side.sum(axis=0) - side for side in (self.system, self.baseline))
        left = _minus(self.metric, *(np.ascontiguousarray(each.T) for each in sums))
        return np.where(np.isnan(left), self.delta, left)


def standard_error(left_out: Scores) -> float:
    """The jackknife's standard error (Tukey, 1958) of a statistic, given its value with each unit left out in turn."""
    units = len(left_out)
    return float(np.sqrt((units - 1) / units * np.sum((left_out - left_out.mean()) ** 2)))


def generator(seed: int, block: int = 0) -> np.random.Generator:
    """Random numbers for a block of pairs: those of sacreBLEU for the first block, for others a stream of their own."""
    return np.random.default_rng([seed, block] if block else seed)


def deals(units: int, trials: int, seed: int, block: int = 0) -> Iterator[NDArray[np.bool_]]:
    """Which units are swapped in each trial, some trials at once (trials × units)."""
    rng = generator(seed, block)
    for start in range(0, trials, CHUNK):
        # bits come in words of 32: chunks of whole words are the bits of one call for all trials
        yield rng.integers(2, size=(min(CHUNK, trials - start), units), dtype=bool)


def draws(units: int, samples: int, seed: int, block: int = 0) -> Iterator[NDArray[np.float32]]:
    """How often each unit is in each resample, some resamples at once (samples × units)."""
    rng = generator(seed, block)
    rows = min(CHUNK, max(1, _DRAWN_AT_ONCE // units))
    for start in range(0, samples, rows):
        drawn = rng.choice(units, size=(min(rows, samples - start), units), replace=True)
        size = drawn.size
        drawn += units * np.arange(len(drawn))[:, None]
        yield np.bincount(drawn.ravel(), minlength=size).reshape(drawn.shape).astype(np.float32)


def dealt(pairs: Sequence[Sides], trials: int, seed: int, block: int = 0) -> Replicates:
    """Differences where each unit's two outputs are dealt to two pseudo-systems at random (pairs × trials).

    A deal swaps the outputs of a unit in all pairs at once. The deals of the first block are those of sacreBLEU's
    approximate randomization for the same seed.

    Args:
        pairs: pairs of the same units.
        trials: how many deals.
        seed: of the deals.
        block: number of the block, as each has deals of its own.
    """
    changes = [side.baseline - side.system for side in pairs]
    moves = [change.any(axis=0) for change in changes]  # what is equal on both sides, as the reference is, stays
    product = weighted_sums(
        np.concatenate([change[:, moved] for change, moved in zip(changes, moves, strict=True)], axis=1)
    )
    totals = [(side.system.sum(axis=0)[:, None], side.baseline.sum(axis=0)[:, None]) for side in pairs]
    found, start = np.zeros((len(pairs), trials)), 0
    for swapped in deals(len(changes[0]), trials, seed, block):
        sums, place = product(swapped), 0
        end = start + len(swapped)
        for row, (side, moved, (system, baseline)) in enumerate(zip(pairs, moves, totals, strict=True)):
            if width := int(moved.sum()):
                first = np.repeat(system, len(swapped), axis=1)
                first[moved] += sums[place : place + width]
                found[row, start:end] = _minus(side.metric, first, system + baseline - first)
                place += width
        start = end
    return found


def resampled(
    pairs: Sequence[Sides], samples: int, seed: int, block: int = 0, precision: DTypeLike = np.float64
) -> Replicates:
    """Differences where as many units as there are were drawn with replacement (pairs × samples; Koehn, 2004).

    The draws of the first block are those of sacreBLEU's paired bootstrap for the same seed. A draw that holds no line
    of a pair has NaN there.

    Args:
        pairs: pairs of the same units.
        samples: how many resamples.
        seed: of the draws.
        block: number of the block, as each has draws of its own.
        precision: of the scores; sacreBLEU's is single.
    """
    product = weighted_sums(np.concatenate([table for side in pairs for table in (side.system, side.baseline)], axis=1))
    found, start = np.empty((len(pairs), samples)), 0
    for counts in draws(len(pairs[0].system), samples, seed, block):
        sums, place = product(counts).astype(precision), 0
        end = start + len(counts)
        for row, side in enumerate(pairs):
            width = side.system.shape[1]
            system, baseline = sums[place : place + width], sums[place + width : place + 2 * width]
            found[row, start:end] = _minus(side.metric, system, baseline)
            if side.lacking is not None:
                found[row, start:end][~counts[:, side.held].any(axis=1)] = np.nan
            place += 2 * width
        start = end
    return found


def weighted_sums(columns: NDArray[np.float64]) -> Callable[[NDArray[Any]], NDArray[np.float64]]:
    """What sums columns (units × k) by rows of weights: k × replicates, without rounding where they are whole."""
    # a resample's sums are near the whole's and never come to twice of it
    is_exact = np.array_equal(columns, np.rint(columns)) and 2 * np.abs(columns).sum(axis=0).max(initial=0) < _EXACT
    kind: type[np.floating[Any]] = np.float32 if is_exact else np.float64
    turned: NDArray[Any] = np.ascontiguousarray(columns.T, dtype=kind)
    return lambda weights: (turned @ weights.astype(kind, copy=False).T).astype(np.float64)


def _minus(metric: Metric, system: NDArray[Any], baseline: NDArray[Any]) -> NDArray[Any]:
    """Differences of the scores of sums that are k × replicates, which is the quicker layout."""
    left, right = metric.aggregate(np.moveaxis(np.stack([system, baseline], axis=1), 0, -1))
    difference: NDArray[Any] = left - right
    return difference
