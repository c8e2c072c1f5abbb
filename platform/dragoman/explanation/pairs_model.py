"""Linear model of the scores of pairs by what is known of their languages, with p-values that permute languages.

y_st = α + Σ β_k x_k(s, t) + partition + ε, by least squares. Pairs share their languages, so the usual p-values are
wrong: they are of double semi-partialing (Dekker, Krackhardt and Snijders, 2007, Psychometrika 72), in which rows and
columns of what a term has beyond all others are permuted together. Intervals leave out one language at a time with all
its pairs (the jackknife of Tukey, 1958), and so does the test of how well the model tells pairs of a new language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.mantel import PERMUTATIONS, TOLERANCE, Matrix, language_orders, permutation_p
from dragoman.explanation.correlation import FEWEST_LANGUAGES, basis_of, left_over
from dragoman.metrics.resampling import SEED

Columns = NDArray[np.float64]
"""A column for each term, cells × terms."""


class Term(NamedTuple):
    """A predictor of the model."""

    factor: str
    """The factor that it belongs to: its terms are left out together."""
    name: str
    """What it is of: `source`, `target`, `pair`, or another word."""
    values: Matrix
    """Its value for each pair, languages × languages, complete but for the diagonal."""


class Coefficient(NamedTuple):
    """The effect of a term."""

    factor: str
    """Its factor."""
    name: str
    """Its name."""
    estimate: float
    """Standardised β: by how many standard deviations of the scores these rise where the term rises by one of its."""
    low: float
    """Lower end of its 95% interval over other languages."""
    high: float
    """Upper end of it."""
    p: float
    """Probability of an effect as strong if the languages were permuted."""
    p_is_floor: bool
    """Whether that is the smallest that drawn permutations can give."""
    points: float
    """The same effect in points of the metric."""


class Share(NamedTuple):
    """What a factor adds to the model."""

    factor: str
    """The factor, or `partition`."""
    terms: int
    """Its terms."""
    estimate: float
    """Drop-one ΔR²: how much less the model without it explains of the variance."""
    held_out: float
    """The same of pairs of languages that were left out; below zero where the model tells more without it."""
    p: float | None
    """Probability of a share as large if the languages were permuted; None of partitions, which pairs have."""
    p_is_floor: bool
    """Whether that is the smallest that drawn permutations can give."""


@dataclass(frozen=True)
class PairsModel:
    """How far facts about languages explain the scores of pairs."""

    coefficients: tuple[Coefficient, ...]
    """The effect of each term."""
    shares: tuple[Share, ...]
    """What each factor adds."""
    r2: float
    """Share of the variance that the model explains."""
    held_out: float
    """The same of the pairs of each language by a model without them (leave-one-language-out R²); below zero where
    their mean alone would tell more."""
    n: int
    """Languages."""
    pairs: int
    """Pairs with a score."""
    left_out: tuple[str, ...]
    """Terms that are left out, since the others and the partition tell them already, or they do not vary."""
    observed: NDArray[np.float64]
    """The score of each pair."""
    remainders: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    """For each coefficient what its term and the scores have beyond all other terms: the partial residual plot."""
    cells: tuple[NDArray[np.intp], NDArray[np.intp]]
    """The source and the target of each pair, by the number of the language."""


def pairs_model(
    scores: Matrix,
    terms: Sequence[Term],
    groups: NDArray[np.int64] | None = None,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = SEED,
) -> PairsModel | None:
    """Fit the model.

    Args:
        scores: the score, or gain, of each pair, languages × languages; NaN where there is none.
        terms: what it is explained by.
        groups: the partition of each pair by a number, and −1 where there is none; without it all are alike.
        permutations: how many permutations of the languages are drawn.
        seed: of the draws.

    Returns:
        The model; None where fewer than five languages, or too few pairs for the terms, have a score.
    """
    scores = np.array(scores, np.float64)
    np.fill_diagonal(scores, np.nan)
    sources, targets = np.nonzero(~np.isnan(scores))
    cells = (sources, targets)
    languages = len(np.unique(np.concatenate(cells)))
    if languages < FEWEST_LANGUAGES or (spread := float(scores[cells].std())) < TOLERANCE:
        return None
    dummies = _Dummies.of(np.zeros(scores.shape, np.int64) if groups is None else groups, cells)
    kept, left_out = _told_apart(terms, dummies, cells)
    if not kept or len(sources) <= 2 + len(kept) + dummies.columns.shape[1]:
        return None
    observed = (scores[cells] - scores[cells].mean()) / spread
    design = _Design(kept, dummies, cells, observed, len(scores))
    factors = list(dict.fromkeys(term.factor for term in kept))
    members = [[place for place, term in enumerate(kept) if term.factor == factor] for factor in factors]
    effects = design.tested([*([place] for place in range(len(kept))), *members], permutations, seed)
    fits = design.without_each_language()
    coefficients = []
    for place, (term, effect) in enumerate(zip(kept, effects, strict=False)):
        low, high = _interval(design.beta[place], fits[:, place])
        beta = float(design.beta[place])
        coefficients.append(
            Coefficient(term.factor, term.name, beta, low, high, effect.p, effect.p_is_floor, beta * spread)
        )
    whole = design.explained()
    shares = []
    for factor, places, effect in zip(factors, members, effects[len(kept) :], strict=True):
        less = design.explained(without=places)
        shares.append(Share(factor, len(places), whole[0] - less[0], whole[1] - less[1], effect.p, effect.p_is_floor))
    if dummies.columns.shape[1] > 1:
        less = design.explained(with_groups=False)
        number = dummies.columns.shape[1] - 1
        shares.append(Share("partition", number, whole[0] - less[0], whole[1] - less[1], None, False))
    return PairsModel(
        tuple(coefficients), tuple(shares), *whole, languages, len(sources), left_out, scores[cells],
        tuple((effect.own, effect.other) for effect in effects[: len(kept)]), cells,
    )  # fmt: skip


class _Dummies(NamedTuple):
    """The constant and the groups as columns."""

    columns: Columns
    """Those of the pairs with a score: the constant, then each group but the largest."""
    everywhere: NDArray[np.float64]
    """Those of all pairs, languages × languages × columns; of a pair that is in no group, the shares of the groups."""

    @classmethod
    def of(cls, groups: NDArray[np.int64], cells: tuple[NDArray[np.intp], NDArray[np.intp]]) -> "_Dummies":
        names, counts = np.unique(groups[cells], return_counts=True)
        others = np.delete(names, counts.argmax())
        indicators = (groups[..., None] == others).astype(np.float64)
        shares = indicators[cells].mean(axis=0) if len(others) else np.zeros(0)
        indicators[~np.isin(groups, names)] = shares
        everywhere = np.concatenate([np.ones((*groups.shape, 1)), indicators], axis=2)
        return cls(everywhere[cells], everywhere)


class _Effect(NamedTuple):
    """The test of some terms together."""

    p: float
    p_is_floor: bool
    own: NDArray[np.float64]
    other: NDArray[np.float64]


class _Design:
    """Terms, groups and scores of the pairs, all standardised."""

    def __init__(
        self,
        terms: Sequence[Term],
        dummies: _Dummies,
        cells: tuple[NDArray[np.intp], NDArray[np.intp]],
        observed: NDArray[np.float64],
        size: int,
    ) -> None:
        self._dummies, self._cells, self._observed, self._size = dummies, cells, observed, size
        raw = np.stack([term.values for term in terms], axis=2)
        centre, spread = raw[cells].mean(axis=0), raw[cells].std(axis=0)
        self._everywhere = np.asarray((raw - centre) / spread, np.float64)
        self._terms: Columns = self._everywhere[cells]
        self._columns: Columns = np.concatenate([self._terms, dummies.columns], axis=1)
        self.beta = self._fit(self._columns)

    def _fit(self, columns: Columns) -> NDArray[np.float64]:
        return np.asarray(np.linalg.lstsq(columns, self._observed, rcond=None)[0], np.float64)

    def without_each_language(self, chosen: Sequence[int] | None = None) -> NDArray[np.float64]:
        """The coefficients without each language in turn, languages × columns; from sums, as leaving out subtracts."""
        columns = self._columns if chosen is None else self._columns[:, chosen]
        products, moments = columns.T @ columns, columns.T @ self._observed
        found = []
        for language in self._languages:
            own = columns[self._touches(language)]
            inverse = np.linalg.pinv(products - own.T @ own, rcond=1e-10, hermitian=True)
            found.append(inverse @ (moments - own.T @ self._observed[self._touches(language)]))
        return np.array(found)

    def explained(self, *, without: Sequence[int] = (), with_groups: bool = True) -> tuple[float, float]:
        """R² of the model without some terms, and that of each language's pairs by a model without them."""
        terms = self._terms.shape[1]
        last = self._columns.shape[1] if with_groups else terms + 1
        chosen = [place for place in range(last) if place not in without]
        columns = self._columns[:, chosen]
        errors = self._observed - columns @ self._fit(columns)
        missed = total = 0.0
        for language, beta in zip(self._languages, self.without_each_language(chosen), strict=True):
            held = self._touches(language)
            missed += float(((self._observed[held] - columns[held] @ beta) ** 2).sum())
            total += float(((self._observed[held] - self._observed[~held].mean()) ** 2).sum())
        return 1 - float(errors @ errors) / float(self._observed @ self._observed), 1 - missed / total

    @property
    def _languages(self) -> list[int]:
        found: list[int] = np.unique(np.concatenate(self._cells)).tolist()
        return found

    def _touches(self, language: int) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self._cells[0] == language) | (self._cells[1] == language)
        return found

    def tested(self, blocks: Sequence[Sequence[int]], permutations: int, seed: int) -> list[_Effect]:
        """The partial R² of some terms together, for each choice of them, tested by permuting what they have beyond."""
        beyond = [self._beyond(places) for places in blocks]
        observed = [each.partial_r2(self._cells_at(np.arange(self._size)[None]))[0] for each in beyond]
        stronger, drawn = np.zeros(len(blocks), np.int64), 0
        for orders in language_orders(self._size, permutations=permutations, seed=seed, cells=len(self._observed)):
            cells = self._cells_at(orders)
            stronger += [
                int((each.partial_r2(cells) >= value - TOLERANCE).sum())
                for each, value in zip(beyond, observed, strict=True)
            ]
            drawn += len(orders)
        effects = []
        for each, count in zip(beyond, stronger.tolist(), strict=True):
            p, is_exact = permutation_p(count, drawn, languages=self._size, permutations=permutations)
            own = each.values[0][self._cells_at(np.arange(self._size)[None])[0]]
            effects.append(_Effect(p, not is_exact and count == 0, own, each.others[:, -1]))
        return effects

    def _cells_at(self, orders: NDArray[np.intp]) -> NDArray[np.intp]:
        """Where the pairs stand in a flat matrix of the languages in some orders, orders × pairs."""
        rows, columns = self._cells
        found: NDArray[np.intp] = orders[:, rows] * self._size + orders[:, columns]
        return found

    def _beyond(self, places: Sequence[int]) -> "_Beyond":
        rest = [place for place in range(self._columns.shape[1]) if place not in places]
        others = self._columns[:, rest]
        basis = basis_of(others)
        fitted = np.linalg.lstsq(others, self._terms[:, places], rcond=None)[0]
        everywhere = np.concatenate([self._everywhere, self._dummies.everywhere], axis=2)
        values = np.moveaxis(self._everywhere[..., places] - everywhere[..., rest] @ fitted, 2, 0)
        left = left_over(self._observed, basis)
        return _Beyond(values.reshape(len(places), -1), np.column_stack([basis, left]))


class _Beyond(NamedTuple):
    """What some terms have beyond all others."""

    values: NDArray[np.float64]
    """Their values of all pairs, terms × flat matrix."""
    others: Columns
    """An orthonormal basis of the other terms and groups, and last what these leave of the scores."""

    def partial_r2(self, cells: NDArray[np.intp]) -> NDArray[np.float64]:
        """Share of what is left of the scores that the terms explain, where the pairs have the values at some cells."""
        dealt = [values.take(cells) for values in self.values]
        along = np.stack([each @ self.others for each in dealt], axis=1)
        shared, moments = along[..., :-1], along[..., -1]
        products = -shared @ np.swapaxes(shared, 1, 2)
        for one, own in enumerate(dealt):
            for two, other in enumerate(dealt):
                products[:, one, two] += np.einsum("pc,pc->p", own, other)
        left = self.others[:, -1]
        if len(dealt) == 1:
            spread = products[:, 0, 0]
            explained = np.divide(moments[:, 0] ** 2, spread, out=np.zeros(len(spread)), where=spread > TOLERANCE)
        else:
            explained = np.einsum(
                "pi,pij,pj->p", moments, np.linalg.pinv(products, rcond=1e-10, hermitian=True), moments
            )
        found: NDArray[np.float64] = explained / (left @ left)
        return found


def _told_apart(
    terms: Sequence[Term], dummies: _Dummies, cells: tuple[NDArray[np.intp], NDArray[np.intp]]
) -> tuple[list[Term], tuple[str, ...]]:
    """The terms that vary beyond the groups and the terms before them, and the names of the others."""
    kept: list[Term] = []
    left_out = []
    columns = dummies.columns
    for term in terms:
        values = term.values[cells]
        scale = np.linalg.norm(values - values.mean())
        if scale < TOLERANCE or np.linalg.norm(left_over(values, basis_of(columns))) < 1e-6 * scale:
            left_out.append(f"{term.factor} of the {term.name}")
            continue
        kept.append(term)
        columns = np.column_stack([columns, (values - values.mean()) / scale * len(values) ** 0.5])
    return kept, tuple(left_out)


def _interval(value: float, without: NDArray[np.float64]) -> tuple[float, float]:
    """The jackknife's interval of a value, from those without each language."""
    found = Estimate.of(float(value), [Part.jackknife(without)])
    return found.low, found.high
