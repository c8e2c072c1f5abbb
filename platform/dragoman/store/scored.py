"""The cells of one model with their scores, as SQL, and their sums by partition."""

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, literal, select
from sqlalchemy.orm import aliased

from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.schema import (
    PARTITIONS,
    CellRow,
    GridPairRow,
    PairRow,
    ScoreRow,
    SignatureRow,
    UnscorableRow,
)
from dragoman.store.slice import Slice

ALL, UNSEEN, UNKNOWN = "all", "unseen", "unknown"
"""Scopes besides the partitions: every pair; every pair but the seen ones; pairs of a model whose graph is unknown."""


def scored_cells(part: Slice, model_id: int) -> Select[*tuple[Any, ...]]:
    """Every planned pair of a slice under one model: its state, its score and the base's under the same signature."""
    base = aliased(ScoreRow)
    cell = and_(
        CellRow.model_id == model_id,
        CellRow.condition_id == GridPairRow.condition_id,
        CellRow.pair_id == GridPairRow.pair_id,
    )
    score = and_(
        ScoreRow.model_id == model_id,
        ScoreRow.condition_id == GridPairRow.condition_id,
        ScoreRow.metric_id == part.metric_id,
        ScoreRow.pair_id == GridPairRow.pair_id,
        ScoreRow.signature_id.in_(part.signatures),
    )
    base_score = and_(
        base.model_id == part.base_id,
        base.condition_id == ScoreRow.condition_id,
        base.metric_id == ScoreRow.metric_id,
        base.pair_id == ScoreRow.pair_id,
        base.signature_id == ScoreRow.signature_id,
    )
    unscorable = and_(
        UnscorableRow.model_id == model_id,
        UnscorableRow.condition_id == GridPairRow.condition_id,
        UnscorableRow.pair_id == GridPairRow.pair_id,
        UnscorableRow.metric_id == part.metric_id,
    )
    return (
        select(
            PairRow.source, PairRow.target, CellRow.partition_id, CellRow.state, CellRow.reason, CellRow.segments,
            ScoreRow.value, ScoreRow.low, ScoreRow.high, SignatureRow.text.label("signature"),
            base.value.label("base_value"), UnscorableRow.reason.label("unscorable"),
        )
        .select_from(GridPairRow)
        .join(CellRow, cell)
        .join(PairRow, PairRow.id == GridPairRow.pair_id)
        .outerjoin(ScoreRow, score)
        .outerjoin(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .outerjoin(base, base_score)
        .outerjoin(UnscorableRow, unscorable)
        .where(GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions))
    )  # fmt: skip


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
    """Pairs with a score of the base too."""
    both_weight: float = 0
    """Their weight."""
    both_total: float = 0
    """The model's weighted scores on them."""
    base_total: float = 0
    """The base's weighted scores on them."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Sums)))

    @property
    def mean(self) -> float | None:
        """Mean score."""
        return self.total / self.weight if self.weight else None

    @property
    def base_mean(self) -> float | None:
        """The base's mean on the pairs both have."""
        return self.base_total / self.both_weight if self.both_weight else None

    @property
    def gain(self) -> float | None:
        """Mean difference on the pairs both have."""
        return (self.both_total - self.base_total) / self.both_weight if self.both_weight else None


def sums_by_scope(connection: Connection, part: Slice, model_id: int, micro: bool = False) -> dict[str, Sums]:
    """Sums of the partitions that occur, then of `unseen` where there are such pairs, and of `all`."""
    cells = scored_cells(part, model_id).subquery().c
    weight = cells.segments if micro else literal(1)
    done = case((cells.value.is_not(None), weight))
    both = case((cells.base_value.is_not(None), weight))
    query = (
        select(
            cells.partition_id, func.count(), func.count(cells.value), func.sum(done), func.sum(done * cells.value),
            func.count(cells.base_value), func.sum(both), func.sum(both * cells.value),
            func.sum(both * cells.base_value),
        )
        .group_by(cells.partition_id)
        .order_by(cells.partition_id)
    )  # fmt: skip
    sums: defaultdict[str, Sums] = defaultdict(Sums)
    for partition_id, *values in connection.execute(query):
        found = Sums(*(value or 0 for value in values))
        for scope in scopes_of(PARTITIONS[partition_id]):
            sums[scope] += found
    order = [*Partition, UNKNOWN, UNSEEN, ALL]
    return {scope: sums[scope] for scope in order if scope in sums}


def weights_by_scope(
    connection: Connection, part: Slice, model_id: int, micro: bool = False
) -> tuple[dict[str, dict[Pair, float]], dict[str, dict[Pair, float]]]:
    """The scored pairs of each scope with their weights; and those of them that the base has a score for too."""
    cells = scored_cells(part, model_id).subquery().c
    query = select(cells.source, cells.target, cells.partition_id, cells.segments, cells.base_value)
    scored: defaultdict[str, dict[Pair, float]] = defaultdict(dict)
    shared: defaultdict[str, dict[Pair, float]] = defaultdict(dict)
    rows = connection.execute(query.where(cells.value.is_not(None)).order_by(cells.source, cells.target))
    for source, target, partition_id, segments, base_value in rows:
        for scope in scopes_of(PARTITIONS[partition_id]):
            scored[scope][Pair(source, target)] = weight = segments if micro else 1
            if base_value is not None:
                shared[scope][Pair(source, target)] = weight
    return scored, shared


def scopes_of(partition: Partition | None) -> list[str]:
    """The scopes that a pair of some partition is counted in."""
    if partition is None:
        return [UNKNOWN, ALL]
    return [partition, UNSEEN, ALL] if partition.is_unseen else [partition, ALL]
