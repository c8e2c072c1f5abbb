"""Bootstrap intervals of one model's means over pairs: all pairs are resampled jointly, from stored statistics.

In a multi-parallel test set the same sentence is translated into every language, so the pairs of a grid are not
independent: pairs that share sentences are resampled by the same draws of them, and a mean over pairs is taken inside
each resample.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.aggregation import masks_by_scope
from dragoman.analysis.languages import over_languages
from dragoman.analysis.pair_scores import PairColumns
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import MOST_PAIRS, agrees, disagreement, has_too_many, statistics_of
from dragoman.analysis.units import Units, units_of
from dragoman.metrics.base import Metric, Scores
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.replicates import Lines
from dragoman.metrics.resampling import expanded_interval, resampled_scores
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.store.blobs import BlobStore

TOO_MANY = f"No intervals: more than {MOST_PAIRS:,} pairs are not resampled."
"""Why the means of a large grid have none."""

_KEPT = 4096
"""Cells whose resampled scores are kept: with a thousand resamples 8 KB each, 32 MB in all."""


class Bounds(NamedTuple):
    """A 95% percentile interval; None where it can't be computed."""

    low: float | None = None
    high: float | None = None


class _Drawn(NamedTuple):
    """How the lines of a pair are drawn."""

    block: int
    """Number of the block of pairs that are drawn together."""
    units: int | None = None
    """Units of the block; None where each line of the pair is one."""
    lines: bytes = b""
    """The unit of each line."""


class _Resampled(NamedTuple):
    """The cached scores of a cell."""

    value: float
    """The score of all its segments."""
    units: int
    """Units that are drawn."""
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
def _resampled(kind: type[Metric], pair: Pair, packed: _Packed, drawn: _Drawn) -> _Resampled:
    metric, rows = kind(pair), unpack(packed.take())
    value = float(metric.aggregate(rows.sum(axis=0)))
    lines = None if drawn.units is None else Lines(drawn.units, np.frombuffer(drawn.lines, np.intp))
    if lines is not None and len(lines.of) != len(rows):
        lines = None
    scores = resampled_scores(metric, rows, lines=lines, block=drawn.block)
    return _Resampled(value, lines.units if lines else len(rows), scores)


class Joint:
    """A model's resampled scores, with the pairs of each scope and their weights."""

    def __init__(
        self, metric: str, drawn: Mapping[Pair, _Drawn], scored: Mapping[str, Mapping[Pair, float]], reason: str | None
    ) -> None:
        """Take how pairs are drawn and by scope the pairs scored with their weights, or why there are no intervals."""
        self._metric, self._drawn, self._scored, self._reason = metric, drawn, scored, reason
        self._values: dict[Pair, _Resampled] = {}
        self._odd: set[Pair] = set()

    @classmethod
    def read(
        cls,
        connection: Connection,
        part: Slice,
        columns: PairColumns,
        *,
        model_id: int,
        micro: bool = False,
        blobs: BlobStore | None = None,
        only: Collection[Pair] | None = None,
    ) -> Self:
        """Read the statistics of the scores that columns hold and resample them.

        Args:
            connection: a reading transaction.
            part: the slice.
            columns: the model's pairs in it.
            model_id: number of the model.
            micro: weigh each pair by its segments.
            blobs: the store's blobs, for the sentences of stores that keep no identities of test lines.
            only: these pairs; all by default. Models that are read for the same pairs have the same draws.
        """
        kind = metric_class(part.metric)
        if kind is None:
            return cls(part.metric, {}, {}, f"No intervals: the metric {part.metric} is not installed here.")
        if has_too_many(connection, part, model_id):
            return cls(part.metric, {}, {}, TOO_MANY)
        stored = {
            pair: found.own
            for pair, found in statistics_of(connection, part, model_id, model_id).items()
            if found.own.packed is not None and (only is None or pair in only)
        }
        drawn = _drawn(units_of(connection, part, stored, blobs=blobs), stored)
        joint = cls(part.metric, drawn, _weights(columns, micro), None)
        for pair, score in stored.items():
            found = _resampled(kind, pair, _Packed(score.packed or b""), drawn[pair])
            if agrees(found.value, score.value):
                joint._values[pair] = found
            else:
                joint._odd.add(pair)
        return joint

    def bounds(self, scope: str) -> Bounds:
        """The interval of the mean over a scope's pairs; none where one of them has no statistics."""
        return self._bounds(self._mean(scope), scope)

    def gap(self, better: str, worse: str) -> Bounds:
        """The interval of the difference of the means over two scopes."""
        over, under = self._mean(better), self._mean(worse)
        return self._bounds(None if over is None or under is None else over - under, better, worse)

    def resampled(self, weights: Mapping[Pair, float]) -> Scores | None:
        """The weighted mean over some pairs in each resample; None where one has no statistics."""
        return mean_resampled({pair: found.scores for pair, found in self._values.items()}, weights)

    def units(self, pairs: Collection[Pair]) -> int:
        """How many units are drawn for some pairs."""
        return sum({self._drawn[pair].block: self._values[pair].units for pair in pairs}.values())

    def over_languages(self, scope: str) -> Bounds:
        """The interval of the mean over a scope's pairs with other languages and other sentences; see there."""
        values, weights = self._mean(scope), self._scored.get(scope, {})
        if values is None:
            return Bounds()
        units = self.units(weights)
        sentences = float(np.nanvar(values)) * units / max(units - 1, 1)
        own = {pair: self._values[pair].value for pair in weights}
        found = over_languages(own, weights, sentences=sentences, units=units)
        return Bounds(found.low, found.high) if found else Bounds()

    def contrast(self, shares: Mapping[Pair, float]) -> Bounds:
        """The interval of a sum of pairs' scores, each times its share; none where one has no statistics."""
        if not shares or not all(pair in self._values for pair in shares):
            return Bounds()
        drawn = np.stack([self._values[pair].scores for pair in shares]).astype(np.float64)
        # a pair of which a resample holds no line keeps its own score there
        own = np.array([self._values[pair].value for pair in shares])[:, None]
        values = np.array(list(shares.values())) @ np.where(np.isnan(drawn), own, drawn)
        return Bounds(*expanded_interval(values, self.units(shares)))

    def _mean(self, scope: str) -> Scores | None:
        return self.resampled(self._scored.get(scope, {}))

    def _bounds(self, values: Scores | None, *scopes: str) -> Bounds:
        if values is None:
            return Bounds()
        return Bounds(*expanded_interval(values, self.units([p for scope in scopes for p in self._scored[scope]])))

    def lack(self, scope: str) -> str | None:
        """Why the mean over a scope has no interval, as a sentence; None where it has one."""
        pairs = self._scored.get(scope, {})
        if self._reason is not None:
            return self._reason
        if odd := self._odd & pairs.keys():
            return f"No interval: {disagreement(self._metric, odd)}."
        if pairs.keys() - self._values.keys():
            return "No interval where a pair has no statistics stored."
        return None


def _drawn(units: Units, pairs: Collection[Pair]) -> dict[Pair, _Drawn]:
    """How the lines of each pair are drawn; those of which nothing is known are drawn apart."""
    found = {
        pair: _Drawn(number, block.units, lines.astype(np.intp).tobytes())
        for number, block in enumerate(units.blocks)
        for pair, lines in block.lines.items()
    }
    apart = sorted(pair for pair in pairs if pair not in found)
    return found | {pair: _Drawn(len(units.blocks) + place) for place, pair in enumerate(apart)}


def _weights(columns: PairColumns, micro: bool) -> dict[str, dict[Pair, float]]:
    """The scored pairs of each scope with their weights."""
    pairs, weights = columns.pairs, columns.weights(micro).tolist()
    known = ~np.isnan(columns.own.values)
    return {
        scope: {pairs[place]: weights[place] for place in np.flatnonzero(held & known).tolist()}
        for scope, held in masks_by_scope(columns.partitions).items()
    }


def mean_resampled(values: Mapping[Pair, Scores], weights: Mapping[Pair, float]) -> Scores | None:
    """The weighted mean over some pairs in each resample; None where there are none, or one was not resampled.

    A pair of which a resample holds no line is left out of that resample's mean.
    """
    if not weights or not all(pair in values for pair in weights):
        return None
    stacked = np.stack([values[pair] for pair in weights]).astype(np.float64)
    shares, held = np.array(list(weights.values())), ~np.isnan(stacked)
    mean: Scores
    if held.all():
        mean = np.average(stacked, axis=0, weights=shares)
    else:
        with np.errstate(invalid="ignore"):
            mean = (shares @ np.where(held, stacked, 0)) / (shares @ held)
    return mean
