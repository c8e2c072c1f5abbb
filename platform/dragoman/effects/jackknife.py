"""The jackknife over draws of training pairs: how an estimate changes when one draw is left out with all its models."""

import numpy as np

from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.pair_scores import Numbers

DRAWS = "draws of training pairs"
"""What chance is over."""


def jackknifed(full: float, left_out: Numbers) -> Estimate:
    """An estimate with the cluster jackknife's variance, of what it is without each cluster."""
    count = len(left_out)
    variance = (count - 1) / count * float(np.sum((left_out - full) ** 2))
    return Estimate.of(full, [Part(variance, count - 1)])


def jackknifed_mean(values: Numbers) -> Estimate:
    """The mean of a value for each cluster, which are two or more, each left out in turn."""
    left_out = np.array([np.delete(values, place).mean() for place in range(len(values))])
    return jackknifed(float(values.mean()), left_out)
