"""A tested difference of two systems: its p-values and its interval, from the same replicates, so that they agree.

The two-sided p-value is at most 0.05 exactly where the 95% interval excludes 0.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from dragoman.metrics.base import Scores
from dragoman.metrics.resampling import LEVEL, expanded_interval, expanded_level, interval

_ALPHA = 1 - LEVEL

_ROUNDING = 1e-9
"""Differences of scores this close are ties: adding and scoring in another order moves them by less."""

_FEW = 10
"""Replicates beyond the observed difference below which a tail may be fitted."""

TAIL = 250
"""The largest replicates, of which the tail is fitted."""

FURTHEST = 100
"""How far below the smallest p-value that can be counted a fitted one may go."""


class Difference(NamedTuple):
    """The difference of two systems' scores, or of their means, with its test."""

    delta: float
    """Score of the system minus score of the baseline."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    p_value: float
    """Two-sided: how probable a difference at least this large is between two systems that don't differ."""
    p_worse: float
    """One-sided: how probable it is that one of two such systems is at least this much worse than the other."""
    p_better: float
    """One-sided: how probable it is that it is at least this much better."""
    p_is_floor: bool = False
    """Whether `p_value` is the smallest that this number of replicates can give: the true one may be far below."""
    se: float = 0.0
    """Standard error of `delta`."""
    units: int = 0
    """Sentences, or documents, that it is of."""
    p_worse_is_floor: bool = False
    """Whether `p_worse` is the smallest that there can be."""


def by_randomization(
    delta: float, dealt: Scores, *, se: float, units: int, higher_is_better: bool = True, fits_tail: bool = False
) -> Difference:
    """Test a difference by approximate randomization (Riezler and Maxwell, 2005).

    The p-value is (1 + b) / (1 + m), where b of m deals differ by more than was observed (Phipson and Smyth, 2010); of
    those that tie with it half are counted (the mid-p of Lancaster, 1961). Without ties it is that of sacreBLEU's
    `PairedTest` (`ar`), which counts none of them.

    The interval is the test inverted: to each side it takes the standard error as often as the deals' critical
    difference takes theirs, with the finite-sample factor that makes it exclude 0 exactly where p is at most 0.05 for
    differences that are sums over units. Where a metric is no sum, or replicates tie, and the two would contradict each
    other, it ends just on the p-value's side of 0.

    Args:
        delta: the observed difference.
        dealt: the difference in each deal.
        se: standard error of the difference (`replicates.standard_error`).
        units: the units that were dealt.
        higher_is_better: the metric's direction.
        fits_tail: extrapolate a p-value that fewer than ten deals are beyond by a generalised Pareto distribution
            (Knijnenburg et al., 2009).
    """
    distances = np.abs(dealt)
    if not (distances > _ROUNDING).any():
        return Difference(delta, delta, delta, 1.0, 1.0, 1.0, units=units)
    towards = 1 if higher_is_better else -1
    p_value, is_floor = _tail_share(distances, abs(delta), fits_tail)
    p_worse, worse_is_floor = _tail_share(-towards * dealt, -towards * delta, fits_tail)
    p_better, _ = _tail_share(towards * dealt, towards * delta, fits_tail)
    squared = _critical(distances) ** 2 / float(np.mean(distances**2))
    half = se * sqrt(squared * (units - 1) / (units - squared)) if units > squared else _critical(distances)
    # a thousandth beyond 0 where they would contradict each other
    half = min(half, abs(delta) * 0.999) if p_value <= _ALPHA else max(half, abs(delta) * 1.001)
    return Difference(
        delta, delta - half, delta + half, p_value, p_worse, p_better, is_floor, se, units, worse_is_floor
    )


def by_bootstrap(delta: float, drawn: Scores, *, se: float, units: int, higher_is_better: bool = True) -> Difference:
    """Test a difference by the paired bootstrap (Koehn, 2004) and its expanded percentile interval (Hesterberg, 2015).

    The two-sided p-value is the smallest level at which the interval excludes 0.

    Args:
        delta: the observed difference.
        drawn: the difference in each resample; NaN in those without a line.
        se: standard error of the difference.
        units: the units that were drawn.
        higher_is_better: the metric's direction.
    """
    known = drawn[~np.isnan(drawn)]
    known = np.where(np.abs(known) <= _ROUNDING, 0.0, known)
    if not known.any():
        return Difference(delta, delta, delta, 1.0, 1.0, 1.0, units=units)
    count = 1 + len(known)
    below, above = 1 + np.count_nonzero(known <= 0), 1 + np.count_nonzero(known >= 0)
    p_value = min(1.0, 2 * expanded_level(int(min(below, above)) / count, units))
    against, for_it = (above, below) if higher_is_better else (below, above)
    p_worse, p_better = (expanded_level(min(1.0, beyond / count), units) for beyond in (against, for_it))
    low, high = expanded_interval(known, units)
    if p_value > _ALPHA:  # of very few units the percentiles are beyond what was drawn
        low, high = min(low, 0.0), max(high, 0.0)
    is_floor, worse_is_floor = bool(min(below, above) == 1), bool(against == 1)
    return Difference(delta, low, high, p_value, p_worse, p_better, is_floor, se, units, worse_is_floor)


def by_sacrebleu_bootstrap(
    delta: float, drawn: Scores, *, se: float, units: int, higher_is_better: bool = True
) -> Difference:
    """Test a difference as sacreBLEU's `PairedTest` (`bs`) does, for parity with published numbers.

    Its p-value is one-sided for a clear difference: the resamples' absolute differences, moved to mean zero, stand for
    chance, and of these one tail is beyond it. It calls more than 5 in a hundred equal systems different at 0.05, and
    may contradict the interval, which is the plain percentile interval.

    Args:
        delta: the observed difference.
        drawn: the difference in each resample, in single precision, as sacreBLEU scores them.
        se: standard error of the difference.
        units: the units that were drawn.
        higher_is_better: the metric's direction.
    """
    known = drawn[~np.isnan(drawn)]
    distances = np.abs(known)
    if not distances.any():
        return Difference(delta, delta, delta, 1.0, 1.0, 1.0, units=units)
    beyond = int(np.count_nonzero(distances - distances.mean() > abs(delta)))
    p_value = (1 + beyond) / (1 + len(known))
    is_worse = (delta < 0) is higher_is_better
    p_worse, p_better = (p_value, 1.0) if is_worse else (1.0, p_value)
    low, high = interval(known)
    is_floor = beyond == 0
    return Difference(delta, low, high, p_value, p_worse, p_better, is_floor, se, units, is_floor and is_worse)


def _critical(distances: Scores) -> float:
    """The distance that five in a hundred are beyond."""
    return float(np.quantile(distances, LEVEL, method="higher"))


def _tail_share(values: Scores, observed: float, fits_tail: bool) -> tuple[float, bool]:
    """The p-value of an observation that large values speak against, and whether it is the smallest there can be."""
    count = 1 + len(values)
    beyond = np.count_nonzero(values > observed + _ROUNDING)
    as_far = np.count_nonzero(values >= observed - _ROUNDING)
    if fits_tail and as_far < _FEW and len(values) > TAIL:
        least = 1 / (FURTHEST * count)
        fitted = _fitted_share(values, observed)
        return max(fitted, least), fitted <= least
    return float((1 + (beyond + as_far) / 2) / count), bool(as_far == 0)


def _fitted_share(values: Scores, observed: float) -> float:
    """The share of a distribution beyond an observation, its tail being a generalised Pareto distribution.

    Fitted to the largest values by probability-weighted moments (Hosking and Wallis, 1987, equations 6 and 7).
    """
    largest = np.sort(np.partition(values, -TAIL - 1)[-TAIL - 1 :])
    excesses = largest[1:] - largest[0]
    mean = float(excesses.mean())
    weighted = float(np.mean(excesses * (1 - (np.arange(1, TAIL + 1) - 0.35) / TAIL)))
    if mean <= 2 * weighted:
        return 1 / (1 + len(values))
    shape = mean / (mean - 2 * weighted) - 2
    scale = 2 * mean * weighted / (mean - 2 * weighted)
    left = 1 - shape * (observed - largest[0]) / scale
    share = np.exp(-(observed - largest[0]) / scale) if abs(shape) < 1e-9 else max(left, 0.0) ** (1 / shape)
    return float(share) * TAIL / len(values)
