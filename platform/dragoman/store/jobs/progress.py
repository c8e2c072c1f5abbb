"""Progress of a grid: the number of cells in each state."""

from collections import defaultdict
from typing import Any

from sqlalchemy import Select, func, select

from dragoman.cell import CellState
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.grids import is_member
from dragoman.store.schema import CellCountRow, CellRow, GridModelRow, GridPairRow
from dragoman.store.store import Store


def progress(store: Store, grid: str) -> dict[str, dict[CellState, int]]:
    """The number of cells in each state that occurs, by the model's name in the grid, `base` first.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        grid_id = grid_number(connection, grid)
        of_models = select(GridModelRow.model_id).where(GridModelRow.grid_id == grid_id)
        of_pairs = select(GridPairRow.condition_id, func.count()).where(GridPairRow.grid_id == grid_id)
        models = connection.execute(of_models).scalars().all()
        pairs = {row[0]: row[1] for row in connection.execute(of_pairs.group_by(GridPairRow.condition_id))}
        whole = aggregates.none_elsewhere(connection, grid_id, models, pairs, sum(pairs.values()))
        query = _counted(grid_id, list(pairs)) if whole else _counting(grid_id)
        found: defaultdict[str, dict[CellState, int]] = defaultdict(dict)
        for name, state, count in connection.execute(query.order_by(GridModelRow.position)):
            found[name][CellState(state)] = count
        return dict(found)


def _counted(grid_id: int, conditions: list[int]) -> Select[*tuple[Any, ...]]:
    """The maintained counts, of all cells of the models."""
    return (
        select(GridModelRow.name, CellCountRow.state, func.sum(CellCountRow.cells))
        .join(CellCountRow, CellCountRow.model_id == GridModelRow.model_id)
        .where(GridModelRow.grid_id == grid_id, CellCountRow.condition_id.in_(conditions), CellCountRow.cells > 0)
        .group_by(GridModelRow.position, GridModelRow.name, CellCountRow.state)
    )


def _counting(grid_id: int) -> Select[*tuple[Any, ...]]:
    """The same, counted, where the models have cells outside the grid."""
    return (
        select(GridModelRow.name, CellRow.state, func.count())
        .select_from(GridModelRow)
        .join(GridPairRow, GridPairRow.grid_id == GridModelRow.grid_id)
        .join(CellRow, is_member())
        .where(GridModelRow.grid_id == grid_id)
        .group_by(GridModelRow.position, GridModelRow.name, CellRow.state)
    )
