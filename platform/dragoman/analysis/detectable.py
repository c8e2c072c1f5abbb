"""The smallest detectable difference of a test set: what a test of two systems would find, four times in five.

From the standard error of their difference, by the normal approximation of its distribution (Cohen, 1988; for machine
translation Card et al., 2020, "With Little Power Comes Great Responsibility").
"""

from math import ceil, log2
from statistics import NormalDist

WANTED = 0.8
"""Probability that is wanted of finding what is there: the convention (Cohen, 1988)."""


def smallest_detectable(error: float, *, alpha: float = 0.05, tests: int = 1) -> float:
    """The smallest true difference of two systems that a two-sided test finds, four times in five.

    Args:
        error: standard error of the difference.
        alpha: the level of the test.
        tests: the tests that p-values are adjusted for; Holm's adjustment asks of no test for more than this supposes.
    """
    return _needed_errors(alpha, tests) * error


def units_to_detect(units: int, error: float, difference: float, *, alpha: float = 0.05, tests: int = 1) -> int | None:
    """How many sentences it takes to find a difference, four times in five; None for no difference.

    At least as many as have enough deals for so small a p-value: of the 2^n deals of n two are as far as the observed.

    Args:
        units: sentences that the error is of; it shrinks by the root of their number.
        error: standard error of the difference.
        difference: in points of the metric.
        alpha: the level of the test.
        tests: as of `smallest_detectable`.
    """
    if difference == 0:
        return None
    least = ceil(log2(2 * tests / alpha))
    return max(least, ceil(units * (_needed_errors(alpha, tests) * error / difference) ** 2))


def _needed_errors(alpha: float, tests: int) -> float:
    """The true difference that is found so often, in standard errors."""
    quantile = NormalDist().inv_cdf
    return quantile(1 - alpha / 2 / tests) + quantile(WANTED)
