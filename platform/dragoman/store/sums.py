"""The sums that are read most (`score_sum`), kept in step with the scores."""

from functools import cache
from itertools import product
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select

from dragoman.store.database import insert, insert_of
from dragoman.store.schema import GridModelRow, GridPairRow, MetricRow, PairRow, ScoreRow, ScoreSumRow

_KEY = [
    ScoreSumRow.grid_id,
    ScoreSumRow.metric_id,
    ScoreSumRow.condition_id,
    ScoreSumRow.model_id,
    ScoreSumRow.signature_id,
    ScoreSumRow.target,
    ScoreSumRow.partition_id,
]
_COLUMNS = [*_KEY, ScoreSumRow.scores, ScoreSumRow.total]


def add_cell(connection: Connection, cell: tuple[int, int, int], signatures: list[int]) -> None:
    """Count new scores of one cell in every grid the cell belongs to.

    Args:
        connection: a writing transaction.
        cell: its model, condition and pair.
        signatures: the signatures under which it was scored just now.
    """
    key = {"model": cell[0], "condition": cell[1], "pair": cell[2]}
    connection.execute(_adding(connection.dialect.name), key | {"signatures": signatures})


@cache
def _adding(dialect: str) -> Any:
    """The statement, made once: to make it takes longer than to run it."""
    query = _summed().where(
        ScoreRow.model_id == bindparam("model"),
        ScoreRow.condition_id == bindparam("condition"),
        ScoreRow.pair_id == bindparam("pair"),
        ScoreRow.signature_id.in_(bindparam("signatures", expanding=True)),
    )
    statement = insert_of(dialect, ScoreSumRow).from_select(_COLUMNS, query)
    counts = {
        "scores": ScoreSumRow.scores + statement.excluded.scores,
        "total": ScoreSumRow.total + statement.excluded.total,
    }
    return statement.on_conflict_do_update(index_elements=_KEY, set_=counts)


def recompute(connection: Connection, grid_id: int, model_id: int | None = None) -> None:
    """Sum a grid's scores anew, or those of one of its models; no other writer may run."""
    stale = delete(ScoreSumRow).where(ScoreSumRow.grid_id == grid_id)
    models = select(GridModelRow.model_id).where(GridModelRow.grid_id == grid_id)
    if model_id is not None:
        stale = stale.where(ScoreSumRow.model_id == model_id)
        models = models.where(GridModelRow.model_id == model_id)
    connection.execute(stale)
    conditions = select(GridPairRow.condition_id).where(GridPairRow.grid_id == grid_id).distinct()
    parts = (connection.execute(query).scalars().all() for query in (models, conditions, select(MetricRow.id)))
    # Part by part, each of which lies together, so that what is sorted is small.
    for model, condition, metric in product(*parts):
        one_part = (ScoreRow.model_id == model, ScoreRow.condition_id == condition, ScoreRow.metric_id == metric)
        query = _summed().where(GridModelRow.grid_id == grid_id, *one_part)
        connection.execute(insert(connection, ScoreSumRow).from_select(_COLUMNS, query))


def recompute_model(connection: Connection, model_id: int) -> None:
    """Sum a model's scores anew in every grid it belongs to; no other writer may run."""
    grids = select(GridModelRow.grid_id).where(GridModelRow.model_id == model_id)
    for grid_id in connection.execute(grids).scalars().all():
        recompute(connection, grid_id, model_id)


def _summed() -> Select[int, int, int, int, int, str, int, int, float]:
    key = (
        GridModelRow.grid_id,
        ScoreRow.metric_id,
        ScoreRow.condition_id,
        ScoreRow.model_id,
        ScoreRow.signature_id,
        PairRow.target,
        ScoreRow.partition_id,
    )
    return (
        select(*key, func.count(), func.sum(ScoreRow.value))
        .join(GridModelRow, GridModelRow.model_id == ScoreRow.model_id)
        .join(
            GridPairRow,
            (GridPairRow.grid_id == GridModelRow.grid_id)
            & (GridPairRow.condition_id == ScoreRow.condition_id)
            & (GridPairRow.pair_id == ScoreRow.pair_id),
        )
        .join(PairRow, PairRow.id == ScoreRow.pair_id)
        .group_by(*key)
        .order_by(*key)  # writers lock rows in the same order, so that none waits for another in a circle
    )
