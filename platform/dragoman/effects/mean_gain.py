"""The mean gain over the base on the pairs of a partition, over the finetuned models of a campaign.

The variance is that over draws of pairs (jackknife) and that over sentences (bootstrap); of one draw, that over
sentences alone.
"""

import numpy as np

from dragoman.analysis.aggregation import SCOPES, masks_by_scope
from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.effects.jackknife import DRAWS, jackknifed_mean
from dragoman.effects.resamples import Resamples
from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.store.store import Store


def mean_gain(store: Store, scores: CampaignScores, scope: str, null: float = 0.0) -> Finding:
    """The mean over draws, of the mean over models, of the mean gain over the pairs of a scope.

    Args:
        store: the store.
        scores: the scores of the campaign.
        scope: a partition, `unseen` or `all`.
        null: the gain that is tested.

    Raises:
        StoreError: there is no such scope, or the base has no scores.
    """
    if scope not in SCOPES:
        raise StoreError(f"'{scope}' is no partition; {nearest(scope, SCOPES)}")
    gains = scores.gains
    if np.isnan(gains).all():
        raise StoreError("There are no gains, as the base has no scores: evaluate it (`evaluation.base: true`).")
    weights = _weights(scores, scope)
    places = np.flatnonzero(weights.any(axis=1)).tolist()
    if not places:
        return Finding(of_what=DRAWS, why=f"No model has a gain on a pair that is {scope}.")
    means = np.array([float(weights[place] @ np.nan_to_num(gains[place])) for place in places])
    draws = np.array(scores.draws)[places]
    every = np.unique(draws).tolist()
    by_draw = np.array([means[draws == draw].mean() for draw in every])
    shares = np.array([1 / (len(every) * (draws == draw).sum()) for draw in draws.tolist()])
    parts = []
    if len(every) > 1:
        parts.append(Part(jackknifed_mean(by_draw).error ** 2, len(every) - 1))
    if (sentences := _over_sentences(store, scores, weights, places, shares)) is not None:
        parts.append(sentences)
    value = float(by_draw.mean())
    if not parts:
        why = "There is one draw of training pairs and no statistics of sentences, so there is no interval."
        return Finding(estimate=value, n=1, of_what=DRAWS, why=why)
    if len(every) > 1:
        return Finding.of(Estimate.of(value, parts), n=len(every), of_what=DRAWS, against=null)
    units = round(parts[0].degrees) + 1
    return Finding.of(Estimate.of(value, parts), n=units, of_what="sentences, of one draw", against=null)


def _weights(scores: CampaignScores, scope: str) -> Numbers:
    """The weight of each cell in its model's mean, models × pairs."""
    known = ~np.isnan(scores.gains) & (scores.partitions > 0)
    weights = np.zeros(known.shape)
    for place, row in enumerate(scores.partitions):
        held = masks_by_scope(row, chosen=known[place]).get(scope)
        if held is not None and held.any():
            weights[place] = held / held.sum()
    return weights


def _over_sentences(
    store: Store, scores: CampaignScores, weights: Numbers, places: list[int], shares: Numbers
) -> Part | None:
    """The variance over sentences; None where a pair has no statistics."""
    columns = np.flatnonzero(weights.any(axis=0)).tolist()
    pairs: list[Pair] = [scores.pairs[place] for place in columns]
    resamples = Resamples.read(store, scores, pairs, places)
    total: Numbers = np.zeros(())
    for place, share in zip(places, shares.tolist(), strict=True):
        row = {scores.pairs[column]: float(weights[place, column]) for column in columns if weights[place, column]}
        drawn = resamples.gains(place, row)
        if drawn is None:
            return None
        total = total + share * drawn
    return resamples.variance(total)
