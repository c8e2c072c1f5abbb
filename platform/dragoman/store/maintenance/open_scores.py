"""Scores of model metrics that a grid still lacks: its translated cells with neither a score nor a reason against."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import exists, select

from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.records import CellRecord
from dragoman.store.schema import CellRow, GridModelRow, GridPairRow, MetricRow, ScoreRow, UnscorableRow
from dragoman.store.store import Store


class OpenScore(NamedTuple):
    """A translated cell that a metric has still to score, with all that its actor needs."""

    cell: str
    """Id of the cell."""
    pair: Pair
    """The direction."""
    metric: str
    """Name of the metric in the store."""
    test: str
    """Blob of the test lines."""
    hypotheses: str
    """Blob of the translation."""


def open_scores(store: Store, grid: str, metrics: Sequence[str]) -> list[OpenScore]:
    """What metrics have still to score of a grid, cells of the same test lines together.

    A cell that has a score under any signature has been scored: an interrupted run goes on, and nothing is scored anew
    because a checkpoint has changed since.

    Args:
        store: the store.
        grid: name of the grid.
        metrics: names of metrics in the store.

    Raises:
        StoreError: there is no such grid.
    """
    settled = _settled(store, grid, metrics) if metrics else set()
    cells = sorted(store.cells.of_grid(grid), key=lambda cell: cell.test or "") if metrics else []
    found = [open_score(cell, metric) for metric in metrics for cell in cells if (cell.cell.id, metric) not in settled]
    return [each for each in found if each is not None]


def open_score(record: CellRecord, metric: str) -> OpenScore | None:
    """A cell as a metric scores it; None where it has no translation, or the store lacks the test lines."""
    if record.hypotheses is None or record.test is None:
        return None
    return OpenScore(record.cell.id, record.cell.pair, metric, record.test, record.hypotheses)


def _settled(store: Store, grid: str, metrics: Collection[str]) -> set[tuple[str, str]]:
    """Ids of cells and names of metrics that have come together: in a score, or in a reason why there is none."""
    found: set[tuple[str, str]] = set()
    with store.database.reading() as connection:
        number = grid_number(connection, grid)
        of_grid = (
            exists()
            .where(GridPairRow.grid_id == number, GridPairRow.condition_id == CellRow.condition_id)
            .where(GridPairRow.pair_id == CellRow.pair_id)
        )
        for row in (ScoreRow, UnscorableRow):
            query = (
                select(CellRow.identity, MetricRow.name)
                .join(GridModelRow, GridModelRow.model_id == CellRow.model_id)
                .join(
                    row,
                    (row.model_id == CellRow.model_id)
                    & (row.condition_id == CellRow.condition_id)
                    & (row.pair_id == CellRow.pair_id),
                )
                .join(MetricRow, MetricRow.id == row.metric_id)
                .where(GridModelRow.grid_id == number, MetricRow.name.in_(metrics), of_grid)
            )
            found.update((cell, metric) for cell, metric in connection.execute(query))
    return found
