"""Mantel's test: whether two matrices over the same languages are related, by permuting the languages.

The cells of a matrix share their languages, so they can't be dealt like independent values: rows and columns of one
matrix are permuted together (Mantel, 1967, Cancer Research 27; Dietz, 1983, Systematic Zoology 32, with ranks).
"""

from collections.abc import Iterator
from itertools import permutations as arrangements
from math import factorial
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import MetricError
from dragoman.metrics.resampling import SEED

Matrix = NDArray[np.float64]
"""A value for each two languages, rows × columns in the same order; NaN where there is none."""

PERMUTATIONS = 10_000
"""Permutations drawn by default; of fewer than eight languages all there are."""

TOLERANCE = 1e-9
"""Statistics that differ by less, of the same numbers added in another order, are one."""

_AT_ONCE = 4_000_000
"""Cells of permuted matrices that are in memory at once."""


class MantelTest(NamedTuple):
    """A correlation of two matrices with the probability of one as strong by chance."""

    statistic: float
    """The correlation over the cells that both have; NaN where one of them does not vary there."""
    p: float
    """Share of the permutations of languages whose correlation is at least as far from zero, the one observed among
    them; NaN where the statistic is."""
    n_languages: int
    """Languages that have a cell in both."""
    cells: int = 0
    """Cells that both have."""
    permutations: int = 0
    """Permutations that the probability is a share of."""
    is_exact: bool = False
    """Whether these are all there are."""

    @property
    def is_floor(self) -> bool:
        """Whether the probability is the smallest that drawn permutations can give."""
        return not self.is_exact and self.p * (self.permutations + 1) < 1.5


def mantel(
    x: Matrix,
    y: Matrix,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
    directed: bool = True,
    method: Literal["spearman", "pearson"] = "spearman",
) -> MantelTest:
    """Test whether two matrices over the same languages are correlated; two-sided.

    Args:
        x: one matrix, n × n.
        y: the other, the languages in the same order. Diagonals are left out, as are cells that either lacks; a
            matrix that is about some pairs only, such as those of a partition, lacks the others.
        permutations: how many are drawn; where there are no more than that, all are taken.
        seed: of the draws.
        directed: whether a cell and its mirror image are two cells; otherwise their mean is one.
        method: the correlation, of ranks or of values. Of missing cells, ranks are those among the cells that are
            compared, in each permutation anew.

    Raises:
        MetricError: the matrices are not square or of different sizes.
    """
    x, y = _checked(x, y)
    if not directed:
        x, y = _undirected(x), _undirected(y)
    if np.isnan(x).sum() > np.isnan(y).sum():
        x, y = y, x  # the cells of the emptier one stay, and those of the fuller one are dealt to them
    there = ~np.isnan(y)
    rows, columns = np.nonzero(there if directed else np.triu(there))
    values, with_ranks = y[rows, columns], method == "spearman"
    held = ~np.isnan(x[rows, columns])
    languages = len(np.unique(np.concatenate([rows[held], columns[held]])))
    count = int(held.sum())
    if with_ranks and held.all() and there.sum() == (~np.isnan(x)).sum():
        x, values, with_ranks = _ranked_matrix(x), _ranks(values[None])[0], False  # no permutation changes the ranks

    def correlations(orders: NDArray[np.intp]) -> Matrix:
        return _correlations(x[orders[:, rows], orders[:, columns]], values, with_ranks)

    observed = float(correlations(np.arange(len(x))[None])[0])
    if np.isnan(observed):
        return MantelTest(observed, np.nan, languages, count)
    stronger = drawn = 0
    for orders in language_orders(len(x), permutations=permutations, seed=seed, cells=len(rows)):
        with np.errstate(invalid="ignore"):
            stronger += int((np.abs(correlations(orders)) >= abs(observed) - TOLERANCE).sum())
        drawn += len(orders)
    p, is_exact = permutation_p(stronger, drawn, languages=len(x), permutations=permutations)
    return MantelTest(observed, p, languages, count, drawn, is_exact)


def language_orders(
    languages: int, *, permutations: int = PERMUTATIONS, seed: int = SEED, cells: int = 1
) -> Iterator[NDArray[np.intp]]:
    """Permutations of languages, some at a time: all where there are no more than so many, or else drawn at random.

    Args:
        languages: how many languages.
        permutations: how many are drawn.
        seed: of the draws.
        cells: how many cells each permutation takes in memory.
    """
    at_once = max(1, _AT_ONCE // max(cells, 1))
    if is_enumerated(languages, permutations):
        every = np.array(list(arrangements(range(languages))), np.intp).reshape(-1, languages)
        yield from (every[start : start + at_once] for start in range(0, len(every), at_once))
        return
    rng = np.random.default_rng(seed)
    for start in range(0, permutations, at_once):
        yield rng.permuted(np.tile(np.arange(languages), (min(at_once, permutations - start), 1)), axis=1)


def is_enumerated(languages: int, permutations: int) -> bool:
    """Whether all permutations of so many languages are taken, since there are no more than so many."""
    return factorial(languages) <= permutations


def permutation_p(stronger: int, drawn: int, *, languages: int, permutations: int) -> tuple[float, bool]:
    """The p-value of a permutation test, and whether it is exact.

    The observed order is one of all; to drawn ones it is added (Phipson and Smyth, 2010), so that none is 0.

    Args:
        stronger: permutations at least as extreme as what was observed.
        drawn: permutations that there were.
        languages: how many languages were permuted.
        permutations: how many were asked for.
    """
    if is_enumerated(languages, permutations):
        return stronger / drawn, True
    return (stronger + 1) / (drawn + 1), False


def _checked(x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    if x.ndim != 2 or x.shape[0] != x.shape[1] or x.shape != y.shape:
        raise MetricError(
            f"Mantel's test compares two square matrices over the same languages; these are "
            f"{' × '.join(map(str, x.shape))} and {' × '.join(map(str, y.shape))}."
        )
    x, y = np.array(x, np.float64), np.array(y, np.float64)
    np.fill_diagonal(x, np.nan)
    np.fill_diagonal(y, np.nan)
    return x, y


def _undirected(matrix: Matrix) -> Matrix:
    """The mean of each cell and its mirror image, or the one of them that is there."""
    mirrored = matrix.T
    both = np.where(np.isnan(mirrored), matrix, (matrix + mirrored) / 2)
    found: Matrix = np.where(np.isnan(matrix), mirrored, both)
    return found


def _ranked_matrix(matrix: Matrix) -> Matrix:
    held = ~np.isnan(matrix)
    ranked = np.full(matrix.shape, np.nan)
    ranked[held] = _ranks(matrix[held][None])[0]
    return ranked


def _ranks(values: Matrix) -> Matrix:
    """The ranks in each row, equal values sharing their mean rank."""
    from scipy.stats import rankdata

    ranks: Matrix = rankdata(values, axis=1)
    return ranks


def _correlations(dealt: Matrix, values: Matrix, with_ranks: bool) -> Matrix:
    """The correlation of each row with some values, over the cells that it has."""
    held = ~np.isnan(dealt)
    is_whole = bool(held.all())
    others = values[None] if is_whole else np.where(held, values, np.inf)  # infinite values rank behind all others
    if with_ranks:
        dealt, others = _ranks(np.where(held, dealt, np.inf)), _ranks(others)
    if not is_whole:
        dealt, others = np.where(held, dealt, 0), np.where(held, others, 0)
    count = held.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(held, dealt - dealt.sum(axis=1, keepdims=True) / count, 0)
        other = np.where(held, others - others.sum(axis=1, keepdims=True) / count, 0)
        spread = np.sqrt((own**2).sum(axis=1) * (other**2).sum(axis=1))
        scale = np.sqrt((dealt**2).sum(axis=1) * (others**2).sum(axis=1))
        correlations: Matrix = np.where(spread > TOLERANCE * scale, (own * other).sum(axis=1) / spread, np.nan)
    return correlations
