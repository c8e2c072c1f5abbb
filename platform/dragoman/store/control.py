"""Asking for things of a running grid: to stop it, to try again what failed.

Both are records in the store, whichever machine the driver is on: it looks every two seconds and obeys. Nobody needs
to reach its process, or Ray.
"""

from sqlalchemy import exists, select

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store import cells
from dragoman.store.keys import grid_number
from dragoman.store.records import JobRecord, JobState
from dragoman.store.schema import CellCountRow, CellRow, GridModelRow, GridPairRow
from dragoman.store.store import Store


def stop(store: Store, grid: str, who: str) -> JobRecord:
    """Ask the driver of a grid to stop; cells in flight are lost, everything else is kept.

    A job that waits for its cluster, or whose driver is gone, is stopped at once; a driver at work obeys within
    seconds (`JobRecord.state` is `stopped` then).

    Args:
        store: the store.
        grid: name of the grid.
        who: who asks, for the record.

    Returns:
        The job as it stands now.

    Raises:
        StoreError: there is no such grid, or nothing of it runs.
    """
    job = next(iter(store.jobs(grid)), None)
    if job is None or job.state not in (JobState.QUEUED, JobState.RUNNING):
        how = "it was never run" if job is None else f"its last run is {job.state.value}"
        raise StoreError(f"The grid {grid} is not running ({how}): there is nothing to stop.")
    store.ask_job_to_stop(job.id, who)
    if not job.is_alive:
        store.end_job(job.id, JobState.STOPPED, f"stopped by {who}")
        _change(store, grid, CellState.RUNNING)
    return store.jobs(grid)[0]


def retry(store: Store, grid: str) -> int:
    """Plan the failed cells of a grid again; returns how many there were.

    A driver at work takes them up when it is through with the rest; otherwise the grid has to be resumed
    (`dragoman resume GRID`).

    Raises:
        StoreError: there is no such grid.
    """
    return _change(store, grid, CellState.FAILED)


def forsake(store: Store, grid: str) -> int:
    """Plan the cells of a grid again that count as running; for the one driver that holds the grid, and runs none.

    Returns how many there were: those in flight when the last driver died, or this one ends.
    """
    return _change(store, grid, CellState.RUNNING)


def _change(store: Store, grid: str, state: CellState) -> int:
    """Plan a grid's cells of one state again."""
    with store.database.writing() as connection:
        grid_id = grid_number(connection, grid)
        # only models that have such cells, which are counted: among millions of cells those few are far between
        members = (
            select(GridModelRow.model_id)
            .join(CellCountRow, CellCountRow.model_id == GridModelRow.model_id)
            .where(GridModelRow.grid_id == grid_id, CellCountRow.state == state.value, CellCountRow.cells > 0)
            .distinct()
        )
        is_member = (
            exists()
            .where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == CellRow.condition_id)
            .where(GridPairRow.pair_id == CellRow.pair_id)
        )
        these = [(CellRow.model_id == model) & is_member for model in connection.execute(members).scalars()]
        return cells.plan_again(connection, state, these)
