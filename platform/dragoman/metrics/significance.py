"""Paired significance tests on stored statistics, tests by intervals, and corrections for multiple testing."""

from collections.abc import Sequence
from enum import StrEnum
from math import ceil, erfc
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, MetricError, Scores, Statistics
from dragoman.metrics.difference import Difference, by_bootstrap, by_randomization, by_sacrebleu_bootstrap
from dragoman.metrics.replicates import Replicates, Sides, dealt, resampled, standard_error
from dragoman.metrics.resampling import SEED

SAMPLES = 10_000
"""Trials or resamples of a paired test by default, at least."""

SACREBLEU_SAMPLES = 1000
"""Resamples of sacreBLEU's paired bootstrap by default."""

HALF_WIDTH = 1.959964
"""Standard deviations from the middle of a 95% interval to its end."""


class Test(StrEnum):
    """How the difference of two systems on one pair is tested."""

    __test__ = False

    RANDOMIZATION = "randomization"
    """Paired approximate randomization (Riezler and Maxwell, 2005)."""
    BOOTSTRAP = "bootstrap"
    """Paired bootstrap resampling (Koehn, 2004), two-sided: p is the smallest level whose interval excludes 0."""
    SACREBLEU_BS = "sacrebleu-bs"
    """sacreBLEU's paired bootstrap, whose p-value is one-sided: for parity with numbers published so."""
    INTERVALS = "intervals"
    """Two independent scores whose standard errors are read from their 95% intervals: a z-test. It ignores
    that both are made on the same segments, so it has less power than the paired tests."""


def replicates(test: Test, pairs: Sequence[Sides], samples: int, seed: int = SEED, block: int = 0) -> Replicates:
    """The replicates that a paired test is made of, for some pairs of the same units at once (pairs × samples).

    Args:
        test: a paired test, not `INTERVALS`.
        pairs: the pairs.
        samples: how many trials or resamples.
        seed: of the deals or draws.
        block: number of the block of pairs, as each is dealt or drawn apart.
    """
    if test is Test.RANDOMIZATION:
        return dealt(pairs, samples, seed, block)
    # sacreBLEU scores resamples in single precision; its p-value is met to the last digit only so
    return resampled(pairs, samples, seed, block, np.float32 if test is Test.SACREBLEU_BS else np.float64)


def difference(
    test: Test,
    delta: float,
    replicated: Scores,
    *,
    se: float,
    units: int,
    higher_is_better: bool = True,
    fits_tail: bool = False,
) -> Difference:
    """Test a difference, of one pair or of a mean over pairs, by its replicates.

    Args:
        test: a paired test, not `INTERVALS`.
        delta: the observed difference.
        replicated: the same difference in each replicate.
        se: its standard error.
        units: the sentences, or documents, that it is of.
        higher_is_better: the metric's direction.
        fits_tail: whether small p-values of randomization are extrapolated.
    """
    if test is Test.RANDOMIZATION:
        return by_randomization(
            delta, replicated, se=se, units=units, higher_is_better=higher_is_better, fits_tail=fits_tail
        )
    made = by_bootstrap if test is Test.BOOTSTRAP else by_sacrebleu_bootstrap
    return made(delta, replicated, se=se, units=units, higher_is_better=higher_is_better)


def paired_test(test: Test, sides: Sides, samples: int, seed: int = SEED) -> Difference:
    """Test the two systems on one pair.

    Args:
        test: a paired test, not `INTERVALS`.
        sides: their statistics.
        samples: how many trials or resamples.
        seed: of the deals or draws.
    """
    (replicated,) = replicates(test, [sides], samples, seed)
    return difference(
        test,
        sides.delta,
        replicated,
        se=standard_error(sides.left_out),
        units=int(sides.held.sum()),
        higher_is_better=sides.metric.higher_is_better,
    )


def paired_approximate_randomization(
    metric: Metric, baseline: Statistics, system: Statistics, trials: int = SAMPLES, seed: int = SEED
) -> Difference:
    """Approximate randomization (Riezler and Maxwell, 2005); without ties with the p-value of sacreBLEU's `ar`.

    Args:
        metric: the metric both statistics are of.
        baseline: the statistics of one system, n × k.
        system: those of the other on the same segments.
        trials: how many times the two outputs of every segment are dealt.
        seed: of the deals.

    Raises:
        MetricError: the two systems don't have the same segments.
    """
    return paired_test(Test.RANDOMIZATION, Sides.of(metric, baseline, system), trials, seed)


def paired_bootstrap(
    metric: Metric, baseline: Statistics, system: Statistics, samples: int = SAMPLES, seed: int = SEED
) -> Difference:
    """Paired bootstrap resampling (Koehn, 2004), whose two-sided p-value agrees with its interval.

    Args:
        metric: the metric both statistics are of.
        baseline: the statistics of one system, n × k.
        system: those of the other on the same segments.
        samples: how many resamples.
        seed: of the draws.

    Raises:
        MetricError: the two systems don't have the same segments.
    """
    return paired_test(Test.BOOTSTRAP, Sides.of(metric, baseline, system), samples, seed)


def sacrebleu_bootstrap(
    metric: Metric, baseline: Statistics, system: Statistics, samples: int = SACREBLEU_SAMPLES, seed: int = SEED
) -> Difference:
    """The paired bootstrap with the p-value of sacreBLEU's `PairedTest` (`bs`), which is one-sided.

    Args:
        metric: the metric both statistics are of.
        baseline: the statistics of one system, n × k.
        system: those of the other on the same segments.
        samples: how many resamples.
        seed: of the draws.

    Raises:
        MetricError: the two systems don't have the same segments.
    """
    return paired_test(Test.SACREBLEU_BS, Sides.of(metric, baseline, system), samples, seed)


def samples_for(tests: int, level: float = 0.05) -> int:
    """How many replicates a family of tests needs, so that chance in making them seldom decides a verdict.

    Holm holds the smallest p-value against level / tests: so many replicates that twenty are expected beyond a
    difference of just that p-value, and at least the default.
    """
    return max(SAMPLES, ceil(20 * tests / level))


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

    def one_sided(self, is_so: NDArray[np.bool_]) -> NDArray[np.float64]:
        """One-sided p-values of the differences' being in a direction.

        Args:
            is_so: whether each difference, as observed, is in that direction.
        """
        return np.where(is_so, self.p_values / 2, 1 - self.p_values / 2)


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
