"""Asking for things of a running grid: to stop it, to try again what failed.

Both are records in the store, whichever machine the driver is on: it looks every two seconds and obeys. Nobody needs
to reach its process, or Ray.
"""

from sqlalchemy import ColumnElement, exists, select

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store.database.ids import grid_number
from dragoman.store.records import JobLine, JobRecord, JobState
from dragoman.store.repositories import cells, jobs
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
    job = store.jobs(grid)[0]  # whose driver may have waited for the same writer, to say that it is alive
    if not job.is_alive:
        store.end_job(job.id, JobState.STOPPED, f"stopped by {who}")
        forsake(store, grid)
    return store.jobs(grid)[0]


def retry(store: Store, grid: str, who: str | None = None) -> int:
    """Plan the failed cells of a grid again; returns how many there were.

    A driver at work takes them up when it is through with the rest; otherwise the grid has to be resumed
    (`dragoman resume GRID`).

    Args:
        store: the store.
        grid: name of the grid.
        who: who asks, for the log of the grid's latest run.

    Raises:
        StoreError: there is no such grid.
    """
    count = _change(store, grid, CellState.FAILED)
    job = next(iter(store.jobs(grid)), None)
    if who and count and job:
        with store.database.writing() as connection:
            said = f"{count} failed cell{'s' if count > 1 else ''} planned again, as {who} asked."
            jobs.say(connection, job.id, [JobLine(text=said)])
    return count


def owner(job: int) -> str:
    """What a job is called in the cells that it runs."""
    return f"job {job}"


def forsake(store: Store, grid: str, job: int | None = None) -> int:
    """Plan the cells of a grid again that count as running, though the driver is gone that ran them.

    Those that a living driver of another grid runs, which the two have in common, stay its own.

    Args:
        store: the store.
        grid: name of the grid.
        job: a job that is alive and runs none (any more): its cells are planned again too.

    Returns:
        How many there were.
    """
    with store.database.reading() as connection:
        theirs = [owner(each) for each in jobs.alive(connection) if each != job]
    return _change(store, grid, CellState.RUNNING, CellRow.worker.is_(None) | CellRow.worker.not_in(theirs))


def _change(store: Store, grid: str, state: CellState, which: ColumnElement[bool] | None = None) -> int:
    """Plan a grid's cells of one state again, or some of them."""
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
        chosen = is_member if which is None else is_member & which
        these = [(CellRow.model_id == model) & chosen for model in connection.execute(members).scalars()]
        return cells.plan_again(connection, state, these)
