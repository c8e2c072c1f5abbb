"""How many cells of each model are in each state (`cell_count`), kept in step with the cells."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from dragoman.cell import CellState
from dragoman.store.database.connection import insert, insert_of
from dragoman.store.database.ids import chunks
from dragoman.store.schema import CellCountRow, CellRow, ConditionRow, GridPairRow

_KEY = [CellCountRow.model_id, CellCountRow.condition_id, CellCountRow.state]


def move(connection: Connection, cells: Mapping[tuple[int, int], int], before: CellState, after: CellState) -> None:
    """Some cells were in one state and are in another now.

    It comes last in a transaction, so that writers who wait for each other's counts hold nothing else that is wanted.

    Args:
        connection: a writing transaction.
        cells: how many they are, by model and condition.
        before: the state they were in.
        after: the state they are in.
    """
    if before is after:
        return
    adding = _adding_cells(connection.dialect.name)
    steps = [
        (model_id, condition_id, state.value, statement, count)
        for (model_id, condition_id), count in cells.items()
        for state, statement in ((before, _TAKING), (after, adding))
    ]
    # Sorted: writers lock the rows in the same order.
    for model_id, condition_id, state, statement, count in sorted(steps, key=lambda step: step[:3]):
        row = {"of_model": model_id, "of_condition": condition_id, "of_state": state, "count": count}
        connection.execute(statement, row)


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
    """Whether models of a grid are known to have no cell under some of its conditions but those of the grid.

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
    return (
        connection.execute(prompts).scalar_one() == 1
        and connection.execute(cells).scalar() == pairs * len(models)
    )  # fmt: skip


# Made once, as in `cells`.
_TAKING = (
    update(CellCountRow)
    .where(CellCountRow.model_id == bindparam("of_model"), CellCountRow.condition_id == bindparam("of_condition"))
    .where(CellCountRow.state == bindparam("of_state"))
    .values(cells=CellCountRow.cells - bindparam("count"))
)


@cache
def _adding_cells(dialect: str) -> Any:
    statement = insert_of(dialect, CellCountRow).values(
        model_id=bindparam("of_model"), condition_id=bindparam("of_condition"), state=bindparam("of_state"),
        cells=bindparam("count"),
    )  # fmt: skip
    total = CellCountRow.cells + statement.excluded.cells
    return statement.on_conflict_do_update(index_elements=_KEY, set_={"cells": total})
