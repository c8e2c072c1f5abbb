"""The sums that are read most, kept in step with the scores: by target language and by partition."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, select

from dragoman.store.database.connection import insert_of
from dragoman.store.schema import GridModelRow, GridPairRow, MetricRow, PairRow, PartitionSumRow, ScoreRow, ScoreSumRow

TABLES: tuple[type[ScoreSumRow] | type[PartitionSumRow], ...] = (ScoreSumRow, PartitionSumRow)
"""The tables of sums, in the order in which they are written."""


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
        # Sorted: writers lock rows in the same order, so that none waits for another in a circle.
        rows = [dict(zip(columns, (*key, *sums[key]), strict=True)) for key in sorted(sums)]
        if rows:
            connection.execute(_adding(connection.dialect.name, table), rows)


def add_cell(
    connection: Connection, cell: tuple[int, int, int], partition_id: int, scores: Sequence[tuple[int, int, float]]
) -> None:
    """Count new scores of one cell in every grid the cell belongs to.

    Args:
        connection: a writing transaction.
        cell: its model, condition and pair.
        partition_id: its partition.
        scores: metric, signature and value of each score that was added just now.
    """
    model_id, condition_id, pair_id = cell
    grids = connection.execute(_GRIDS, {"model": model_id, "condition": condition_id, "pair": pair_id}).all()
    add(
        connection,
        (
            Summed(grid_id, metric_id, condition_id, model_id, signature_id, target, partition_id, 1, value)
            for grid_id, target in grids
            for metric_id, signature_id, value in scores
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
    select(GridModelRow.grid_id, PairRow.target)
    .join(GridPairRow, GridPairRow.grid_id == GridModelRow.grid_id)
    .join(PairRow, PairRow.id == GridPairRow.pair_id)
    .where(GridModelRow.model_id == bindparam("model"), GridPairRow.condition_id == bindparam("condition"))
    .where(GridPairRow.pair_id == bindparam("pair"))
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
