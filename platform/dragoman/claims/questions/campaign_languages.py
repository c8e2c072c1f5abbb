"""The languages of a campaign: the scores of pairs as means over its models, and what is known of the languages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import SCOPES, scopes_of
from dragoman.analysis.mantel import Matrix
from dragoman.claims.question import Asked
from dragoman.effects.campaign_scores import CampaignScores, Value
from dragoman.errors import StoreError, nearest
from dragoman.explanation.factors import FactOptions, Factor, Facts, facts_of, require_factors
from dragoman.explanation.quality import matrix
from dragoman.store.schema import PARTITIONS
from dragoman.store.store import Store

LANGUAGES = "languages"
"""What chance is over."""


@dataclass(frozen=True)
class CampaignLanguages:
    """The scores of a campaign's models on the pairs of its languages, and the facts about these."""

    scores: CampaignScores
    """The scores by model."""
    means: Matrix
    """The mean of each pair's scores over the models under which it is in the scope; NaN where there is none."""
    planned: NDArray[np.bool_]
    """The pairs that are in the scope under some model."""
    shares: Mapping[str, Matrix]
    """Of each partition in the scope the share of the models of a pair's mean under which the pair is in it; of a pair
    without a score the mean share."""
    facts: Facts
    """What is known of the languages."""
    factors: Mapping[str, Factor]
    """The factors, those of training as means over the models."""

    @property
    def of_what(self) -> str:
        """What the n of a finding is of."""
        return f"{LANGUAGES}, of means over {models_of(self.scores)}"


def campaign_languages(
    store: Store, asked: Asked, options: FactOptions, wanted: Sequence[str], *, scope: str, of: Value
) -> CampaignLanguages:
    """Read the scores of a campaign's models, and gather the facts about its languages.

    Args:
        store: the store.
        asked: what is asked.
        options: where the facts are from.
        wanted: the factors that have to be there.
        scope: the pairs: a partition, `unseen` or `all`.
        of: scores, or gains over the base.

    Raises:
        StoreError: something named is not there, or a wanted factor is not to be had.
    """
    require_factors(wanted)
    scores = asked.scores(store, of, fewest=1)
    held = in_scope(scores, scope)
    grids = list(dict.fromkeys(model.grid for model in scores.models))
    languages = tuple(sorted({tag for grid in grids for tag in store.grids.get(grid).languages}))
    facts = facts_of(store, scores.question.of_grid(grids[0]), languages, options, wanted=_of_languages(wanted))
    by_model = [facts.of_model(model.record.graph) for model in scores.models]
    factors = {name: _mean([each[name] for each in by_model]) for name in by_model[0]}
    if lacking := [name for name in wanted if name not in factors]:
        raise StoreError(f"The factor {lacking[0]} is not to be had: no examples are recorded of these models.")

    def as_matrix(values: NDArray[np.float64]) -> Matrix:
        sides = ([pair.source for pair in scores.pairs], [pair.target for pair in scores.pairs])
        return matrix(*sides, values, languages)

    counts = held.sum(axis=0)
    shares = {}
    for number in np.unique(scores.partitions[held]).tolist():
        share = mean_of((scores.partitions == number).astype(np.float64), held)
        whole = as_matrix(share)
        shares[str(PARTITIONS[number] or "unknown")] = np.where(np.isnan(whole), np.nanmean(share), whole)
    means, planned = as_matrix(mean_of(scores.values, held)), as_matrix(counts.astype(np.float64)) > 0
    return CampaignLanguages(scores, means, planned, shares, facts, factors)


def in_scope(scores: CampaignScores, scope: str) -> NDArray[np.bool_]:
    """The cells that have a value and whose pair is in a scope under the model, models × pairs.

    Raises:
        StoreError: there is no such scope.
    """
    if scope not in SCOPES:
        raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
    numbers = [number for number, partition in enumerate(PARTITIONS) if scope in scopes_of(partition)]
    return np.isin(scores.partitions, numbers) & ~np.isnan(scores.values)


def mean_of(values: NDArray[np.float64], held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean of each column over the rows that hold it; NaN where none does."""
    counts = held.sum(axis=0)
    sums = np.where(held, values, 0).sum(axis=0)
    found: NDArray[np.float64] = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return found


def models_of(scores: CampaignScores) -> str:
    """How many models a mean is over."""
    count = len(scores.models)
    return f"{count} model{'s' if count != 1 else ''}"


def require_zero(asked: Asked) -> None:
    """Refuse another value than 0, as permutations tell nothing of it.

    Raises:
        StoreError: another value is claimed.
    """
    if asked.value != 0:
        raise StoreError(
            f"The test permutes languages, which tells a value from 0 and not from {asked.value:g}: claim the "
            "direction alone, without `value`."
        )


def _of_languages(wanted: Sequence[str]) -> list[str]:
    """Those of some factors that are the same for all models."""
    return [name for name in wanted if name not in ("pairs", "examples")]


def _mean(factors: Sequence[Factor]) -> Factor:
    sides = [np.mean([getattr(each, side) for each in factors], axis=0) for side in ("source", "target")]
    return Factor(factors[0].name, *sides)
