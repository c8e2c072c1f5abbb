"""How far a grid has come."""

from collections import defaultdict

from sqlalchemy import func, select

from dragoman.cell import CellState
from dragoman.store.keys import grid_number
from dragoman.store.schema import CellRow, GridModelRow, GridPairRow
from dragoman.store.store import Store


def progress(store: Store, grid: str) -> dict[str, dict[CellState, int]]:
    """The number of cells in each state that occurs, by the model's name in the grid, `base` first.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        query = (
            select(GridModelRow.name, CellRow.state, func.count())
            .select_from(GridModelRow)
            .join(GridPairRow, GridPairRow.grid_id == GridModelRow.grid_id)
            .join(
                CellRow,
                (CellRow.model_id == GridModelRow.model_id)
                & (CellRow.condition_id == GridPairRow.condition_id)
                & (CellRow.pair_id == GridPairRow.pair_id),
            )
            .where(GridModelRow.grid_id == grid_number(connection, grid))
            .group_by(GridModelRow.position, GridModelRow.name, CellRow.state)
            .order_by(GridModelRow.position)
        )
        counts: defaultdict[str, dict[CellState, int]] = defaultdict(dict)
        for name, state, count in connection.execute(query):
            counts[name][CellState(state)] = count
        return dict(counts)
