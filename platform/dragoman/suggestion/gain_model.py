"""A ridge regression of scores on the training graph with the pair held fixed, its penalty by cross-validation.

    y_mp = α_p + x_mp · β + ε

Each pair has a level of its own, so that β is learnt from one pair under several training graphs alone. Draws of pairs
are left out in turn to choose the penalty of β (Hoerl and Kennard, 1970), an infinite one among them: then pairs alone
foretell as well.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from dragoman.analysis.pair_scores import Numbers

PENALTIES = (*np.geomspace(1e-4, 10, 8).tolist(), np.inf)
"""Penalties that are tried, for each standardised feature and cell."""

FOLDS = 8
"""Parts that the draws are dealt into, at most, when the penalty is chosen."""


class _Within(NamedTuple):
    """The means of each pair over some models, and the products of what is left of the features and values."""

    squares: Numbers
    products: Numbers
    features: Numbers
    values: Numbers
    counts: Numbers


class GainModel:
    """Values of models on pairs with the features of their training graphs."""

    def __init__(self, features: Numbers, values: Numbers, draws: Sequence[int]) -> None:
        """Standardise the features.

        Args:
            features: models × pairs × features.
            values: models × pairs, NaN where there is none.
            draws: the draw of each model.
        """
        self.draws = sorted(set(draws))
        self._of_draw = np.array(draws)
        self._held = ~np.isnan(values)
        self._values = np.where(self._held, values, 0.0)
        known = features[self._held]
        spread = known.std(axis=0) if len(known) else np.zeros(features.shape[-1])
        self._scale = np.where(spread > 1e-12, spread, np.inf)
        centre = known.mean(axis=0) if len(known) else np.zeros(features.shape[-1])
        self._features = np.where(self._held[:, :, None], (features - centre) / self._scale, 0.0)
        self._squares = np.einsum("mpf,mpg->mfg", self._features, self._features)
        self._products = np.einsum("mpf,mp->mf", self._features, self._values)

    def penalty(self, without: Collection[int] = ()) -> float:
        """The penalty that foretells draws that are left out best; of equals the largest.

        Args:
            without: draws that have no say.
        """
        kept = [draw for draw in self.draws if draw not in without]
        errors = np.zeros(len(PENALTIES))
        for part in range(min(FOLDS, len(kept))):
            fold = kept[part::FOLDS]
            within = self._within({*without, *fold})
            slopes = np.stack(_solved(within, PENALTIES))
            held = self._held & np.isin(self._of_draw, fold)[:, None] & (within.counts > 0)
            rows, columns = np.nonzero(held)
            left = self._values[rows, columns] - within.values[columns]
            apart = self._features[rows, columns] - within.features[columns]
            errors += ((left[:, None] - apart @ slopes.T) ** 2).sum(axis=0)
        best = np.flatnonzero(errors <= errors.min() * (1 + 1e-9))
        return float(PENALTIES[int(best[-1])])

    def slopes(self, penalty: float, without: Collection[int] = ()) -> Numbers:
        """The coefficients of the features as they are.

        Args:
            penalty: the penalty.
            without: draws that are left out.
        """
        slopes: Numbers = _solved(self._within(without), [penalty])[0] / self._scale
        return slopes

    def _within(self, without: Collection[int]) -> _Within:
        kept = ~np.isin(self._of_draw, list(without))
        held = self._held & kept[:, None]
        counts = held.sum(axis=0).astype(np.float64)
        some = np.maximum(counts, 1)
        features = np.einsum("mp,mpf->pf", held.astype(np.float64), self._features) / some[:, None]
        values = (held * self._values).sum(axis=0) / some
        weighted = features * counts[:, None]
        squares = self._squares[kept].sum(axis=0) - weighted.T @ features
        products = self._products[kept].sum(axis=0) - weighted.T @ values
        return _Within(squares, products, features, values, counts)


def _solved(within: _Within, penalties: Sequence[float]) -> list[Numbers]:
    """The coefficients of the standardised features for each penalty."""
    eigenvalues, vectors = np.linalg.eigh(within.squares)
    turned = vectors.T @ within.products
    cells = max(float(within.counts.sum()), 1.0)
    return [vectors @ (turned / (np.maximum(eigenvalues, 0) + penalty * cells)) for penalty in penalties]
