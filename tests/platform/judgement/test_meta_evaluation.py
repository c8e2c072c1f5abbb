"""Metrics held against people: values worked out by hand, and by other definitions of the same."""

from itertools import combinations, product

import numpy as np
import pytest

from dragoman.metrics.meta_evaluation import calibrated_accuracy, one_sided_p_values, soft_pairwise_accuracy


def exact(values: np.ndarray) -> list[float]:
    """The p-values by every one of the 2^L swaps."""
    swaps = np.array(list(product((-1, 1), repeat=values.shape[1])))
    found = []
    for first, second in combinations(range(len(values)), 2):
        gaps = values[first] - values[second]
        found.append(float((swaps @ gaps >= gaps.sum() - 1e-9).mean()))
    return found


def test_p_values_are_shares_of_all_swaps() -> None:
    # gaps 1, 1, 1, 1: of the 16 sums of ±1 one is 4
    values = np.array([[2.0, 2, 2, 2], [1, 1, 1, 1]])
    assert exact(values) == [1 / 16]
    assert one_sided_p_values(values, 40_000) == pytest.approx(1 / 16, abs=0.005)
    assert one_sided_p_values(values[::-1], 1000).tolist() == [1.0]  # no sum is below -4


def test_p_values_near_those_of_all_swaps_for_random_values() -> None:
    values = np.round(np.random.default_rng(1).normal(size=(4, 9)), 1)
    assert one_sided_p_values(values, 40_000) == pytest.approx(exact(values), abs=0.01)


def test_soft_pairwise_accuracy_by_hand() -> None:
    # three pairs of systems, apart by 0.2, 0 and 0.4
    assert soft_pairwise_accuracy(np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.5, 0.5])) == pytest.approx(0.8)


def test_soft_pairwise_accuracy_of_exact_p_values() -> None:
    people = np.array([[3.0, 3, 3, 3], [2, 2, 2, 2], [1, 1, 1, 1]])
    assert soft_pairwise_accuracy(*(np.array(exact(each)) for each in (10 * people, people))) == 1
    # the other way round every p-value is 1 instead of 1/16
    assert soft_pairwise_accuracy(np.array(exact(-people)), np.array(exact(people))) == pytest.approx(1 / 16)


def brute_force(metric: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """Accuracy by every threshold, as Deutsch et al. define it; pairs with a missing value are left out."""
    pairs = list(combinations(range(len(metric)), 2))
    thresholds = sorted({0.0} | {abs(m[a] - m[b]) for m in metric.T for a, b in pairs if not np.isnan(m[a] - m[b])})
    best = (-1.0, 0.0)
    for epsilon in thresholds:
        rows = []
        for m, h in zip(metric.T, people.T, strict=True):
            right = [
                bool(h[a] == h[b]) if abs(m[a] - m[b]) <= epsilon else bool((m[a] - m[b]) * (h[a] - h[b]) > 0)
                for a, b in pairs
                if not np.isnan(m[a] - m[b] + h[a] - h[b])
            ]
            if right:
                rows.append(sum(right) / len(right))
        accuracy = sum(rows) / len(rows)
        if accuracy > best[0] + 1e-12:
            best = (accuracy, epsilon)
    return best


def test_calibrated_accuracy_by_hand() -> None:
    # one sentence, three systems: people tie the first two; the metric tells them apart by 0.1, and the third by more
    metric, people = np.array([[0.9], [0.8], [0.1]]), np.array([[90.0], [90], [20]])
    found = calibrated_accuracy(metric, people)
    assert found.accuracy == 1 and found.epsilon == pytest.approx(0.1)
    # without ties by people a threshold is of no use
    assert calibrated_accuracy(metric, np.array([[90.0], [80], [20]])) == (1, 0)
    assert calibrated_accuracy(metric, np.array([[20.0], [80], [90]])).accuracy == 0


@pytest.mark.parametrize("seed", range(20))
def test_calibrated_accuracy_is_that_of_the_best_threshold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(2, 6)), int(rng.integers(1, 8)))
    metric = np.round(rng.normal(size=shape), int(rng.integers(0, 3)))
    people = np.round(metric + rng.normal(size=shape), 0)
    if seed % 4 == 0:
        people[0, 0] = np.nan
    found = calibrated_accuracy(metric, people)
    assert found.accuracy == pytest.approx(brute_force(metric, people)[0])
    assert found.epsilon == pytest.approx(brute_force(metric, people)[1])
