"""The transfer ratio: how much of the gain on seen pairs there is on pairs that were not trained themselves.

    r = gain(unseen partition) / gain(seen)

Gains are over the base, on the pairs that all models have a score for. Where several models were trained, both gains
are of the same pairs: those that are seen under some model and in the other partition under another, each with the mean
over the models of either kind. The variance is that over draws of pairs (jackknife) and that over sentences, by a
bootstrap that draws the sentences of numerator and denominator together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import UNSEEN
from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.effects.jackknife import DRAWS
from dragoman.effects.resamples import Resamples
from dragoman.metrics.base import Scores
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.schema import PARTITION_IDS, UNSEEN_IDS

_LEVEL = 0.05
"""P-value of the gain on seen pairs above which a ratio to it means nothing."""

_UNCLEAR = "The gain on seen pairs is not clearly different from 0, so that a ratio to it means nothing."

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TransferRatio:
    """The gain on pairs of one partition as a share of the gain on seen pairs."""

    partition: str
    """The partition, or `unseen`."""
    finding: Finding
    """The ratio; its p-value is of 0."""
    unseen_gain: float
    """Mean gain on the partition."""
    seen_gain: float
    """Mean gain on seen pairs."""
    pairs: int
    """Pairs of the numerator."""
    is_of_same_pairs: bool
    """Whether both gains are of the same pairs."""


class _Weights(NamedTuple):
    """The weight of each cell in both gains, models × pairs."""

    unseen: Numbers
    seen: Numbers
    is_of_same_pairs: bool


def transfer_ratios(scores: CampaignScores, resamples: Resamples | None, against: float = 0.0) -> list[TransferRatio]:
    """The transfer ratio of all unseen pairs, and of each unseen partition that occurs.

    Args:
        scores: the scores of the campaign.
        resamples: the resampled scores of the pairs that all models have; None leaves the sentences out.
        against: the ratio that is tested.
    """
    gains = scores.gains
    shared = ~np.isnan(gains).any(axis=0)
    seen = (scores.partitions == PARTITION_IDS[Partition.SEEN]) & shared
    kinds = {UNSEEN: np.isin(scores.partitions, UNSEEN_IDS)}
    kinds |= {str(each): scores.partitions == PARTITION_IDS[each] for each in Partition if each.is_unseen}
    found = []
    for name, held in kinds.items():
        unseen = held & shared
        if unseen.any() and seen.any():
            found.append(_ratio(name, scores, seen, unseen, resamples, against))
    return found


def shared_pairs_of(scores: CampaignScores) -> list[Pair]:
    """The pairs that all models and their bases have a score for."""
    return [scores.pairs[place] for place in np.flatnonzero(~np.isnan(scores.gains).any(axis=0)).tolist()]


def _ratio(
    name: str, scores: CampaignScores, seen: Mask, unseen: Mask, resamples: Resamples | None, against: float
) -> TransferRatio:
    gains, draws = np.nan_to_num(scores.gains), np.array(scores.draws)
    weights = _weights(seen, unseen)
    above, below = float((weights.unseen * gains).sum()), float((weights.seen * gains).sum())
    parts, base_parts, n, of_what = [], [], 0, DRAWS
    every = np.unique(draws).tolist()
    if len(every) > 1:
        left_out = [_gains_of(gains, seen, unseen, draws != draw) for draw in every]
        known = [each for each in left_out if each is not None]
        if len(known) < len(every):
            why = "It rests on one draw of training pairs alone, so there is no interval."
            finding = Finding(estimate=above / below if below else None, n=len(every), of_what=DRAWS, why=why)
            return _found(name, finding, above, below, weights)
        share = (len(every) - 1) / len(every)
        tops, bottoms = np.array(known).T
        ratio = above / below if below else np.nan
        parts.append(Part(share * float(np.sum((tops / bottoms - ratio) ** 2)), len(every) - 1))
        base_parts.append(Part(share * float(np.sum((bottoms - below) ** 2)), len(every) - 1))
        n = len(every)
    drawn = _resampled(scores, weights, resamples) if resamples else None
    if drawn is not None and resamples is not None:
        parts.append(resamples.variance(drawn[0] / drawn[1]))
        base_parts.append(resamples.variance(drawn[1]))
        n, of_what = (n, DRAWS) if n else (resamples.units, "sentences, of one draw of training pairs")
    if not parts:
        why = "There is one draw of training pairs and no statistics of sentences, so there is no interval."
        finding = Finding(estimate=above / below if below else None, n=1, of_what=DRAWS, why=why)
    elif Estimate.of(below, base_parts).p_value > _LEVEL:
        finding = Finding(n=n, of_what=of_what, why=_UNCLEAR)
    else:
        finding = Finding.of(Estimate.of(above / below, parts), n=n, of_what=of_what, against=against)
    return _found(name, finding, above, below, weights)


def _found(name: str, finding: Finding, above: float, below: float, weights: _Weights) -> TransferRatio:
    pairs = int((weights.unseen != 0).any(axis=0).sum())
    return TransferRatio(name, finding, above, below, pairs, weights.is_of_same_pairs)


def _weights(seen: Mask, unseen: Mask) -> _Weights:
    """The weights of cells: of the same pairs where there are such, each with the mean over its models."""
    both = seen.any(axis=0) & unseen.any(axis=0)
    if both.any():
        sides = [np.where(both, side / np.maximum(side.sum(axis=0), 1), 0.0) / both.sum() for side in (unseen, seen)]
        return _Weights(sides[0], sides[1], True)
    return _Weights(unseen / unseen.sum(), seen / seen.sum(), False)


def _gains_of(gains: Numbers, seen: Mask, unseen: Mask, kept: Mask) -> tuple[float, float] | None:
    """Both gains of some of the models; None where they have no pair of either."""
    own, other = seen & kept[:, None], unseen & kept[:, None]
    if not own.any() or not other.any():
        return None
    weights = _weights(own, other)
    return float((weights.unseen * gains).sum()), float((weights.seen * gains).sum())


def _resampled(scores: CampaignScores, weights: _Weights, resamples: Resamples) -> tuple[Scores, Scores] | None:
    """Both gains in each resample of the sentences."""
    sums: list[Scores] = []
    for side in (weights.unseen, weights.seen):
        total: Scores | None = None
        for place in np.flatnonzero((side != 0).any(axis=1)).tolist():
            drawn = resamples.gains(place, _shares(scores, side[place]))
            if drawn is None:
                return None
            total = drawn if total is None else total + drawn
        if total is None:
            return None
        sums.append(total)
    return sums[0], sums[1]


def _shares(scores: CampaignScores, row: Numbers) -> Mapping[Pair, float]:
    return {scores.pairs[place]: float(row[place]) for place in np.flatnonzero(row).tolist()}
