"""Jobs in the store: the runs of a grid."""

from sqlalchemy import Connection, select, update

from dragoman.errors import StoreError
from dragoman.store.database import insert
from dragoman.store.keys import grid_number
from dragoman.store.records import JobRecord, JobState, now
from dragoman.store.schema import GridRow, JobRow


def start(connection: Connection, grid: str, worker: str) -> int:
    """A driver begins a grid; returns the number of the job."""
    row = {
        "grid_id": grid_number(connection, grid),
        "worker": worker,
        "state": JobState.RUNNING.value,
        "started": now(),
    }
    return int(connection.execute(insert(connection, JobRow).values(**row).returning(JobRow.id)).scalar_one())


def end(connection: Connection, job_id: int, state: JobState, reason: str | None) -> None:
    """A driver came to its end."""
    this = update(JobRow).where(JobRow.id == job_id)
    if connection.execute(this.values(state=state.value, reason=reason, ended=now())).rowcount == 0:
        raise StoreError(f"The store has no job {job_id}: start one first.")


def read(connection: Connection, grid: str) -> list[JobRecord]:
    """The runs of a grid, the latest first."""
    query = select(JobRow, GridRow.name.label("grid")).join(GridRow, GridRow.id == JobRow.grid_id)
    rows = connection.execute(query.where(GridRow.id == grid_number(connection, grid)).order_by(JobRow.id.desc()))
    return [
        JobRecord(
            id=row.id,
            grid=row.grid,
            worker=row.worker,
            state=JobState(row.state),
            reason=row.reason,
            started=row.started,
            ended=row.ended,
        )
        for row in rows
    ]
