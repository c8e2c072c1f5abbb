"""Bootstrap resampling of stored statistics: every resample of a test set in one matrix product.

A resample draws n segments with replacement (Koehn, 2004). Its statistics are a weighted sum of the rows,
the weights being how often each segment was drawn, so a matrix of counts (samples × n) stands for all
resamples. The draws are sacreBLEU's own for the same seed.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, Scores, Statistics

SAMPLES = 1000
"""Resamples drawn by default."""

SEED = 12345
"""sacreBLEU's default seed."""

LEVEL = 0.95
"""Default probability of an interval."""

_BLOCK = 2**18
"""Draws made at once."""


@lru_cache(maxsize=4)
def resampling_counts(segments: int, samples: int = SAMPLES, seed: int = SEED) -> NDArray[np.float32]:
    """How often each segment is in each resample: samples × segments, read-only, equal for equal arguments."""
    rng = np.random.default_rng(seed)
    counts = np.empty((samples, segments), dtype=np.float32)
    # drawn in blocks of rows: the draws are those of one call for all rows, without its memory
    rows = max(1, _BLOCK // segments)
    for block in (counts[start : start + rows] for start in range(0, samples, rows)):
        draws = rng.choice(segments, size=block.shape, replace=True)
        draws += segments * np.arange(len(block))[:, None]
        block[:] = np.bincount(draws.ravel(), minlength=block.size).reshape(block.shape)
    counts.flags.writeable = False
    return counts


def resampled_sums(statistics: Statistics, samples: int = SAMPLES, seed: int = SEED) -> NDArray[np.float32]:
    """The summed statistics of every resample: (..., n, k) gives (..., samples, k).

    In single precision, as in sacreBLEU: whole sums are exact up to 2^24.
    """
    return resampling_counts(statistics.shape[-2], samples, seed) @ statistics.astype(np.float32)


def resampled_scores(metric: Metric, statistics: Statistics, samples: int = SAMPLES, seed: int = SEED) -> Scores:
    """The score of every resample.

    Pairs with the same number of segments are resampled jointly: the i-th score of each comes from the same
    draw of segments. So the mean over the pairs of a partition, and the difference of two models' means, have
    the interval and the p-value of the mean of these arrays.

    Args:
        metric: the metric the statistics are of.
        statistics: (..., n, k), one test set or several of the same length.
        samples: how many resamples.
        seed: of the draws.

    Returns:
        Scores, (..., samples).
    """
    return metric.aggregate(resampled_sums(statistics, samples, seed).astype(np.float64))


def interval(values: Scores, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of resampled values: what is left when the same number is cut off at both ends.

    For a level of 0.95 half its width is the `±` that sacreBLEU prints.
    """
    cut = int(round(len(values) * (1 - level) / 2, 9))
    low, high = np.sort(values)[[cut, len(values) - cut - 1]].tolist()
    return low, high


def confidence_interval(
    metric: Metric, statistics: Statistics, samples: int = SAMPLES, seed: int = SEED, level: float = LEVEL
) -> tuple[float, float]:
    """The bootstrap interval (low, high) of a test set's score; `statistics` is n × k."""
    return interval(resampled_scores(metric, statistics, samples, seed), level)
