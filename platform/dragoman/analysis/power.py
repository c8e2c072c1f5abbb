"""Power of a gate's rules: what a test set can tell of a model as good as the champion, or worse by some points.

All from the standard error of the difference of two models, by the normal approximation of its distribution.
"""

from statistics import NormalDist

from dragoman.analysis.detectable import smallest_detectable
from dragoman.metrics.significance import HALF_WIDTH

_NORMAL = NormalDist()

HALF_DEVIATE = _NORMAL.inv_cdf(0.95)
"""Standard errors by which a model is worse that a one-sided test at 0.05 finds one time in two."""


def passes_margin(margin: float, error: float, worse_by: float = 0.0) -> float:
    """Probability that the upper end of the 95% interval of a regression is within a margin.

    Args:
        margin: the bound on the upper end, in points of the metric.
        error: standard error of the difference of the two models.
        worse_by: how much worse the model is in truth.
    """
    if error == 0:
        return float(worse_by <= margin)
    return _NORMAL.cdf((margin - worse_by) / error - HALF_WIDTH)


def smallest_excluded(error: float) -> float:
    """The smallest regression that a model as good as the champion is shown not to have, four times in five."""
    return smallest_detectable(error)


def passes_test(deviate: float, error: float, worse_by: float) -> float:
    """Probability that a model which is worse by some points is not found significantly worse.

    Args:
        deviate: the standard normal deviate of the one-sided test's level, such as 1.645 for 0.05.
        error: standard error of the difference of the two models.
        worse_by: how much worse the model is in truth, in points of the metric.
    """
    return float(worse_by <= 0) if error == 0 else _NORMAL.cdf(deviate - worse_by / error)
