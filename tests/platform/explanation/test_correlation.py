"""Rank correlations of languages: scipy's statistics, the textbook's partial ones, right p-values under the null."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kstest, permutation_test, rankdata, spearmanr

from dragoman.explanation.correlation import rank_correlation
from dragoman.explanation.quality import By, quality


def test_without_others_held_it_is_spearmans_with_scipys_exact_p_value() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        x, y = rng.normal(size=(2, 6))
        found = rank_correlation(x, y)
        scipys = permutation_test(
            (x,), lambda each, y=y: spearmanr(each, y).statistic, permutation_type="pairings", n_resamples=np.inf
        )
        assert found is not None
        assert found.estimate == pytest.approx(spearmanr(x, y).statistic)
        assert (found.p, found.n, found.p_is_floor) == (pytest.approx(scipys.pvalue), 6, False)


def test_with_one_held_it_is_the_textbooks_and_with_two_that_of_the_residuals() -> None:
    rng = np.random.default_rng(2)
    x, y, z, w = rng.normal(size=(4, 15))
    y, x = y + z, x + z - w
    found = rank_correlation(x, y, z, permutations=99)
    xy, xz, yz = (spearmanr(*each).statistic for each in ((x, y), (x, z), (y, z)))
    assert found is not None
    assert found.estimate == pytest.approx((xy - xz * yz) / ((1 - xz**2) * (1 - yz**2)) ** 0.5)
    ranks = [rankdata(each) for each in (x, y, z, w)]
    inverse = np.linalg.inv(np.corrcoef(ranks))  # by the inverse of the matrix of correlations
    expected = -inverse[0, 1] / (inverse[0, 0] * inverse[1, 1]) ** 0.5
    both = rank_correlation(x, y, z, w, permutations=99)
    assert both is not None
    assert both.estimate == pytest.approx(expected)


def test_the_p_value_of_a_partial_correlation_counts_what_a_loop_over_least_squares_counts() -> None:
    rng = np.random.default_rng(3)
    x, y, z = rng.normal(size=(3, 6))
    ranks = [rankdata(each) for each in (x, y, z)]
    held = np.column_stack([np.ones(6), ranks[2]])

    def rest(values):
        return values - held @ np.linalg.lstsq(held, values, rcond=None)[0]

    own, other = rest(ranks[0]), rest(ranks[1])
    every = [abs(np.corrcoef(rest(own[list(order)]), other)[0, 1]) for order in permutations(range(6))]
    found = rank_correlation(x, y, z)
    assert found is not None
    assert found.p == pytest.approx(np.mean(np.array(every) >= abs(found.estimate) - 1e-9))


def test_under_the_null_p_values_are_uniform_and_intervals_hold_zero() -> None:
    rng = np.random.default_rng(4)
    found, without = [], 0
    for draw in range(150):
        z = rng.normal(size=12)
        one = rank_correlation(z + rng.normal(size=12), z + rng.normal(size=12), z, permutations=199, seed=draw)
        assert one is not None
        found.append((one.p, one.low is None or one.high is None or one.low <= 0 <= one.high))
        without += one.low is None
    assert kstest([p for p, _ in found], "uniform").pvalue > 0.01
    assert np.mean([held for _, held in found]) > 0.88 and without < 8


def test_a_correlation_that_another_makes_is_gone_when_that_is_held() -> None:
    rng = np.random.default_rng(5)
    z = rng.normal(size=40)
    x, y = (z + 0.4 * rng.normal(size=40) for _ in range(2))
    plain, partial = rank_correlation(x, y), rank_correlation(x, y, z)
    assert plain is not None and partial is not None
    assert plain.estimate > 0.6 and plain.p < 0.001
    assert abs(partial.estimate) < 0.35 and partial.p > 0.02
    assert plain == rank_correlation(x, y)


def test_there_is_no_interval_where_samples_of_the_languages_often_have_no_correlation() -> None:
    alone = rank_correlation(np.array([0.0, 0, 0, 0, 0, 1]), np.arange(6, dtype=np.float64))
    assert alone is not None and alone.p == pytest.approx(1 / 3)
    assert alone.low is alone.high is None


@pytest.mark.parametrize("values", [[1.0, 2, 3, 4], [1.0] * 6, [1.0, 2, 3, 4, np.nan, np.nan]])
def test_of_fewer_than_five_languages_or_equal_values_there_is_none(values: list[float]) -> None:
    assert rank_correlation(np.array(values), np.arange(len(values), dtype=np.float64)) is None


def test_means_leave_out_the_language_itself_and_effects_compare_like_with_like() -> None:
    rng = np.random.default_rng(6)
    source, target = rng.normal(size=(2, 8))
    scores = 20 + 10 * source[:, None] + target
    np.fill_diagonal(scores, np.nan)
    planned = ~np.eye(8, dtype=bool)
    planned[0, 1] = True
    scores[0, 1] = np.nan  # one pair is not done
    means = quality(scores, planned, "target")
    assert means.values[3] == pytest.approx(np.nanmean(scores[:, 3]))
    assert (means.done[1], means.pairs[1]) == (6, 7)
    for role, planted in (("source", 10 * source), ("target", target)):
        effects = quality(scores, planned, role, By.EFFECTS)
        assert effects.values == pytest.approx(planted - planted.mean())
    apart = planned & (np.arange(8)[:, None] // 4 == np.arange(8) // 4)  # two halves that nothing compares
    assert np.isnan(quality(scores, apart, "source", By.EFFECTS).values).all()
