"""Replicability of a difference: on at least how many pairs, and into how many languages, a system is better.

The wins that are significant one by one don't say on how many pairs a system is better, since some of them may be false
alarms. The claim "better on at least u of n" is a partial conjunction hypothesis (Benjamini and Heller, 2008), and the
largest u that is claimed exceeds the true number in at most alpha of all cases (Dror et al., 2017).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import masks_by_scope
from dragoman.metrics.significance import holm

PValues = NDArray[np.float64]
"""One-sided p-values of many pairs; NaN of those that are not tested."""


class Replicated(NamedTuple):
    """What is claimed of one scope."""

    pairs: int
    """The system is better on at least so many of its pairs."""
    targets: int
    """It is better, on a pair at least, into at least so many of its target languages."""


NONE = Replicated(0, 0)
"""Nothing is claimed."""


def at_least(p_values: PValues, alpha: float) -> int:
    """The largest u for which "an effect in at least u of n" holds at a level, however the tests depend on each other.

    The partial conjunction p-value of u of n is, after Bonferroni, the largest of (n - i + 1) p_i over the i ≤ u
    smallest p-values; the last u for which it is up to alpha is the number of Holm's rejections (Dror et al., 2017,
    section 4). A test that was not made speaks for nothing: its p-value is 1.

    Args:
        p_values: one-sided p-values.
        alpha: the level.
    """
    return int(np.count_nonzero(holm(np.nan_to_num(p_values, nan=1.0)) <= alpha)) if len(p_values) else 0


def by_target(p_values: PValues, targets: NDArray[np.str_]) -> PValues:
    """A p-value for each target language, after Bonferroni, of an effect on any pair into it; NaN without tests.

    Args:
        p_values: one-sided p-values of pairs.
        targets: their target languages.
    """
    names, places, counts = np.unique(targets, return_inverse=True, return_counts=True)
    least = np.full(len(names), np.nan)
    np.fmin.at(least, places, p_values)
    return np.minimum(least * counts, 1.0)


def replicated(
    p_values: PValues, *, partitions: NDArray[np.int8], targets: NDArray[np.str_], alpha: float
) -> dict[str, Replicated]:
    """The claims of each scope that occurs, each at the level alone.

    Args:
        p_values: the one-sided p-value of each pair that both systems have a score for.
        partitions: the pairs' partitions, by their number in the store.
        targets: their target languages.
        alpha: the level.
    """
    return {
        scope: Replicated(at_least(p_values[held], alpha), at_least(by_target(p_values[held], targets[held]), alpha))
        for scope, held in masks_by_scope(partitions).items()
    }
