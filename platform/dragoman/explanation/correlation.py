"""Rank correlations over languages, with others held: permutation p-values, and intervals over other languages.

Spearman's ρ of x and y with z held is the correlation of what remains of their ranks after a linear fit on those of z;
of one z it is (ρ_xy − ρ_xz ρ_yz) / √((1 − ρ_xz²)(1 − ρ_yz²)).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.mantel import PERMUTATIONS, TOLERANCE, language_orders, permutation_p
from dragoman.metrics.resampling import SEED, expanded_interval

FEWEST_LANGUAGES = 5
"""Languages from which there is a correlation: of four, even a perfect one has a p-value of 2/24."""

RESAMPLES = 2000
"""Samples of languages that an interval is read from."""

_MOST_WITHOUT = 0.1
"""Share of the samples that may have no correlation: the others alone would tell too narrow an interval."""

Values = NDArray[np.float64]
"""A value for each language; NaN where there is none."""


class Correlation(NamedTuple):
    """A rank correlation over languages."""

    estimate: float
    """Spearman's ρ, or the partial one."""
    low: float | None
    """Lower end of its 95% interval over other languages; None where more than one in ten samples of these have no
    correlation, as of a factor that one language alone differs in."""
    high: float | None
    """Upper end of it."""
    p: float
    """Probability of one as far from zero if y were dealt to the languages at random."""
    p_is_floor: bool
    """Whether that is the smallest that drawn permutations can give."""
    n: int
    """Languages that it is over."""


def rank_correlation(
    x: Values, y: Values, *held: Values, permutations: int = PERMUTATIONS, seed: int = SEED
) -> Correlation | None:
    """Spearman's ρ of two values of languages, others being held.

    The p-value is of dealing what x has beyond the others, and fitting again (double semi-partialing, Dekker et al.,
    2007); without others it is that of the usual permutation test, exact of fewer than eight languages.

    Args:
        x: the one.
        y: the other.
        held: those that are held.
        permutations: how many are drawn.
        seed: of the draws.

    Returns:
        The correlation; None where fewer than five languages have all values, or too few for so many held, or where
        nothing of x or y varies beyond the others.
    """
    values = np.stack([x, y, *held])
    values = values[:, ~np.isnan(values).any(axis=0)]
    count = values.shape[1]
    if count < FEWEST_LANGUAGES + len(held):
        return None
    ranks = _ranks(values)
    others = np.column_stack([np.ones(count), *ranks[2:]])
    basis = basis_of(others)
    own, other = (left_over(ranks[place], basis) for place in (0, 1))
    if any(np.linalg.norm(each) < TOLERANCE * count for each in (own, other)):
        return None
    observed = float(_cosines(own[None], other)[0])
    stronger = drawn = 0
    for orders in language_orders(count, permutations=permutations, seed=seed, cells=count):
        found = _cosines(left_over(own[orders], basis), other)
        stronger += int((np.abs(found) >= abs(observed) - TOLERANCE).sum())
        drawn += len(orders)
    p, is_exact = permutation_p(stronger, drawn, languages=count, permutations=permutations)
    low, high = _interval(values, seed)
    is_floor = not is_exact and stronger == 0
    return Correlation(observed, low, high, p, is_floor, count)


def basis_of(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """An orthonormal basis of what some columns span."""
    vectors, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    found: NDArray[np.float64] = vectors[:, sizes > TOLERANCE * max(sizes[0], 1)]
    return found


def left_over(values: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """What of some values, the last axis, a basis does not explain."""
    found: NDArray[np.float64] = values - (values @ basis) @ basis.T
    return found


def _cosines(rows: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    sizes = np.linalg.norm(rows, axis=1) * np.linalg.norm(other)
    found: NDArray[np.float64] = np.divide(rows @ other, sizes, out=np.zeros(len(rows)), where=sizes > 0)
    return found


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ranks of the languages in each row, the last axis."""
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(values, axis=-1)
    return ranks


def _interval(values: NDArray[np.float64], seed: int) -> tuple[float | None, float | None]:
    """The interval over samples of the languages, of rows of values: x, y, and those that are held."""
    count = values.shape[1]
    draws = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    ranks = _ranks(np.moveaxis(values[:, draws], 1, 0))  # samples × rows × languages
    centred = ranks - ranks.mean(axis=2, keepdims=True)
    products = centred @ np.swapaxes(centred, 1, 2)
    sizes = np.sqrt(np.diagonal(products, axis1=1, axis2=2))
    with np.errstate(divide="ignore", invalid="ignore"):
        correlations = products / (sizes[:, :, None] * sizes[:, None, :])
    usable = np.isfinite(correlations).all(axis=(1, 2))
    found = np.full(RESAMPLES, np.nan)
    found[usable] = _partial(correlations[usable])
    if np.isnan(found).mean() > _MOST_WITHOUT:
        return None, None
    low, high = expanded_interval(found, count - len(values) + 2)
    return low, high


def _partial(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """The partial correlation of the first two of several, from the matrices of all their correlations."""
    own = correlations[:, :2, :2]
    if correlations.shape[1] > 2:
        across = correlations[:, :2, 2:]
        inner = np.linalg.pinv(correlations[:, 2:, 2:], hermitian=True)
        own = own - across @ inner @ np.swapaxes(across, 1, 2)
    sizes = own[:, 0, 0] * own[:, 1, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(sizes > 1e-12, own[:, 0, 1] / np.sqrt(np.maximum(sizes, 0)), np.nan)
    clipped: NDArray[np.float64] = np.clip(found, -1, 1)
    return clipped
