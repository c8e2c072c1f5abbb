"""Intervals of means over pairs: all pairs resampled jointly, from stored statistics.

The segments of a multi-parallel test set say the same in every language, so the pairs of a grid are not
independent: pairs of the same number of segments are resampled by the same draws, and a mean over
pairs is taken inside each resample.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from sqlalchemy import Connection, and_, func, select

from dragoman import plugins
from dragoman.metrics.base import Metric, Scores
from dragoman.metrics.packing import unpack
from dragoman.metrics.resampling import interval, resampled_scores
from dragoman.pair import Pair
from dragoman.plugins import UnknownPluginError
from dragoman.store.schema import PairRow, PartitionSumRow, ScoreRow, StatisticsRow
from dragoman.store.scored import weights_by_scope
from dragoman.store.slice import Slice

MOST_PAIRS = 2000
"""Pairs above which no joint interval is computed: it would take long, and be narrower than anyone needs."""


class Bounds(NamedTuple):
    """A 95% percentile interval; None where it can't be had."""

    low: float | None = None
    high: float | None = None


def bounds(values: Scores | None) -> Bounds:
    """The percentile interval of a resampled value."""
    return Bounds() if values is None else Bounds(*interval(values))


def metric_class(name: str) -> type[Metric] | None:
    """The installed metric of a name; None where it is not installed here (its stored values can still be read)."""
    try:
        kind: type[Metric] = plugins.load("metrics", name)
    except (UnknownPluginError, ModuleNotFoundError):
        return None
    return kind


def statistics_of(connection: Connection, part: Slice, model_id: int) -> dict[Pair, bytes]:
    """The packed statistics of a model's scores in a slice; of none where it has too many scores."""
    scores = select(func.sum(PartitionSumRow.scores)).where(part.sums(model_id))
    if (connection.execute(scores).scalar() or 0) > MOST_PAIRS:
        return {}
    stored = and_(
        StatisticsRow.model_id == ScoreRow.model_id,
        StatisticsRow.condition_id == ScoreRow.condition_id,
        StatisticsRow.metric_id == ScoreRow.metric_id,
        StatisticsRow.pair_id == ScoreRow.pair_id,
        StatisticsRow.signature_id == ScoreRow.signature_id,
    )
    query = (
        select(PairRow.source, PairRow.target, StatisticsRow.statistics)
        .join(ScoreRow, stored)
        .join(PairRow, PairRow.id == StatisticsRow.pair_id)
        .where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
        .limit(MOST_PAIRS + 1)  # the sums are silent on a base that is evaluated only in another grid
    )
    found = {Pair(source, target): packed for source, target, packed in connection.execute(query)}
    return found if len(found) <= MOST_PAIRS else {}


@lru_cache(maxsize=2 * MOST_PAIRS)
def resampled(kind: type[Metric], pair: Pair, packed: bytes) -> Scores:
    """The scores of a cell in every resample; kept, as a model is looked at from several sides, and the base often."""
    return resampled_scores(kind(pair), unpack(packed))


class Joint:
    """A model's resampled scores and another's, with the pairs of each scope and their weights."""

    def __init__(
        self, own: Mapping[Pair, Scores], other: Mapping[Pair, Scores],
        scored: Mapping[str, Mapping[Pair, float]], shared: Mapping[str, Mapping[Pair, float]],
    ) -> None:  # fmt: skip
        """Take resampled scores by pair, and by scope the pairs scored and those that the other has too."""
        self._own, self._other, self._scored, self._shared = own, other, scored, shared

    @classmethod
    def read(cls, connection: Connection, part: Slice, model_id: int, other_id: int, micro: bool = False) -> Self:
        """Read the statistics of a slice and resample them."""
        kind = metric_class(part.metric)
        own = statistics_of(connection, part, model_id) if kind else {}
        if kind is None or not own:
            return cls({}, {}, {}, {})
        other = statistics_of(connection, part.faced, other_id) if part.facing or model_id != other_id else {}
        return cls(
            {pair: resampled(kind, pair, packed) for pair, packed in own.items()},
            {pair: resampled(kind, pair, packed) for pair, packed in other.items() if pair in own},
            *weights_by_scope(connection, part, model_id, other_id, micro),
        )

    def mean(self, scope: str) -> Scores | None:
        """The mean over a scope's pairs in each resample; None where one of them has no statistics."""
        return mean_resampled(self._own, self._scored.get(scope, {}))

    def gain(self, scope: str) -> Scores | None:
        """The mean difference to the other in each resample, over the pairs both have."""
        pairs = self._shared.get(scope, {})
        return _minus(mean_resampled(self._own, pairs), mean_resampled(self._other, pairs))

    def gap(self, better: str, worse: str) -> Scores | None:
        """The difference of the means over two scopes in each resample."""
        return _minus(self.mean(better), self.mean(worse))


def mean_resampled(values: Mapping[Pair, Scores], weights: Mapping[Pair, float]) -> Scores | None:
    """The weighted mean over some pairs in each resample; None where there are none, or one was not resampled."""
    if not weights or not all(pair in values for pair in weights):
        return None
    stacked = np.stack([values[pair] for pair in weights]).astype(np.float64)
    mean: Scores = np.average(stacked, axis=0, weights=list(weights.values()))
    return mean


def _minus(left: Scores | None, right: Scores | None) -> Scores | None:
    return None if left is None or right is None else left - right
