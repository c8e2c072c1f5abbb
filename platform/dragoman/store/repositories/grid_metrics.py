"""The metrics of a grid: those of its specification, and others it was scored with since."""

from sqlalchemy import Connection, Exists, exists, select

from dragoman.errors import StoreError, nearest
from dragoman.spec.metric import written_metrics
from dragoman.store.repositories.grid_spec import spec_of
from dragoman.store.schema import (
    GridMetricRow,
    GridModelRow,
    MetricRow,
    PartitionSumRow,
    UnscorableRow,
)


def asked_metrics(connection: Connection, grid_id: int) -> list[str]:
    """The requested metrics of a grid, in its order.

    One that its spec does not name, that gave no score and only reasons why not, is left out: earlier versions added a
    metric before checking that it can run.
    """
    spec = spec_of(connection, grid_id)
    named = written_metrics(spec)
    refused = exists().where(
        UnscorableRow.metric_id == MetricRow.id,
        UnscorableRow.model_id.in_(select(GridModelRow.model_id).where(GridModelRow.grid_id == grid_id)),
    )
    asked = (
        select(MetricRow.name, (refused & ~_has_scores(grid_id)).label("refused"))
        .join(GridMetricRow, GridMetricRow.metric_id == MetricRow.id)
        .where(GridMetricRow.grid_id == grid_id)
        .order_by(GridMetricRow.position)
    )
    return [row.name for row in connection.execute(asked) if row.name in named or not row.refused]


def known_metrics(connection: Connection, grid_id: int) -> list[str]:
    """The requested metrics of a grid, then others it has scores of."""
    scored = connection.execute(select(MetricRow.name).where(_has_scores(grid_id)).order_by(MetricRow.name)).scalars()
    return list(dict.fromkeys([*asked_metrics(connection, grid_id), *scored]))


def require_metric(connection: Connection, grid: str, grid_id: int, metric: str) -> None:
    """Check that a grid has a metric.

    Raises:
        StoreError: it is neither requested nor scored.
    """
    known = known_metrics(connection, grid_id)
    if metric not in known:
        raise StoreError(
            f"Grid '{grid}' has no scores of '{metric}'; {nearest(metric, known)} "
            f"`dragoman score {grid} --metric METRIC` adds an installed metric to translations that are stored."
        )


def _has_scores(grid_id: int) -> Exists:
    # one index lookup for each metric: the sums of a large grid are hundreds of thousands
    return exists().where(PartitionSumRow.grid_id == grid_id, PartitionSumRow.metric_id == MetricRow.id)
