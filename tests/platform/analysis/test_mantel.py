"""Mantel's test: scipy's correlation of the cells, exact for few languages, and uniform p-values under the null."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kstest, pearsonr, spearmanr

from dragoman.analysis.mantel import Matrix, mantel
from dragoman.metrics.base import MetricError


def made(rng: np.random.Generator, languages: int) -> Matrix:
    """A matrix whose rows and columns have levels of their own, as scores and distances of languages do."""
    shape = (languages, 1)
    levels = rng.normal(size=shape) + rng.normal(size=shape).T
    matrix: Matrix = levels + 0.5 * rng.normal(size=(languages, languages))
    np.fill_diagonal(matrix, np.nan)
    return matrix


def with_holes(matrix: Matrix, rng: np.random.Generator, share: float) -> Matrix:
    matrix = matrix.copy()
    matrix[rng.random(matrix.shape) < share] = np.nan
    return matrix


@pytest.mark.parametrize("share", [0, 0.2])
@pytest.mark.parametrize(("method", "by_scipy"), [("spearman", spearmanr), ("pearson", pearsonr)])
def test_the_correlation_is_scipys_over_the_cells_of_both(method, by_scipy, share) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, y = with_holes(made(rng, 9), rng, share), with_holes(np.round(made(rng, 9)), rng, share)
        both = ~np.isnan(x + y)
        found = mantel(x, y, permutations=19, method=method)
        assert found.statistic == pytest.approx(by_scipy(x[both], y[both]).statistic, abs=1e-12)
        assert (found.cells, found.n_languages) == (both.sum(), 9)


@pytest.mark.parametrize("directed", [True, False])
def test_of_few_languages_every_order_counts_as_in_a_loop_over_scipy(directed: bool) -> None:
    rng = np.random.default_rng(5)
    for share in (0, 0, 0.25):
        x, y = with_holes(made(rng, 5), rng, share), made(rng, 5)
        if not directed:
            x, y = (x + x.T) / 2, (y + y.T) / 2
        cells = [(s, t) for s in range(5) for t in range(5) if (s != t if directed else s < t)]

        def correlation(order, x=x, y=y, cells=cells) -> float:
            both = [(x[s, t], y[order[s], order[t]]) for s, t in cells]
            return float(spearmanr([each for each in both if not np.isnan(each).any()]).statistic)

        every = [abs(correlation(order)) for order in permutations(range(5))]
        observed = correlation(range(5))
        found = mantel(x, y, directed=directed)
        assert found.is_exact and found.permutations == 120
        assert found.statistic == pytest.approx(observed)
        assert found.p == pytest.approx(np.mean(np.array(every) >= abs(observed) - 1e-9))


@pytest.mark.parametrize("share", [0, 0.3])
def test_p_values_are_uniform_under_the_null_where_those_of_independent_cells_are_not(share: float) -> None:
    rng = np.random.default_rng(11)
    ours, cells = [], []
    for draw in range(300):
        x, y = made(rng, 9), with_holes(made(rng, 9), rng, share)
        ours.append(mantel(x, y, permutations=499, seed=draw, method="pearson" if share else "spearman").p)
        both = ~np.isnan(x + y)
        cells.append(spearmanr(x[both], y[both]).pvalue)
    assert kstest(ours, "uniform").pvalue > 0.05
    assert np.mean(np.array(ours) <= 0.05) == pytest.approx(0.05, abs=0.03)
    assert kstest(cells, "uniform").pvalue < 1e-6


@pytest.mark.slow
def test_p_values_of_ten_thousand_permutations_are_uniform_under_the_null() -> None:
    rng = np.random.default_rng(12)
    found = [mantel(made(rng, 12), made(rng, 12), seed=draw).p for draw in range(500)]
    assert kstest(found, "uniform").pvalue > 0.05


def test_a_planted_relation_is_found_and_the_same_seed_finds_the_same() -> None:
    rng = np.random.default_rng(2)
    x = made(rng, 13)
    y = x + made(rng, 13)
    found = mantel(x, y, permutations=999)
    assert found.p == 0.001 and found.is_floor
    assert found == mantel(x, y, permutations=999)
    order = rng.permutation(13)
    renamed = mantel(x[np.ix_(order, order)], y[np.ix_(order, order)], permutations=999)
    assert renamed.statistic == pytest.approx(found.statistic)


def test_what_does_not_vary_has_no_correlation_and_no_p_value() -> None:
    found = mantel(np.ones((5, 5)), made(np.random.default_rng(1), 5))
    assert np.isnan(found.statistic) and np.isnan(found.p)


def test_matrices_of_other_shapes_are_refused() -> None:
    with pytest.raises(MetricError, match="square matrices over the same languages; these are 3 × 3 and 4 × 4"):
        mantel(np.ones((3, 3)), np.ones((4, 4)))
