"""The scores of a grid's cells, and the metrics that can't score one, by the identity of the cell."""

from collections import defaultdict
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, exists, select

from dragoman.store.database.connection import fetched
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grids import is_member
from dragoman.store.schema import (
    CellRow,
    GridModelRow,
    GridPairRow,
    MetricRow,
    ScoreRow,
    SignatureRow,
    UnscorableRow,
)
from dragoman.store.store import Store


class StoredNumber(NamedTuple):
    """A score without its statistics."""

    metric: str
    """The metric."""
    signature: str
    """Everything it depends on besides the text."""
    value: float
    """The score."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""


def scores(store: Store, grid: str) -> dict[str, list[StoredNumber]]:
    """The scores of each cell, sorted by metric and signature.

    Raises:
        StoreError: there is no such grid.
    """
    columns = (CellRow.identity, MetricRow.name, SignatureRow.text, ScoreRow.value, ScoreRow.low, ScoreRow.high)
    with store.database.reading() as connection:
        query = (
            select(*columns)
            .select_from(CellRow)
            .join(ScoreRow, _of_cell(ScoreRow))
            .join(MetricRow, MetricRow.id == ScoreRow.metric_id)
            .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        )
        rows = fetched(connection, _in_grid(query, grid_number(connection, grid)))
    found: defaultdict[str, list[StoredNumber]] = defaultdict(list)
    for cell, *number in sorted(rows, key=lambda row: row[:3]):
        found[cell].append(StoredNumber(*number))
    return dict(found)


def unscorable(store: Store, grid: str) -> dict[str, tuple[str, ...]]:
    """The metrics that can't score a cell, sorted; errors as for `scores`."""
    with store.database.reading() as connection:
        query = (
            select(CellRow.identity, MetricRow.name)
            .select_from(CellRow)
            .join(UnscorableRow, _of_cell(UnscorableRow))
            .join(MetricRow, MetricRow.id == UnscorableRow.metric_id)
        )
        rows = fetched(connection, _in_grid(query, grid_number(connection, grid)))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for cell, metric in sorted(rows):
        found[cell].append(metric)
    return {cell: tuple(metrics) for cell, metrics in found.items()}


def _of_cell(row: type[ScoreRow | UnscorableRow]) -> ColumnElement[bool]:
    same = (row.model_id == CellRow.model_id, row.condition_id == CellRow.condition_id)
    return same[0] & same[1] & (row.pair_id == CellRow.pair_id)


def _in_grid(query: Select[*tuple[Any, ...]], grid_id: int) -> Select[*tuple[Any, ...]]:
    return query.where(exists().where(GridModelRow.grid_id == grid_id, GridPairRow.grid_id == grid_id, is_member()))
