"""A ridge regression of scores on features, whose features and penalty are chosen by leaving draws out.

Sums of squares and products are kept by draw, so that a fit without some draws is a difference of sums.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import Numbers

PENALTIES = tuple(np.geomspace(1e-4, 10, 6).tolist())
"""Penalties that are tried, for each standardised feature and row."""

FOLDS = 8
"""Parts that the draws are dealt into, at most, when features and penalty are chosen."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """Which features a fit uses, and how strongly it is held back."""

    name: str
    """Name of the set of features."""
    columns: Mask
    """The features."""
    penalty: float
    """The penalty."""


class GainModel:
    """Values with their features, summed by draw."""

    def __init__(self, features: Numbers, values: Numbers, draws: NDArray[np.int64], sets: Mapping[str, Mask]) -> None:
        """Standardise the features and sum.

        Args:
            features: rows × features.
            values: the value of each row.
            draws: the draw of each row.
            sets: the sets of features that may be chosen, by name.
        """
        self.mean, spread = features.mean(axis=0), features.std(axis=0)
        self.scale = np.where(spread > 1e-12, spread, np.inf)
        columns = np.column_stack([np.ones(len(values)), (features - self.mean) / self.scale])
        self.draws = np.unique(draws).tolist()
        rows = {draw: draws == draw for draw in self.draws}
        self._squares = {draw: columns[held].T @ columns[held] for draw, held in rows.items()}
        self._products = {draw: columns[held].T @ values[held] for draw, held in rows.items()}
        self._totals = {draw: float(values[held] @ values[held]) for draw, held in rows.items()}
        self._rules = [Rule(name, held, penalty) for name, held in sets.items() for penalty in PENALTIES]

    def chosen(self, without: Collection[int] = ()) -> Rule:
        """The rule that foretells best what it has not seen; of equals the first, which has the fewest features.

        Args:
            without: draws that are left out of it.
        """
        kept = [draw for draw in self.draws if draw not in without]
        folds = [fold for part in range(min(FOLDS, len(kept))) if (fold := kept[part::FOLDS])]
        errors = [self._error(rule, folds, without) for rule in self._rules]
        return self._rules[int(np.argmin(np.round(errors, 12)))]

    def coefficients(self, rule: Rule, without: Collection[int] = ()) -> Numbers:
        """The coefficients of the features as they are, the constant first.

        Args:
            rule: the features and the penalty.
            without: draws that are left out.
        """
        found = self._standardised(rule, without)
        slopes = found[1:] / self.scale
        return np.concatenate([[found[0] - slopes @ self.mean], slopes])

    def _standardised(self, rule: Rule, without: Collection[int]) -> Numbers:
        kept = [draw for draw in self.draws if draw not in without]
        held = np.flatnonzero(np.concatenate([[True], rule.columns]))
        squares = sum(self._squares[draw][np.ix_(held, held)] for draw in kept)
        products = sum(self._products[draw][held] for draw in kept)
        penalties = np.full(len(held), rule.penalty * squares[0, 0])
        penalties[0] = 0.0
        found = np.zeros(len(self.mean) + 1)
        found[held] = np.linalg.solve(squares + np.diag(penalties), products)
        return found

    def _error(self, rule: Rule, folds: Sequence[Sequence[int]], without: Collection[int]) -> float:
        error = 0.0
        for fold in folds:
            found = self._standardised(rule, {*without, *fold})
            error += sum(
                self._totals[draw] - 2 * found @ self._products[draw] + found @ self._squares[draw] @ found
                for draw in fold
            )
        return error
