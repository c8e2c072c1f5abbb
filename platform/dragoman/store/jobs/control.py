"""Control of a running grid: stop requests, and retries of failed cells.

Both are records in the store, whichever machine the driver is on: it polls for them every two seconds. Access to its
process, or to Ray, is not needed.
"""

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store.records import JobLine, JobRecord, JobState
from dragoman.store.store import Store


def stop(store: Store, grid: str, who: str) -> JobRecord:
    """Ask the driver of a grid to stop; cells in flight are lost, everything else is kept.

    A job that waits for its cluster, or whose driver is gone, is stopped at once; a driver at work stops within seconds
    (`JobRecord.state` is `stopped` then).

    Args:
        store: the store.
        grid: name of the grid.
        who: who asks, for the record.

    Returns:
        The job as it stands now.

    Raises:
        StoreError: there is no such grid, or nothing of it runs.
    """
    job = next(iter(store.jobs.of_grid(grid)), None)
    if job is None or job.state not in (JobState.QUEUED, JobState.RUNNING):
        how = "it was never run" if job is None else f"its last run is {job.state.value}"
        raise StoreError(f"The grid {grid} is not running ({how}): there is nothing to stop.")
    store.jobs.ask_to_stop(job.id, who)
    job = store.jobs.of_grid(grid)[0]  # whose driver may have waited for the same lock with its heartbeat
    if not job.is_alive:
        store.jobs.end(job.id, JobState.STOPPED, f"stopped by {who}")
        forsake(store, grid)
    return store.jobs.of_grid(grid)[0]


def retry(store: Store, grid: str, who: str | None = None) -> int:
    """Plan the failed cells of a grid again; returns how many there were.

    A running driver picks them up after the rest; otherwise the grid has to be resumed
    (`dragoman resume GRID`).

    Args:
        store: the store.
        grid: name of the grid.
        who: who asks, for the log of the grid's latest run.

    Raises:
        StoreError: there is no such grid.
    """
    count = store.cells.plan_again(grid, CellState.FAILED)
    job = next(iter(store.jobs.of_grid(grid)), None)
    if who and count and job:
        text = f"{count} failed cell{'s' if count > 1 else ''} planned again, as {who} asked."
        store.jobs.log(job.id, [JobLine(text=text)])
    return count


def owner(job: int) -> str:
    """The worker name of a job in the cells that it runs."""
    return f"job {job}"


def forsake(store: Store, grid: str, job: int | None = None) -> int:
    """Plan again the cells of a grid that count as running though their driver is gone.

    Those that a living driver of another grid runs, which the two have in common, stay its own.

    Args:
        store: the store.
        grid: name of the grid.
        job: a job that is alive and runs none (any more): its cells are planned again too.

    Returns:
        How many there were.
    """
    at_work = store.cells.workers(grid)
    others = [each for each in store.jobs.running() if each != job and owner(each) in at_work]
    theirs = [owner(each) for each in store.jobs.alive(others)]
    return store.cells.plan_again(grid, CellState.RUNNING, except_of=theirs)
