"""The cells of one model with their scores beside another model's, and their sums by partition, in SQL."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, Connection, SQLColumnExpression, case, func, select
from sqlalchemy.orm import aliased

from dragoman.analysis.score_slice import Slice, cell_of_score, same_cell
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.schema import (
    PARTITIONS,
    CellRow,
    PairRow,
    PartitionSumRow,
    ScoreRow,
)

ALL, UNSEEN, UNKNOWN = "all", "unseen", "unknown"
"""Scopes besides the partitions: every pair; every pair but the seen ones; pairs of a model whose graph is unknown."""

SCOPES: tuple[str, ...] = (*Partition, UNKNOWN, UNSEEN, ALL)
"""Every scope, in the order of tables."""


@dataclass(frozen=True)
class Sums:
    """What means are made of, over some pairs; sums of disjoint sets of pairs add up."""

    pairs: int = 0
    """Planned pairs."""
    done: int = 0
    """Those with a score."""
    weight: float = 0
    """Their weight: their number, or that of their segments."""
    total: float = 0
    """Their weighted scores."""
    both: int = 0
    """Pairs with a score of the other model too."""
    both_weight: float = 0
    """Their weight."""
    both_total: float = 0
    """The model's weighted scores on them."""
    other_total: float = 0
    """The other's weighted scores on them."""
    above: int = 0
    """Pairs on which the model's score is the higher one."""
    below: int = 0
    """Pairs on which it is the lower one."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Sums)))

    @property
    def mean(self) -> float | None:
        """Mean score."""
        return self.total / self.weight if self.weight else None

    @property
    def both_mean(self) -> float | None:
        """Mean score on the pairs both have."""
        return self.both_total / self.both_weight if self.both_weight else None

    @property
    def other_mean(self) -> float | None:
        """The other's mean on the pairs both have."""
        return self.other_total / self.both_weight if self.both_weight else None

    @property
    def gain(self) -> float | None:
        """Mean difference to the other on the pairs both have."""
        return (self.both_total - self.other_total) / self.both_weight if self.both_weight else None


def sums_by_scope(
    connection: Connection, part: Slice, model_id: int, other_id: int | None = None, micro: bool = False
) -> dict[str, Sums]:
    """Sums of the partitions that occur, then of `unseen` where there are such pairs, and of `all`.

    Args:
        connection: a reading transaction.
        part: the slice.
        model_id: the model.
        other_id: the model it is compared with, if any.
        micro: weigh each pair by its segments.
    """
    found = _scored_by_partition(connection, part, model_id, other_id, micro)
    pairs = {partition_id: values[0] for partition_id, values in found.items()}
    if sum(pairs.values()) != part.pairs:
        planned = select(CellRow.partition_id, func.count().label("pairs"))
        planned = planned.where(CellRow.model_id == model_id, part.holds(CellRow)).group_by(CellRow.partition_id)
        pairs = {row.partition_id: row.pairs for row in connection.execute(planned)}
    sums: defaultdict[str, Sums] = defaultdict(Sums)
    for partition_id in sorted(pairs):
        for scope in scopes_of(PARTITIONS[partition_id]):
            sums[scope] += Sums(pairs[partition_id], *(value or 0 for value in found.get(partition_id, ())))
    return {scope: sums[scope] for scope in SCOPES if scope in sums}


def _scored_by_partition(
    connection: Connection, part: Slice, model_id: int, other_id: int | None, micro: bool
) -> dict[int, Sequence[Any]]:
    """The fields of `Sums` after the first, by number of the partition."""
    if other_id is None and not micro:
        return _summed_by_partition(connection, part, model_id)
    value, other = ScoreRow.value, aliased(ScoreRow)
    weight = CellRow.segments if micro else None

    def total(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
        return func.sum(column if weight is None else weight * column)

    def weighed(count: ColumnElement[Any], column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
        return count if weight is None else func.sum(case((column.is_not(None), weight)))

    own = [func.count(), weighed(func.count(), value), total(value)]
    both: list[ColumnElement[Any]] = []
    if other_id is not None:
        shared = case((other.value.is_not(None), value))
        both = [
            func.count(other.value),
            weighed(func.count(other.value), other.value),
            total(shared),
            total(other.value),
            func.count(case((value > other.value, 1))),
            func.count(case((value < other.value, 1))),
        ]
    query = select(ScoreRow.partition_id, *own, *both).where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
    if other_id is not None:
        query = query.outerjoin(other, same_cell(other, other_id, part.facing))
    if micro:
        query = query.join(CellRow, cell_of_score())
    return {row[0]: row[1:] for row in connection.execute(query.group_by(ScoreRow.partition_id))}


def _summed_by_partition(connection: Connection, part: Slice, model_id: int) -> dict[int, Sequence[Any]]:
    """The same of one model alone, from the sums that are kept."""
    done = func.sum(PartitionSumRow.scores)
    query = (
        select(PartitionSumRow.partition_id, done, done, func.sum(PartitionSumRow.total))
        .where(part.sums(model_id))
        .group_by(PartitionSumRow.partition_id)
    )  # fmt: skip
    return {row[0]: row[1:] for row in connection.execute(query)}


def weights_by_scope(
    connection: Connection, part: Slice, model_id: int, other_id: int, micro: bool = False
) -> tuple[dict[str, dict[Pair, float]], dict[str, dict[Pair, float]]]:
    """The scored pairs of each scope with their weights; and those of them that the other model has a score for too."""
    other = aliased(ScoreRow)
    query = (
        select(PairRow.source, PairRow.target, ScoreRow.partition_id, CellRow.segments, other.value)
        .join(PairRow, PairRow.id == ScoreRow.pair_id)
        .join(CellRow, cell_of_score())
        .outerjoin(other, same_cell(other, other_id, part.facing))
        .where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
        .order_by(PairRow.source, PairRow.target)
    )
    scored: defaultdict[str, dict[Pair, float]] = defaultdict(dict)
    shared: defaultdict[str, dict[Pair, float]] = defaultdict(dict)
    for source, target, partition_id, segments, other_value in connection.execute(query):
        for scope in scopes_of(PARTITIONS[partition_id]):
            scored[scope][Pair(source, target)] = weight = segments if micro and segments else 1
            if other_value is not None:
                shared[scope][Pair(source, target)] = weight
    return scored, shared


def scopes_of(partition: Partition | None) -> list[str]:
    """The scopes that a pair of some partition is counted in."""
    if partition is None:
        return [UNKNOWN, ALL]
    return [partition, UNSEEN, ALL] if partition.is_unseen else [partition, ALL]
