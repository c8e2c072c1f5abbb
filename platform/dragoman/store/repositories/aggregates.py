"""Materialised aggregates, updated with the scores: sums by target language and by partition, counts by state."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from dragoman.cell import CellState
from dragoman.store.database.connection import insert, insert_of
from dragoman.store.database.ids import chunks
from dragoman.store.schema import (
    CellCountRow,
    CellRow,
    ConditionRow,
    GridModelRow,
    GridPairRow,
    MetricRow,
    PairRow,
    PartitionSumRow,
    ScoreRow,
    ScoreSumRow,
)

_KEY = [CellCountRow.model_id, CellCountRow.condition_id, CellCountRow.state]
# Made once, as in `cells`.
_CHANGING = (
    update(CellCountRow)
    .where(CellCountRow.model_id == bindparam("of_model"), CellCountRow.condition_id == bindparam("of_condition"))
    .where(CellCountRow.state == bindparam("of_state"))
    .values(cells=CellCountRow.cells + bindparam("count"))
)

TABLES: tuple[type[ScoreSumRow] | type[PartitionSumRow], ...] = (ScoreSumRow, PartitionSumRow)
"""The tables of sums, in the order in which they are written."""


class NewScore(NamedTuple):
    """A score of one cell that was not there before."""

    cell: tuple[int, int, int]
    """The cell's model, condition and pair."""
    partition_id: int
    """The cell's partition."""
    metric_id: int
    """The metric."""
    signature_id: int
    """The signature."""
    value: float
    """The score."""


class Summed(NamedTuple):
    """Some scores of one model, taken together."""

    grid_id: int
    """The grid."""
    metric_id: int
    """The metric."""
    condition_id: int
    """The condition."""
    model_id: int
    """The model."""
    signature_id: int
    """The signature."""
    target: str
    """The target language."""
    partition_id: int
    """The partition."""
    scores: int
    """How many scores there are."""
    total: float
    """Their sum."""


def add(connection: Connection, summed: Iterable[Summed]) -> None:
    """Add scores that were not there before to the sums."""
    found = list(summed)
    for table, place in zip(TABLES, ("target", "partition_id"), strict=True):
        sums: defaultdict[tuple[Any, ...], list[float]] = defaultdict(lambda: [0, 0.0])
        for each in found:
            entry = sums[(*each[:5], getattr(each, place))]
            entry[0] += each.scores
            entry[1] += each.total
        columns = (*Summed._fields[:5], place, "scores", "total")
        # Sorted: writers lock rows in the same order, so that there is no deadlock.
        rows = [dict(zip(columns, (*key, *sums[key]), strict=True)) for key in sorted(sums)]
        if rows:
            connection.execute(_adding(connection.dialect.name, table), rows)


def add_cells(connection: Connection, cells: Sequence[str], scores: Iterable[NewScore]) -> None:
    """Add new scores of cells to the sums of every grid the cells belong to.

    Args:
        connection: a writing transaction.
        cells: the ids of the cells.
        scores: each score of theirs that was added just now.
    """
    grids: defaultdict[tuple[int, int, int], list[tuple[int, str]]] = defaultdict(list)
    for chunk in chunks(sorted(cells)):
        for model_id, condition_id, pair_id, grid_id, target in connection.execute(_GRIDS, {"identities": chunk}):
            grids[model_id, condition_id, pair_id].append((grid_id, target))
    add(
        connection,
        (
            Summed(
                grid_id=grid_id,
                metric_id=each.metric_id,
                condition_id=each.cell[1],
                model_id=each.cell[0],
                signature_id=each.signature_id,
                target=target,
                partition_id=each.partition_id,
                scores=1,
                total=each.value,
            )
            for each in scores
            for grid_id, target in grids[each.cell]
        ),
    )


def recompute(connection: Connection, grid_id: int, model_id: int | None = None) -> None:
    """Sum a grid's scores anew, or those of one of its models; no other writer may run."""
    models = select(GridModelRow.model_id).where(GridModelRow.grid_id == grid_id)
    if model_id is not None:
        models = models.where(GridModelRow.model_id == model_id)
    for table in TABLES:
        stale = delete(table).where(table.grid_id == grid_id)
        connection.execute(stale if model_id is None else stale.where(table.model_id == model_id))
    conditions = select(GridPairRow.condition_id).where(GridPairRow.grid_id == grid_id).distinct()
    parts = (connection.execute(query).scalars().all() for query in (models, conditions, select(MetricRow.id)))
    # Part by part, each of which lies together, so that little is sorted.
    for model, condition, metric in product(*parts):
        wanted = {"grid": grid_id, "model": model, "condition": condition, "metric": metric}
        rows = connection.execute(_SUMMED, wanted)
        add(connection, (Summed(grid_id, metric, condition, model, *row) for row in rows))


def recompute_model(connection: Connection, model_id: int) -> None:
    """Sum a model's scores anew in every grid it belongs to; no other writer may run."""
    grids = select(GridModelRow.grid_id).where(GridModelRow.model_id == model_id)
    for grid_id in connection.execute(grids).scalars().all():
        recompute(connection, grid_id, model_id)


# Made once: to make a statement takes longer than to run it.
_GRIDS = (
    select(CellRow.model_id, CellRow.condition_id, CellRow.pair_id, GridModelRow.grid_id, PairRow.target)
    .join(GridModelRow, GridModelRow.model_id == CellRow.model_id)
    .join(
        GridPairRow,
        (GridPairRow.grid_id == GridModelRow.grid_id)
        & (GridPairRow.condition_id == CellRow.condition_id)
        & (GridPairRow.pair_id == CellRow.pair_id),
    )
    .join(PairRow, PairRow.id == CellRow.pair_id)
    .where(CellRow.identity.in_(bindparam("identities", expanding=True)))
)
_GROUP = (ScoreRow.signature_id, PairRow.target, ScoreRow.partition_id)
_SUMMED = (
    select(*_GROUP, func.count(), func.sum(ScoreRow.value))
    .join(GridPairRow, (GridPairRow.condition_id == ScoreRow.condition_id) & (GridPairRow.pair_id == ScoreRow.pair_id))
    .join(PairRow, PairRow.id == ScoreRow.pair_id)
    .where(ScoreRow.model_id == bindparam("model"), ScoreRow.condition_id == bindparam("condition"))
    .where(ScoreRow.metric_id == bindparam("metric"), GridPairRow.grid_id == bindparam("grid"))
    .group_by(*_GROUP)
)


@cache
def _adding(dialect: str, table: type[ScoreSumRow] | type[PartitionSumRow]) -> Any:
    statement = insert_of(dialect, table)
    counts = {"scores": table.scores + statement.excluded.scores, "total": table.total + statement.excluded.total}
    return statement.on_conflict_do_update(index_elements=table.__table__.primary_key, set_=counts)


def move(connection: Connection, changes: Mapping[tuple[int, int, CellState], int]) -> None:
    """Update the counts of cells that changed their state.

    It comes last in a transaction, so that writers who wait for each other's counts hold no other contended locks.

    Args:
        connection: a writing transaction.
        changes: how many cells more, or fewer, there are of a model, under a condition, in a state.
    """
    # Sorted: writers lock the rows in the same order.
    rows = [
        {"of_model": model_id, "of_condition": condition_id, "of_state": state.value, "count": count}
        for (model_id, condition_id, state), count in sorted(changes.items())
        if count
    ]
    for statement, of_these in (
        (_CHANGING, [row for row in rows if row["count"] < 0]),
        (_adding_cells(connection.dialect.name), [row for row in rows if row["count"] > 0]),
    ):
        if of_these:
            connection.execute(statement, of_these)


def recount(connection: Connection, models: Iterable[int]) -> None:
    """Count the cells of some models anew; no other writer may run."""
    for chunk in chunks(sorted(set(models))):
        connection.execute(delete(CellCountRow).where(CellCountRow.model_id.in_(chunk)))
        key = (CellRow.model_id, CellRow.condition_id, CellRow.state)
        counted = select(*key, func.count()).where(CellRow.model_id.in_(chunk)).group_by(*key)
        connection.execute(insert(connection, CellCountRow).from_select([*_KEY, CellCountRow.cells], counted))


def none_elsewhere(
    connection: Connection, grid_id: int, models: Collection[int], conditions: Collection[int], pairs: int
) -> bool:
    """Whether the counts show that models of a grid have no cell under some of its conditions outside the grid.

    Where a grid has one prompt, each of its models has every cell of it, so equal numbers are equal cells; of several
    prompts, a model may lack one (`grids.add`).

    Args:
        connection: a transaction.
        grid_id: the grid.
        models: some of its models.
        conditions: some of its conditions.
        pairs: how many pairs it has under them.
    """
    of_grid = exists().where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == ConditionRow.id)
    prompts = select(func.count(ConditionRow.prompt_id.distinct())).where(of_grid)
    cells = select(func.sum(CellCountRow.cells)).where(
        CellCountRow.model_id.in_(models), CellCountRow.condition_id.in_(conditions)
    )
    return connection.execute(prompts).scalar_one() == 1 and connection.execute(cells).scalar() == pairs * len(models)


@cache
def _adding_cells(dialect: str) -> Any:
    statement = insert_of(dialect, CellCountRow).values(
        model_id=bindparam("of_model"),
        condition_id=bindparam("of_condition"),
        state=bindparam("of_state"),
        cells=bindparam("count"),
    )
    total = CellCountRow.cells + statement.excluded.cells
    return statement.on_conflict_do_update(index_elements=_KEY, set_={"cells": total})
