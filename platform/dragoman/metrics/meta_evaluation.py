"""Agreement of a metric with people: soft pairwise accuracy, and accuracy with calibrated ties."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
"""Values of segments, systems × segments; the higher the better."""

PERMUTATIONS = 1000
"""Permutations of a paired test."""

_CHUNK = 256


def one_sided_p_values(values: Values, permutations: int = PERMUTATIONS, seed: int = 4) -> Values:
    """The p-values of every two systems, that the first is better by chance, in the order of `combinations`.

    Paired permutation of the segments' values; the same swaps in all pairs of systems, as in `pce.py` of
    https://github.com/google-research/mt-metrics-eval, which counts deals that are as far apart as the systems or
    further.

    Args:
        values: values of the segments.
        permutations: how many.
        seed: of the swaps.
    """
    rng = np.random.default_rng(seed)
    first, second = np.transpose(list(combinations(range(len(values)), 2)))
    sums = values.sum(axis=1)
    counts = np.zeros(len(first))
    # what is equal must not be told apart by the order of additions
    slack = 1e-12 * (1 + np.abs(values).sum())
    for start in range(0, permutations, _CHUNK):
        size = (min(_CHUNK, permutations - start), values.shape[1])
        swaps = np.rint(rng.random(size=size, dtype=np.float32)) * 2.0 - 1.0
        dealt = swaps @ values.T
        counts += (dealt[:, first] - dealt[:, second] >= (sums[first] - sums[second]) - slack).sum(axis=0)
    return counts / permutations


def soft_pairwise_accuracy(p_of_metric: Values, p_of_people: Values) -> float:
    """1 - mean |p_metric - p_people| over pairs of systems: 1 where a metric is as sure of each as people are.

    Thompson et al., 2024, "Improving Statistical Significance in Human Evaluation of Automatic Metrics via Soft
    Pairwise Accuracy", WMT.

    Args:
        p_of_metric: one-sided p-values by the metric.
        p_of_people: those by people, of the same pairs of systems.
    """
    return float(1 - np.abs(p_of_metric - p_of_people).mean())


class Calibrated(NamedTuple):
    """Accuracy with calibrated ties."""

    accuracy: float
    """Mean over segments of the share of pairs of systems that the metric orders, or ties, as people do."""
    epsilon: float
    """Differences of the metric up to this are ties."""


def calibrated_accuracy(metric: Values, people: Values) -> Calibrated:
    """Pairwise accuracy of translations of the same segment, with the threshold of ties that suits the metric best.

    Pairs that people tie are right where the metric's values differ by at most epsilon, others where they differ by
    more and in the same direction (Deutsch et al., 2023, "Ties Matter: Meta-Evaluating Modern Metrics with Pairwise
    Accuracy and Tie Calibration", EMNLP). Epsilon is chosen on the same data, which favours every metric a little.

    Args:
        metric: the metric's values; what is not there is NaN.
        people: those of people.
    """
    first, second = np.transpose(list(combinations(range(len(metric)), 2)))
    gaps, human = metric[first] - metric[second], people[first] - people[second]
    there = ~(np.isnan(gaps) | np.isnan(human))
    pairs = there.sum(axis=0)
    weights = np.where(there, 1 / np.maximum(pairs, 1), 0.0) / max(1, int((pairs > 0).sum()))
    distances, weights, human, gaps = np.abs(gaps)[there], weights[there], human[there], gaps[there]
    is_tie = human == 0
    is_right = ~is_tie & (np.sign(human) == np.sign(gaps))
    order = np.argsort(distances, kind="stable")
    # from each threshold on, ties of people are right and everything else that is as near is wrong
    gains = (np.where(is_tie, weights, 0.0) - np.where(is_right, weights, 0.0))[order]
    accuracies = np.concatenate([[0.0], np.cumsum(gains)]) + weights[is_right].sum()
    thresholds = np.concatenate([[0.0], distances[order]])
    # of one threshold the value that counts is the last, and at 0 all pairs that the metric ties are tied
    is_last = np.concatenate([thresholds[1:] != thresholds[:-1], [True]])
    accuracies, thresholds = accuracies[is_last], thresholds[is_last]
    best = int(np.argmax(accuracies))
    return Calibrated(float(accuracies[best]), float(thresholds[best]))
