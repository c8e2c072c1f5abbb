"""Power of tests and of a gate's rules: what a test set can tell of two models that differ by some points, or don't.

All from the standard error of the difference of two models, by the normal approximation of its distribution.
"""

from math import ceil, erf, sqrt
from statistics import NormalDist

from dragoman.metrics.significance import HALF_WIDTH

WANTED = 0.8
"""Probability that is wanted of finding what is there: the convention (Cohen, 1988)."""

HALF_DEVIATE = 1.6448536269514722
"""Standard errors by which a model is worse that a one-sided test at 0.05 finds one time in two."""

_WANTED_DEVIATE = 0.8416212335729143
"""The standard normal quantile of `WANTED`."""


def passes_margin(margin: float, error: float, worse_by: float = 0.0) -> float:
    """Probability that the upper end of the 95% interval of a regression is within a margin.

    Args:
        margin: the bound on the upper end, in points of the metric.
        error: standard error of the difference of the two models.
        worse_by: how much worse the model is in truth.
    """
    if error == 0:
        return float(worse_by <= margin)
    return _normal((margin - worse_by) / error - HALF_WIDTH)


def smallest_excluded(error: float) -> float:
    """The smallest regression that a model as good as the champion is shown not to have, four times in five."""
    return (HALF_WIDTH + _WANTED_DEVIATE) * error


def smallest_detectable(error: float, *, alpha: float = 0.05, tests: int = 1) -> float:
    """The smallest true difference of two models that a two-sided test finds, four times in five.

    Args:
        error: standard error of the difference.
        alpha: the level of the test.
        tests: the tests that p-values are adjusted for; Holm's adjustment asks of no test for more than this supposes.
    """
    return _needed_errors(alpha, tests) * error


def units_to_detect(units: int, error: float, difference: float, *, alpha: float = 0.05, tests: int = 1) -> int | None:
    """How many sentences it takes to find a difference, four times in five; None for no difference.

    Args:
        units: sentences that the error is of; it shrinks by the root of their number.
        error: standard error of the difference.
        difference: in points of the metric.
        alpha: the level of the test.
        tests: as of `smallest_detectable`.
    """
    if difference == 0:
        return None
    return max(1, ceil(units * (_needed_errors(alpha, tests) * error / difference) ** 2))


def _needed_errors(alpha: float, tests: int) -> float:
    return -NormalDist().inv_cdf(alpha / 2 / tests) + _WANTED_DEVIATE


def passes_test(deviate: float, error: float, worse_by: float) -> float:
    """Probability that a model which is worse by some points is not found significantly worse.

    Args:
        deviate: the standard normal deviate of the one-sided test's level, such as 1.645 for 0.05.
        error: standard error of the difference of the two models.
        worse_by: how much worse the model is in truth, in points of the metric.
    """
    return float(worse_by <= 0) if error == 0 else _normal(deviate - worse_by / error)


def _normal(deviate: float) -> float:
    return 0.5 * (1 + erf(deviate / sqrt(2)))
