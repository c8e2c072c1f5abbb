"""Differences: p-values and intervals that agree, calibrated one- and two-sided p-values, fitted tails."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm, t

from dragoman.metrics.difference import by_bootstrap, by_randomization
from dragoman.metrics.off_target import OffTarget
from dragoman.metrics.replicates import Sides
from dragoman.metrics.resampling import expanded_interval, expanded_level, interval
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus, Ter
from dragoman.metrics.significance import SEED, Test, paired_test
from dragoman.pair import Pair

PAIR = Pair("en", "de")


def random_statistics(metric: str, rng: np.random.Generator, units: int) -> Sides:
    """Two systems of any kind: equal, alike on most segments, clearly different, with ties."""
    if metric == "off_target":
        sides = np.zeros((2, units, 5))
        sides[..., 4] = 1
        sides[..., 0] = rng.random((2, units)) < rng.beta(0.5, 0.5, size=(2, 1))
        kind = OffTarget(PAIR)
    elif metric == "ter":
        sides = rng.poisson(rng.gamma(2, 3, size=(2, 1, 1)), size=(2, units, 2)).astype(float)
        sides[..., 1] = 1 + sides[0, :, 1]
        kind = Ter(PAIR)
    elif metric == "bleu":
        words = 4 + rng.poisson(15, size=units)
        sides = np.zeros((2, units, 10))
        sides[..., 0] = sides[..., 1] = words
        for order in range(4):
            sides[..., 6 + order] = words - order
            chance = np.minimum(1, rng.beta(2, 2, size=(2, 1)) ** (order + 1))
            sides[..., 2 + order] = rng.binomial(words - order, chance, size=(2, units))
        kind = Bleu(PAIR)
    else:
        sides = 1 + rng.poisson(20, size=(2, units, 24)).astype(float)
        sides[..., 2::3] = rng.binomial(sides[..., ::3].astype(int), rng.beta(2, 2, size=(2, 1, 1)))
        kind = ChrfPlusPlus(PAIR)
    same = rng.random(units) < rng.choice([0, 0.5, 0.95])
    sides[1, same] = sides[0, same]
    return Sides.of(kind, sides[0], sides[1])


@pytest.mark.parametrize("test", [Test.RANDOMIZATION, Test.BOOTSTRAP])
@pytest.mark.parametrize("metric", ["bleu", "chrf++", "ter", "off_target"])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), units=st.integers(2, 150), samples=st.sampled_from([100, 199, 1000]))
def test_interval_and_p_value_never_contradict_each_other(
    test: Test, metric: str, seed: int, units: int, samples: int
) -> None:
    found = paired_test(test, random_statistics(metric, np.random.default_rng(seed), units), samples, SEED)
    assert (found.p_value <= 0.05) is (found.low > 0 or found.high < 0)
    assert found.low <= found.delta <= found.high or test is Test.BOOTSTRAP
    assert 0 < found.p_value <= 1 and 0 < found.p_worse <= 1
    # being worse is half of being different
    worse = found.delta < 0 if metric in ("bleu", "chrf++") else found.delta > 0
    if worse and test is Test.BOOTSTRAP and found.p_value < 1:
        assert found.p_worse == pytest.approx(found.p_value / 2)


def test_deals_that_tie_count_half() -> None:
    # by hand: of 20 verdicts that differ 15 are for one system; of 2^20 deals 2 * sum C(20, i > 15) differ by more,
    # and 2 * C(20, 15) by as much
    beyond, ties = (2 * sum(comb(20, i) for i in counts) / 2**20 for counts in (range(16, 21), [15]))
    verdicts = np.zeros((2, 200, 5))
    verdicts[..., 4], verdicts[0, :15, 0], verdicts[1, 15:20, 0] = 1, 1, 1
    found = paired_test(Test.RANDOMIZATION, Sides.of(OffTarget(PAIR), *verdicts), 100_000, SEED)
    assert found.p_value == pytest.approx(beyond + ties / 2, abs=0.002)
    # fewer off-target verdicts are better: the second system is not the worse one
    assert found.delta == -5 and found.p_worse == pytest.approx(1 - (beyond + ties / 2) / 2, abs=0.003)


def test_the_interval_of_a_sum_is_students() -> None:
    # of differences that are means of normal numbers, deals invert to Student's interval but for Monte Carlo error
    rng = np.random.default_rng(5)
    for shift in (0, 0.2, 3):
        values = rng.normal(shift, 1, size=80)
        signs = rng.choice([-1, 1], size=(100_000, 80))
        se = values.std(ddof=1) / 80**0.5
        found = by_randomization(values.mean(), (signs * values).mean(axis=1), se=se, units=80)
        half = t.ppf(0.975, 79) * se
        assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03 * half)


def test_a_fitted_tail_is_near_the_true_one() -> None:
    rng = np.random.default_rng(3)
    for z in (4.0, 4.5):
        fitted = [
            by_randomization(z, rng.normal(size=5000), se=1, units=500, fits_tail=True).p_value for _ in range(40)
        ]
        true = 2 * norm.sf(z)
        # of 5,000 deals hardly one is beyond: counting could say 1/5001 at best, three and thirty times too much
        assert true / 4 < np.median(fitted) < 4 * true
    far = by_randomization(50.0, rng.normal(size=5000), se=1, units=500, fits_tail=True)
    assert far.p_is_floor and far.p_value == pytest.approx(1 / (100 * 5001))
    near = by_randomization(2.5, draws := rng.normal(size=5000), se=1, units=500, fits_tail=True)
    assert near.p_value == by_randomization(2.5, draws, se=1, units=500).p_value


def test_the_expanded_interval_is_that_of_its_definition() -> None:
    # Hesterberg (2015): of n = 10 the ends of the 95% interval are the percentiles Φ(-√(10/9) t(0.975, 9)) and 1 - that
    tail = norm.cdf(-((10 / 9) ** 0.5) * t.ppf(0.975, 9))
    values = np.random.default_rng(1).permutation(9999) / 10_000
    assert expanded_interval(values, 10) == pytest.approx((tail, 1 - tail), abs=2e-4)
    # of many units it is the percentile interval
    assert expanded_interval(values, 10**6) == pytest.approx(interval(values), abs=2e-4)
    assert expanded_level(float(tail), 10) == pytest.approx(0.025)


def test_p_values_of_the_bootstrap_are_half_of_both_sides() -> None:
    drawn = np.concatenate([np.full(30, -1.0), np.full(969, 1.0)])
    found = by_bootstrap(0.9, drawn, se=0.5, units=10**6)
    assert found.p_value == pytest.approx(2 * 31 / 1000, rel=1e-3)
    assert found.p_worse == pytest.approx(970 / 1000, rel=1e-3)
