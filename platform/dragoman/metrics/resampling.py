"""Bootstrap resampling of stored statistics: every resample of a test set in one matrix product.

A resample draws n segments with replacement (Koehn, 2004). Its statistics are a weighted sum of the rows,
the weights being how often each segment was drawn, so a matrix of counts (samples × n) stands for all
resamples. The draws are sacreBLEU's own for the same seed.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, Scores, Statistics
from dragoman.metrics.replicates import Lines, draws

SAMPLES = 1000
"""Resamples drawn by default."""

SEED = 12345
"""sacreBLEU's default seed."""

LEVEL = 0.95
"""Default probability of an interval."""


@lru_cache(maxsize=4)
def resampling_counts(segments: int, samples: int = SAMPLES, seed: int = SEED, block: int = 0) -> NDArray[np.float32]:
    """How often each segment is in each resample: samples × segments, read-only, equal for equal arguments."""
    counts = np.concatenate(list(draws(segments, samples, seed, block)))
    counts.flags.writeable = False
    return counts


def resampled_sums(
    statistics: Statistics, samples: int = SAMPLES, seed: int = SEED, block: int = 0
) -> NDArray[np.float32]:
    """The summed statistics of every resample: (..., n, k) gives (..., samples, k).

    In single precision, as in sacreBLEU: whole sums are exact up to 2^24.
    """
    return resampling_counts(statistics.shape[-2], samples, seed, block) @ statistics.astype(np.float32)


def resampled_scores(
    metric: Metric,
    statistics: Statistics,
    samples: int = SAMPLES,
    seed: int = SEED,
    *,
    lines: Lines | None = None,
    block: int = 0,
) -> Scores:
    """The score of every resample.

    Pairs of the same block are resampled jointly: the i-th score of each comes from the same draw of units. So the mean
    over the pairs of a partition has the interval of the mean of these arrays.

    Args:
        metric: the metric the statistics are of.
        statistics: (..., n, k), one test set or several of the same length.
        samples: how many resamples.
        seed: of the draws.
        lines: the units of the segments of one test set; by default each segment is one.
        block: number of the block of pairs, as each has draws of its own.

    Returns:
        Scores, (..., samples); NaN in a resample without a segment.
    """
    if lines is None:
        return metric.aggregate(resampled_sums(statistics, samples, seed, block).astype(np.float64))
    sums = resampled_sums(lines.summed(statistics), samples, seed, block).astype(np.float64)
    if lines.lacking is None:
        return metric.aggregate(sums)
    held = resampling_counts(lines.units, samples, seed, block)[:, ~lines.lacking].any(axis=1)
    scores = np.full(samples, np.nan)
    scores[held] = metric.aggregate(sums[held])
    return scores


def interval(values: Scores, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of resampled values: what is left when the same number is cut off at both ends.

    For a level of 0.95 half its width is the `±` that sacreBLEU prints.
    """
    cut = int(round(len(values) * (1 - level) / 2, 9))
    low, high = np.sort(values)[[cut, len(values) - cut - 1]].tolist()
    return low, high


def expanded_interval(values: Scores, units: int, level: float = LEVEL) -> tuple[float, float]:
    """The expanded percentile interval of resampled values (Hesterberg, 2015), which is right for few units too.

    A resample of n units varies (n - 1)/n as much as a sample of them, and normal quantiles are too near for few units:
    the percentiles are further out by √(n/(n - 1)) and by Student's t.

    Args:
        values: the value in each resample; NaN where a resample has none.
        units: n, the units that were drawn.
        level: the interval's probability.
    """
    from scipy.special import ndtr, stdtrit

    ordered = np.sort(values[~np.isnan(values)])
    tail = (1 - level) / 2
    if units > 1:
        tail = float(ndtr((units / (units - 1)) ** 0.5 * stdtrit(units - 1, tail)))
    cut = max(0, int(tail * (1 + len(ordered))) - 1)
    low, high = ordered[[cut, len(ordered) - cut - 1]].tolist()
    return low, high


def expanded_level(tail: float, units: int) -> float:
    """The level, at one end, of the expanded percentile interval that cuts off a share of the resamples there."""
    from scipy.special import ndtri, stdtr

    return float(stdtr(units - 1, ((units - 1) / units) ** 0.5 * ndtri(tail))) if units > 1 else tail


def confidence_interval(
    metric: Metric, statistics: Statistics, samples: int = SAMPLES, seed: int = SEED, level: float = LEVEL
) -> tuple[float, float]:
    """The bootstrap interval (low, high) of a test set's score; `statistics` is n × k."""
    return interval(resampled_scores(metric, statistics, samples, seed), level)


def confidence_intervals(tables: Sequence[tuple[Metric, Statistics]]) -> list[tuple[float, float]]:
    """The intervals of `confidence_interval` of several test sets, with one matrix product for those of one length."""
    found: dict[int, tuple[float, float]] = {}
    places: dict[int, list[int]] = {}
    for place, (_, rows) in enumerate(tables):
        places.setdefault(len(rows), []).append(place)
    for segments, its in places.items():
        chosen = [tables[place][1].astype(np.float32) for place in its]
        sums = resampling_counts(segments) @ np.concatenate(chosen, axis=1)
        parts = np.split(sums, np.cumsum([rows.shape[1] for rows in chosen])[:-1], axis=1)
        for place, part in zip(its, parts, strict=True):
            found[place] = interval(tables[place][0].aggregate(part.astype(np.float64)))
    return [found[place] for place in range(len(tables))]
