"""Means over pairs by scope: one implementation for tables, gaps, comparisons, seeds, gates and pages."""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import Numbers, PairColumns
from dragoman.partition import Partition
from dragoman.store.schema import PARTITIONS

ALL, UNSEEN, UNKNOWN = "all", "unseen", "unknown"
"""Scopes besides the partitions: every pair; every pair but the seen ones; pairs of a model whose graph is unknown."""

SCOPES: tuple[str, ...] = (*Partition, UNKNOWN, UNSEEN, ALL)
"""Every scope, in the order of tables."""

Mask = NDArray[np.bool_]
"""Boolean mask over the pairs of some columns."""


class ScopeMeans(NamedTuple):
    """Counts and means over the pairs of one scope."""

    pairs: int = 0
    """Planned pairs."""
    done: int = 0
    """Those with a score."""
    mean: float | None = None
    """Mean score of them."""
    both: int = 0
    """Pairs with a score of the other model too."""
    both_mean: float | None = None
    """The model's mean on them."""
    other_mean: float | None = None
    """The other's mean on them."""
    gain: float | None = None
    """Mean difference to the other on them."""
    above: int = 0
    """Pairs on which the model's score is the higher one."""
    below: int = 0
    """Pairs on which it is the lower one."""


def means_by_scope(columns: PairColumns, *, micro: bool = False, chosen: Mask | None = None) -> dict[str, ScopeMeans]:
    """Means over the partitions that occur, then over `unknown`, `unseen` and `all` where there are such pairs.

    Args:
        columns: every planned pair of a model, beside another's scores or none.
        micro: weigh each pair by its segments; by default all pairs count alike.
        chosen: only these pairs; all by default.
    """
    weights = columns.weights(micro)
    return {
        scope: _means(columns, weights, held)
        for scope, held in masks_by_scope(columns.partitions, chosen=chosen).items()
    }


def masks_by_scope(partitions: NDArray[np.int8], *, chosen: Mask | None = None) -> dict[str, Mask]:
    """Boolean mask of the pairs of each scope that occurs, in the order of tables.

    Args:
        partitions: the partition of each pair, by its number in the store.
        chosen: only these pairs; all by default.
    """
    chosen = np.ones(len(partitions), np.bool_) if chosen is None else chosen
    masks: dict[str, Mask] = {}
    for number in np.unique(partitions[chosen]).tolist():
        for scope in scopes_of(PARTITIONS[number]):
            masks[scope] = masks.get(scope, np.zeros(len(partitions), np.bool_)) | ((partitions == number) & chosen)
    return {scope: masks[scope] for scope in SCOPES if scope in masks}


def mean(values: Iterable[float], weights: Iterable[float] | None = None) -> float | None:
    """The weighted mean of some numbers, from sums that are rounded once; None where there are none, or no weight."""
    values = list(values)
    weights = [1.0] * len(values) if weights is None else list(weights)
    total = math.fsum(weights)
    return math.fsum(map(float.__mul__, values, weights)) / total if total else None


def scopes_of(partition: Partition | None) -> list[str]:
    """The scopes that a pair of some partition is counted in."""
    if partition is None:
        return [UNKNOWN, ALL]
    return [partition, UNSEEN, ALL] if partition.is_unseen else [partition, ALL]


def _means(columns: PairColumns, weights: Numbers, held: Mask) -> ScopeMeans:
    own, other, gains = columns.own.values, columns.other.values, columns.gains
    done, both = held & ~np.isnan(own), held & ~np.isnan(gains)

    def over(values: Numbers, pairs: Mask) -> float | None:
        return mean(values[pairs].tolist(), weights[pairs].tolist())

    return ScopeMeans(
        pairs=int(held.sum()),
        done=int(done.sum()),
        mean=over(own, done),
        both=int(both.sum()),
        both_mean=over(own, both),
        other_mean=over(other, both),
        gain=over(gains, both),
        above=int((gains[both] > 0).sum()),
        below=int((gains[both] < 0).sum()),
    )
