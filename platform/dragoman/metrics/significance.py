"""Paired significance tests on stored statistics, tests by intervals, and corrections for multiple testing."""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from math import ceil, erfc
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, MetricError, Scores, Statistics
from dragoman.metrics.resampling import SAMPLES, SEED, interval, resampled_sums

TRIALS = 10_000
"""Trials of approximate randomization by default."""

_CHUNK = 1000
"""Trials whose pseudo-systems are in memory at once."""


HALF_WIDTH = 1.959964
"""Standard deviations from the middle of a 95% interval to its end."""


class Test(StrEnum):
    """How the difference of two systems on one pair is tested."""

    __test__ = False

    BOOTSTRAP = "bootstrap"
    """Paired bootstrap resampling (Koehn, 2004)."""
    RANDOMIZATION = "randomization"
    """Paired approximate randomization (Riezler and Maxwell, 2005)."""
    INTERVALS = "intervals"
    """Two independent scores whose standard errors are read from their 95% intervals: a z-test. It ignores
    that both are made on the same segments, so it has less power than the paired tests."""


class PairedResult(NamedTuple):
    """Result of a paired test of a system and a baseline on one test set."""

    p_value: float
    """Probability of a difference this large by chance, two-sided."""
    delta: float
    """Score of the system minus score of the baseline."""
    low: float
    """Lower end of the bootstrap interval of `delta`."""
    high: float
    """Upper end of it."""


def paired_bootstrap(
    metric: Metric, baseline: Statistics, system: Statistics, samples: int = SAMPLES, seed: int = SEED
) -> PairedResult:
    """Paired bootstrap resampling (Koehn, 2004), with the p-value of sacreBLEU's `PairedTest` (`bs`).

    Args:
        metric: the metric both statistics are of.
        baseline: the statistics of one system, n × k.
        system: those of the other on the same segments.
        samples: how many resamples.
        seed: of the draws.

    Raises:
        MetricError: the two systems don't have the same segments.
    """
    delta = _delta(metric, baseline, system)
    sums = resampled_sums(np.stack([baseline, system]), samples, seed)
    # sacreBLEU scores resamples in single precision; its p-value is met to the last digit only if we do
    baseline_scores, system_scores = metric.aggregate(sums)
    p_value = bootstrap_p_value(system_scores - baseline_scores, delta)
    return PairedResult(p_value, delta, *_interval(metric, sums))


def bootstrap_p_value(differences: Scores, delta: float) -> float:
    """The two-sided p-value of an observed difference, given that difference in each resample.

    It serves a single pair and, with jointly resampled scores, a mean over pairs. The resamples' absolute
    differences, moved to mean zero, stand for chance, as in sacreBLEU. Where no resample shows any
    difference at all the p-value is 1 (sacreBLEU's would be its smallest).
    """
    distances = np.abs(differences)
    return _share_beyond(distances - distances.mean(), delta) if distances.any() else 1.0


def paired_approximate_randomization(
    metric: Metric, baseline: Statistics, system: Statistics, trials: int = TRIALS, seed: int = SEED
) -> PairedResult:
    """Approximate randomization (Riezler and Maxwell, 2005), with the p-value of sacreBLEU's `PairedTest` (`ar`).

    Each trial deals the two outputs of every segment to two pseudo-systems at random. The interval is the paired
    bootstrap's with its default number of resamples. Where no trial shows any difference the p-value is 1.

    Args:
        metric: the metric both statistics are of.
        baseline: the statistics of one system, n × k.
        system: those of the other on the same segments.
        trials: how many deals.
        seed: of the deals.

    Raises:
        MetricError: the two systems don't have the same segments.
    """
    delta = _delta(metric, baseline, system)
    dealt = _deals(len(baseline), trials, seed)
    both = (baseline + system).sum(axis=0)
    distances = np.empty(trials)
    for start in range(0, trials, _CHUNK):
        rows = slice(start, start + _CHUNK)
        first = system.sum(axis=0) + dealt[rows].astype(np.float64) @ (baseline - system)
        distances[rows] = np.abs(metric.aggregate(first) - metric.aggregate(both - first))
    p_value = _share_beyond(distances, delta) if distances.any() else 1.0
    return PairedResult(p_value, delta, *_interval(metric, resampled_sums(np.stack([baseline, system]), seed=seed)))


def samples_for(tests: int, level: float = 0.05) -> int:
    """How many resamples or trials a family of tests needs for one of them to be significant at all.

    No p-value is smaller than 1 / (samples + 1), and Holm multiplies the smallest by the number of tests: 1,000
    resamples of 156 pairs can't show any difference at 0.05. This is twice what makes it possible, and
    at least the default.
    """
    return max(SAMPLES, ceil(2 * tests / level))


class Correction(StrEnum):
    """How the p-values of many tests are adjusted."""

    HOLM = "holm"
    """Against even one false alarm (Holm, 1979)."""
    BH = "bh"
    """For the share of false alarms among those found (Benjamini and Hochberg, 1995)."""
    NONE = "none"
    """Not at all."""


def adjusted(p_values: Sequence[float] | NDArray[np.float64], correction: Correction) -> NDArray[np.float64]:
    """P-values adjusted for their number; what is up to the level of significance is significant.

    Args:
        p_values: one of each test.
        correction: how.

    Raises:
        MetricError: one is not between 0 and 1.
    """
    if correction is Correction.HOLM:
        return holm(p_values)
    if correction is Correction.BH:
        return benjamini_hochberg(p_values)
    return np.asarray(p_values, dtype=np.float64)


def holm(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values adjusted for many tests by Holm (1979).

    Reject those that are at most α, and the chance of even one false alarm is at most α.
    The i-th smallest of m becomes the largest of (m - j + 1) p_j over j ≤ i, at most 1. The order is kept.
    """
    ordered, order = _ordered(p_values)
    adjusted = np.maximum.accumulate(ordered * np.arange(len(ordered), 0, -1))
    return _restored(adjusted, order)


def benjamini_hochberg(p_values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """P-values adjusted for many tests by Benjamini and Hochberg (1995).

    Reject those that are at most α, and at most a share of α of the rejected are expected to be false alarms.
    The i-th smallest of m becomes the smallest of m p_j / j over j ≥ i. The order is kept.
    """
    ordered, order = _ordered(p_values)
    scaled = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
    return _restored(np.minimum.accumulate(scaled[::-1])[::-1], order)


class IntervalTests(NamedTuple):
    """Tests of many differences by intervals; NaN where there is none to read an error from."""

    lows: NDArray[np.float64]
    """Lower ends of the differences' 95% intervals."""
    highs: NDArray[np.float64]
    """Upper ends of them."""
    p_values: NDArray[np.float64]
    """Probabilities of differences this large by chance, two-sided."""

    def adjusted(self, correction: Correction) -> NDArray[np.float64]:
        """The p-values adjusted for their number."""
        found = np.full(len(self.p_values), np.nan)
        tested = ~np.isnan(self.p_values)
        found[tested] = adjusted(self.p_values[tested], correction)
        return found


def interval_tests(
    deltas: NDArray[np.float64], widths: NDArray[np.float64], other_widths: NDArray[np.float64]
) -> IntervalTests:
    """Test differences of independent scores by the widths of the scores' 95% intervals (`Test.INTERVALS`).

    Args:
        deltas: the differences.
        widths: of the intervals of the one system's scores; NaN where there is none.
        other_widths: likewise of the other's.
    """
    halves = np.hypot(widths, other_widths) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(deltas == 0, 0 * halves, np.abs(deltas) / halves * HALF_WIDTH)
    p_values = np.array([erfc(value / 2**0.5) for value in z.tolist()], dtype=np.float64)
    return IntervalTests(deltas - halves, deltas + halves, p_values)


def _delta(metric: Metric, baseline: Statistics, system: Statistics) -> float:
    if baseline.shape != system.shape or len(baseline) == 0:
        raise MetricError(
            f"Statistics of {len(baseline)} and of {len(system)} segments can't be compared: "
            "a paired test needs the same segments of the same metric on both sides."
        )
    return float(metric.aggregate(system.sum(axis=0)) - metric.aggregate(baseline.sum(axis=0)))


def _interval(metric: Metric, sums: NDArray[np.float32]) -> tuple[float, float]:
    baseline, system = metric.aggregate(sums.astype(np.float64))
    return interval(system - baseline)


def _share_beyond(chance: Scores, delta: float) -> float:
    # +1: the observed difference is itself one of the possible ones, so that no p-value is 0
    return (int(np.sum(chance > abs(delta))) + 1) / (len(chance) + 1)


@lru_cache(maxsize=2)
def _deals(segments: int, trials: int, seed: int) -> NDArray[np.bool_]:
    return np.random.default_rng(seed).integers(2, size=(trials, segments), dtype=bool)


def _ordered(p_values: Sequence[float] | NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    values = np.asarray(p_values, dtype=np.float64)
    if not np.all((values >= 0) & (values <= 1)):
        raise MetricError("P-values lie between 0 and 1: leave out the pairs that have none before adjusting.")
    order = np.argsort(values, kind="stable")
    return values[order], order


def _restored(adjusted: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    restored = np.empty_like(adjusted)
    restored[order] = np.minimum(adjusted, 1)
    return restored
