"""Direct differences: two models that differ in one training pair alone, on that pair."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dragoman.analysis.estimate import Estimate
from dragoman.analysis.finding import Finding
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.effects.designs import design_of, is_total
from dragoman.effects.resamples import Resamples
from dragoman.identity import canonical_json
from dragoman.pair import Pair
from dragoman.store.store import Store

MOST = 200
"""Differences that are resampled at most."""


@dataclass(frozen=True)
class DirectDifference:
    """A model trained on a pair, against one trained in the same way on the same pairs but for that one."""

    pair: Pair
    """The pair."""
    trained: str
    """The model that was trained on it."""
    untrained: str
    """The model that was not."""
    finding: Finding
    """The score of the one on the pair less that of the other; chance is over sentences."""
    is_total: bool
    """Whether both had the same number of examples in all, so that the one had fewer of the other pairs."""


def direct_differences(store: Store, scores: CampaignScores) -> list[DirectDifference]:
    """The differences of every two models of a campaign that differ in one pair, which is evaluated, alone."""
    place_of = {pair: number for number, pair in enumerate(scores.pairs)}
    designs = [canonical_json(design_of(model, with_seed=True)) for model in scores.models]
    found: list[tuple[Pair, int, int]] = []
    for one, two in combinations(range(len(scores.models)), 2):
        apart = scores.models[one].own.pairs ^ scores.models[two].own.pairs
        if designs[one] != designs[two] or len(apart) != 1 or len(found) == MOST:
            continue
        pair = next(iter(apart))
        more, fewer = (one, two) if pair in scores.models[one].own.pairs else (two, one)
        if pair in place_of and not np.isnan(scores.own[[more, fewer], place_of[pair]]).any():
            found.append((pair, more, fewer))
    return [_difference(store, scores, place_of[pair], more, fewer) for pair, more, fewer in sorted(found)]


def _difference(store: Store, scores: CampaignScores, column: int, more: int, fewer: int) -> DirectDifference:
    pair = scores.pairs[column]
    delta = float(scores.own[more, column] - scores.own[fewer, column])
    resamples = Resamples.read(store, scores, [pair], [more, fewer])
    drawn = [resamples.scores(place, {pair: 1.0}) for place in (more, fewer)]
    if drawn[0] is None or drawn[1] is None:
        why = "There are no statistics of sentences, so there is no interval."
        finding = Finding(estimate=delta, n=1, of_what="differences", why=why)
    else:
        estimate = Estimate.of(delta, [resamples.variance(drawn[0] - drawn[1])])
        finding = Finding.of(estimate, n=resamples.units, of_what="sentences")
    models = scores.models
    return DirectDifference(pair, models[more].system, models[fewer].system, finding, is_total(models[more]))
