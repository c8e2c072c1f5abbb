"""Curves over the number of training pairs."""

import numpy as np
import pytest
from scipy.stats import linregress
from tests.fixtures.made_panels import drawn, made_scores

from dragoman.effects.pair_curve import curve_fits, curve_points, saturating


@pytest.mark.parametrize(("ceiling", "span", "rate"), [(30, 25, 0.5), (12, 8, 1.3), (40, 60, 0.2)])
def test_a_planted_curve_is_recovered(ceiling, span, rate):
    numbers = np.array([2, 4, 8, 16, 32] * 2, float)
    found = saturating(numbers, ceiling - span * numbers**-rate)
    assert found == pytest.approx((ceiling, span, rate), rel=1e-4)


def test_points_are_means_over_draws_and_the_slope_is_least_squares():
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 1, 9).tolist()
    trained = drawn(rng, 3, (3, 6, 12))
    level = {frozenset(pairs): 10 + 2 * np.log2(len(pairs)) + own for pairs, own in zip(trained, noise, strict=True)}
    scores = made_scores(trained, lambda graph, pair: level[graph.pairs])
    designs = ["d"] * 9
    points = {point.pairs: point for point in curve_points(scores, designs) if point.scope == "all"}
    means = np.array([level[frozenset(pairs)] for pairs in trained]).reshape(3, 3)
    assert [points[n].mean for n in (3, 6, 12)] == pytest.approx(means.mean(axis=0).tolist())
    assert [points[n].sd for n in (3, 6, 12)] == pytest.approx(means.std(axis=0, ddof=1).tolist())
    assert {point.draws for point in points.values()} == {3}
    fits = {each.what: each for each in curve_fits(scores, designs) if each.scope == "all"}
    x = np.tile(np.log2([3, 6, 12]), 3)
    assert fits["slope"].finding.estimate == pytest.approx(linregress(x, means.ravel()).slope)
    without = [linregress(np.delete(x, range(i, i + 3)), np.delete(means.ravel(), range(i, i + 3))).slope
               for i in (0, 3, 6)]  # fmt: skip
    error = np.sqrt(2 / 3 * np.sum((np.array(without) - fits["slope"].finding.estimate) ** 2))
    assert (fits["slope"].finding.high - fits["slope"].finding.estimate) == pytest.approx(4.302652729911275 * error)
    assert fits["slope"].finding.n == 3 and fits["slope"].models == 9


def test_a_straight_line_has_no_ceiling_and_designs_stay_apart():
    rng = np.random.default_rng(5)
    trained = drawn(rng, 3, (3, 6, 12))
    scores = made_scores(trained, lambda graph, pair: float(np.log2(len(graph.pairs))))
    fits = [each for each in curve_fits(scores, ["one"] * 6 + ["two"] * 3) if each.scope == "all"]
    assert {each.design for each in fits} == {"one", "two"}
    ceiling = next(each for each in fits if each.what == "a")
    assert ceiling.finding.estimate is None and "straight line over log n" in ceiling.finding.why
    two = next(each for each in fits if each.design == "two" and each.what == "slope")
    assert two.finding.estimate == pytest.approx(1) and two.finding.low is None and "too few draws" in two.finding.why
