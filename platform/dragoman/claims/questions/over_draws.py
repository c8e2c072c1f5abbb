"""Means over draws of training pairs, each draw left out in turn."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from dragoman.analysis.finding import Finding
from dragoman.effects.jackknife import DRAWS, jackknifed_mean


def over_draws(by_draw: Sequence[Sequence[float]], null: float) -> Finding:
    """The mean over draws of the means over their models; of one draw without an interval.

    Args:
        by_draw: the values of the models of each draw.
        null: the value that the mean is tested against.
    """
    means = np.array([fmean(each) for each in by_draw])
    if len(means) < 2:
        why = "There is one draw of training pairs, so there is no interval: ask over a grid for one over sentences."
        return Finding(estimate=float(means.mean()), n=len(means), of_what=DRAWS, why=why)
    return Finding.of(jackknifed_mean(means), n=len(means), of_what=DRAWS, against=null)
