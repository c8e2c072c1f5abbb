"""Bootstrap intervals of means over pairs: all pairs are resampled jointly, from stored statistics.

In a multi-parallel test set the same segment is translated into every language, so the pairs of a grid are not
independent: pairs of the same number of segments are resampled by the same draws, and a mean over pairs is taken inside
each resample.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.aggregation import masks_by_scope
from dragoman.analysis.pair_scores import PairColumns
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import MOST_PAIRS, Stored, agrees, disagreement, has_too_many, statistics_of
from dragoman.metrics.base import Metric, Scores
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.resampling import interval, resampled_scores
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair

_KEPT = 4096
"""Cells whose resampled scores are kept: with a thousand resamples 8 KB each, 32 MB in all."""


class Bounds(NamedTuple):
    """A 95% percentile interval; None where it can't be computed."""

    low: float | None = None
    high: float | None = None


def bounds(values: Scores | None) -> Bounds:
    """The percentile interval of a resampled value."""
    return Bounds() if values is None else Bounds(*interval(values))


class _Resampled(NamedTuple):
    """The cached scores of a cell."""

    value: float
    """The score of all its segments."""
    scores: Scores
    """The scores of every resample."""


class _Packed:
    """Cache key of packed statistics: hashed by their digest, the bytes themselves dropped once they are read."""

    __slots__ = ("_bytes", "_digest")

    def __init__(self, packed: bytes) -> None:
        self._bytes: bytes | None = packed
        self._digest = blake2b(packed, digest_size=16).digest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Packed) and other._digest == self._digest

    def take(self) -> bytes:
        """Return the bytes and drop them; called once."""
        taken, self._bytes = self._bytes, None
        return taken or b""


@lru_cache(maxsize=_KEPT)
def _resampled(kind: type[Metric], pair: Pair, packed: _Packed) -> _Resampled:
    metric, rows = kind(pair), unpack(packed.take())
    return _Resampled(float(metric.aggregate(rows.sum(axis=0))), resampled_scores(metric, rows))


def resampled(kind: type[Metric], pair: Pair, packed: bytes) -> Scores:
    """The scores of a cell in every resample; cached, as several tables read the same cells."""
    return _resampled(kind, pair, _Packed(packed)).scores


class _SystemSamples(NamedTuple):
    """One model's resampled scores."""

    values: dict[Pair, Scores]
    """The scores in each resample."""
    odd: set[Pair]
    """Pairs whose statistics don't give their scores."""

    @classmethod
    def of(cls, kind: type[Metric], stored: Mapping[Pair, Stored | None]) -> Self:
        values, odd = {}, set()
        for pair, score in stored.items():
            if score is not None and score.packed is not None:
                found = _resampled(kind, pair, _Packed(score.packed))
                if agrees(found.value, score.value):
                    values[pair] = found.scores
                else:
                    odd.add(pair)
        return cls(values, odd)


class Joint:
    """A model's resampled scores and another's, with the pairs of each scope and their weights."""

    def __init__(
        self,
        metric: str,
        own: _SystemSamples,
        other: _SystemSamples | None,
        scored: Mapping[str, Mapping[Pair, float]],
        shared: Mapping[str, Mapping[Pair, float]],
        reason: str | None = None,
    ) -> None:
        """Take resampled scores by pair, by scope the pairs scored and those that the other has too, or why none is."""
        self._metric, self._own, self._other, self._scored, self._shared = metric, own, other, scored, shared
        self._reason = reason

    @classmethod
    def read(
        cls,
        connection: Connection,
        part: Slice,
        columns: PairColumns,
        *,
        model_id: int,
        other_id: int,
        micro: bool = False,
    ) -> Self:
        """Read the statistics of the scores that columns hold and resample them.

        Args:
            connection: a reading transaction.
            part: the slice.
            columns: the model's pairs in it, beside the other's scores.
            model_id: number of the model.
            other_id: number of the other; its own where a model is compared with none.
            micro: weigh each pair by its segments.
        """
        kind = metric_class(part.metric)
        if kind is None or has_too_many(connection, part, model_id):
            reason = (
                f"No intervals: the metric {part.metric} is not installed here."
                if kind is None
                else f"No intervals: more than {MOST_PAIRS:,} pairs are not resampled."
            )
            return cls(part.metric, _SystemSamples({}, set()), None, {}, {}, reason)
        stored = statistics_of(connection, part, model_id, other_id)
        is_other = bool(part.facing) or model_id != other_id
        return cls(
            part.metric,
            _SystemSamples.of(kind, {pair: beside.own for pair, beside in stored.items()}),
            _SystemSamples.of(kind, {pair: beside.other for pair, beside in stored.items()}) if is_other else None,
            *_weights(columns, micro),
        )

    def mean(self, scope: str) -> Scores | None:
        """The mean over a scope's pairs in each resample; None where one of them has no statistics."""
        return mean_resampled(self._own.values, self._scored.get(scope, {}))

    def gain(self, scope: str) -> Scores | None:
        """The mean difference to the other in each resample, over the pairs both have."""
        if self._other is None:
            return None
        pairs = self._shared.get(scope, {})
        return _minus(mean_resampled(self._own.values, pairs), mean_resampled(self._other.values, pairs))

    def gap(self, better: str, worse: str) -> Scores | None:
        """The difference of the means over two scopes in each resample."""
        return _minus(self.mean(better), self.mean(worse))

    def lack(self, scope: str) -> str | None:
        """Why the mean over a scope, or the gain, has no interval, as a sentence; None where both have one."""
        if self._reason is not None:
            return self._reason
        sides = [(self._own, self._scored.get(scope, {}))]
        sides += [(self._other, self._shared.get(scope, {}))] if self._other else []
        odd = {pair for side, pairs in sides for pair in side.odd & pairs.keys()}
        if odd:
            return f"No interval: {disagreement(self._metric, odd)}."
        if any(pairs.keys() - side.values.keys() for side, pairs in sides):
            return "No interval where a pair has no statistics stored."
        return None


def _weights(columns: PairColumns, micro: bool) -> tuple[dict[str, dict[Pair, float]], dict[str, dict[Pair, float]]]:
    """The scored pairs of each scope with their weights; and those of them that the other has a score for too."""
    pairs, weights = columns.pairs, columns.weights(micro).tolist()
    masks = masks_by_scope(columns.partitions)

    def weighed(values: Scores) -> dict[str, dict[Pair, float]]:
        known = ~np.isnan(values)
        return {
            scope: {pairs[place]: weights[place] for place in np.flatnonzero(held & known).tolist()}
            for scope, held in masks.items()
        }

    return weighed(columns.own.values), weighed(columns.gains)


def mean_resampled(values: Mapping[Pair, Scores], weights: Mapping[Pair, float]) -> Scores | None:
    """The weighted mean over some pairs in each resample; None where there are none, or one was not resampled."""
    if not weights or not all(pair in values for pair in weights):
        return None
    stacked = np.stack([values[pair] for pair in weights]).astype(np.float64)
    mean: Scores = np.average(stacked, axis=0, weights=list(weights.values()))
    return mean


def _minus(left: Scores | None, right: Scores | None) -> Scores | None:
    return None if left is None or right is None else left - right
