"""Repository of jobs: the runs of a grid. One driver at a time works on a grid, on whatever machine."""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from dragoman.errors import StoreError
from dragoman.store import heartbeat
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import grid_number
from dragoman.store.records import JobLine, JobRecord, JobState, LineKind, now
from dragoman.store.repositories.base import Repository
from dragoman.store.repositories.training_reports import write_reports
from dragoman.store.schema import GridRow, JobLineRow, JobRow
from dragoman.store.training_records import TrainingReport

SUPERSEDED = "another driver"
"""Name recorded as the one who stopped a driver without heartbeats, when another takes its grid."""

Silent = Mapping[int, datetime]
"""The last heartbeats of drivers that gave none while they were watched, by the numbers of their jobs."""

_LOST = "its driver was lost; the grid can be resumed"
_REPLACED = "another job took its place"


class JobRepository(Repository):
    """The runs of grids: their drivers, progress and logs."""

    def check_free(self, grid: str) -> None:
        """Check that no driver works on a grid.

        Raises:
            StoreError: one does, or there is no such grid.
        """
        silent = self.silent(grid)
        with self._database.reading() as connection:
            check_free(connection, grid, silent)

    def queue(self, grid: str, address: str) -> int:
        """Add a job that is about to be submitted to the cluster at an address; returns its number.

        Raises:
            StoreError: a driver works at the grid.
        """
        silent = self.silent(grid)
        with self._database.writing(sums=False) as connection:
            _take_turns(connection, grid)
            check_free(connection, grid, silent)
            _give_up(connection, grid, (JobState.QUEUED, JobState.RUNNING), _REPLACED)
            return _add(connection, grid, state=JobState.QUEUED.value, address=address)

    def submitted(self, job_id: int, submission: str) -> None:
        """Record the submission id under which the cluster accepted a queued job."""
        with self._database.writing(sums=False) as connection:
            connection.execute(update(JobRow).where(JobRow.id == job_id).values(submission=submission))

    def start(self, grid: str, driver: str, queued: int | None = None) -> int:
        """Start the queued job of a grid, or a new one, for a driver (`heartbeat.driver_name`); returns its number.

        Raises:
            StoreError: another driver works at the grid, or the queued job was stopped before it began.
        """
        silent = self.silent(grid)
        with self._database.writing(sums=False) as connection:
            _take_turns(connection, grid)
            check_free(connection, grid, silent)
            _give_up(connection, grid, (JobState.RUNNING,), _LOST)
            values = {"state": JobState.RUNNING.value, "worker": driver, "started": now(), "seen": now()}
            if queued is None:
                _give_up(connection, grid, (JobState.QUEUED,), _REPLACED)
                return _add(connection, grid, **values)
            this = update(JobRow).where(JobRow.id == queued, JobRow.state == JobState.QUEUED.value)
            if connection.execute(this.values(**values)).rowcount == 0:
                raise StoreError(f"Job {queued} of the grid {grid} was stopped before it began: resume the grid.")
            return queued

    def beat(
        self,
        job_id: int,
        progress: Mapping[str, Any] | None = None,
        lines: Iterable[JobLine] = (),
        trainings: Iterable[TrainingReport] = (),
    ) -> str | None:
        """Write a driver's heartbeat, progress, new log lines and how far its finetunings are.

        Returns:
            Who asked it to stop, if anybody did.

        Raises:
            StoreError: there is no such job.
        """
        with self._database.writing(sums=False) as connection:
            _log(connection, job_id, lines)
            write_reports(connection, job_id, trainings)
            changed = {"seen": now()} | ({} if progress is None else {"progress": dict(progress)})
            this = update(JobRow).where(JobRow.id == job_id)
            row = connection.execute(this.values(**changed).returning(JobRow.state, JobRow.stop_asked_by)).one_or_none()
            if row is None:
                raise StoreError(f"The store has no job {job_id}: start one first.")
            return SUPERSEDED if row.state != JobState.RUNNING.value else row.stop_asked_by

    def log(self, job_id: int, lines: Iterable[JobLine]) -> None:
        """Add lines to the log of a job."""
        with self._database.writing(sums=False) as connection:
            _log(connection, job_id, lines)

    def ask_to_stop(self, job_id: int, who: str) -> None:
        """Record a request to stop a job, which its driver reads at its next heartbeat. The first request is kept."""
        this = update(JobRow).where(JobRow.id == job_id, JobRow.stop_asked.is_(None))
        with self._database.writing(sums=False) as connection:
            connection.execute(this.values(stop_asked=now(), stop_asked_by=who))

    def end(self, job_id: int, state: JobState, reason: str | None = None) -> None:
        """Record the end of a driver; a job that has ended stays as it is.

        Raises:
            StoreError: there is no such job.
        """
        with self._database.writing(sums=False) as connection:
            state_now = connection.execute(select(JobRow.state).where(JobRow.id == job_id)).scalar()
            if state_now is None:
                raise StoreError(f"The store has no job {job_id}: start one first.")
            if state_now in (JobState.QUEUED.value, JobState.RUNNING.value):
                this = update(JobRow).where(JobRow.id == job_id)
                connection.execute(this.values(state=state.value, reason=reason, ended=now()))

    def of_grid(self, grid: str) -> list[JobRecord]:
        """The runs of a grid, the latest first.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            return _of_grid(connection, grid)

    def running(self) -> list[int]:
        """The jobs of any grid that have begun and not ended, whether their drivers work or not."""
        with self._database.reading() as connection:
            return list(connection.execute(select(JobRow.id).where(JobRow.state == JobState.RUNNING.value)).scalars())

    def alive(self, among: Collection[int]) -> list[int]:
        """Those of some jobs, of any grid, whose drivers work."""
        which = JobRow.id.in_(among) & (JobRow.state == JobState.RUNNING.value)
        with self._database.reading() as connection:
            running = job_records(connection, which)
        silent = _watched(running)
        with self._database.reading() as connection:
            return [job.id for job in job_records(connection, which) if _works(job, silent)]

    def silent(self, grid: str) -> Silent:
        """The drivers of a grid that seem lost, after they were watched for a moment."""
        with self._database.reading() as connection:
            jobs = _of_grid(connection, grid)
        return _watched(jobs)

    def lines(
        self, job_id: int, after: int = 0, kind: LineKind | None = None, most: int | None = None
    ) -> list[JobLine]:
        """The log of a job: lines of one kind or all, from the line after a number on, at most so many."""
        query = select(JobLineRow).where(JobLineRow.job_id == job_id, JobLineRow.number > after)
        if kind is not None:
            query = query.where(JobLineRow.kind == kind.value)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(JobLineRow.number).limit(most))
            return [JobLine.model_validate({name: getattr(row, name) for name in JobLine.model_fields}) for row in rows]

    def count_lines(self, job_id: int) -> int:
        """How many lines the log of a job has, which is also the number of the last."""
        with self._database.reading() as connection:
            return _count_lines(connection, job_id)


def _watched(jobs: Iterable[JobRecord]) -> Silent:
    """The drivers that are lost by the clock, with their last heartbeats, after time for another."""
    silent = {job.id: job.seen for job in jobs if job.is_lost and not job.has_ended}
    if silent:
        time.sleep(heartbeat.WATCH_SECONDS)
    return silent


def _works(job: JobRecord, silent: Silent) -> bool:
    """Whether a job's driver works: neither has its process ended, nor was it watched without a heartbeat."""
    return job.state is JobState.RUNNING and not job.has_ended and silent.get(job.id) != job.seen


def check_free(connection: Connection, grid: str, silent: Silent) -> None:
    """Check, within a transaction, that no driver works on a grid.

    Args:
        connection: the transaction.
        grid: name of the grid.
        silent: drivers that are lost (`JobRepository.silent`).

    Raises:
        StoreError: one does, or there is no such grid.
    """
    alive = next((job for job in _of_grid(connection, grid) if _works(job, silent)), None)
    if alive is not None:
        raise StoreError(
            f"The grid {grid} is being run by {alive.worker} since {alive.started:%Y-%m-%d %H:%M} UTC: wait for it, "
            f"or stop it with `dragoman stop {grid}`."
        )


def _of_grid(connection: Connection, grid: str) -> list[JobRecord]:
    return job_records(connection, JobRow.grid_id == grid_number(connection, grid))


def job_records(connection: Connection, which: ColumnElement[bool]) -> list[JobRecord]:
    """The jobs that a condition holds for, the latest first."""
    query = select(JobRow, GridRow.name.label("grid")).join(GridRow, GridRow.id == JobRow.grid_id)
    rows = connection.execute(query.where(which).order_by(JobRow.id.desc()))
    return [JobRecord.model_validate({name: getattr(row, name) for name in JobRecord.model_fields}) for row in rows]


def _log(connection: Connection, job_id: int, lines: Iterable[JobLine]) -> None:
    rows = [
        {"job_id": job_id, **line.model_dump(exclude={"number"}), "kind": line.kind.value, "number": number}
        for number, line in enumerate(lines, _count_lines(connection, job_id) + 1)
    ]
    if rows:
        connection.execute(insert(connection, JobLineRow), rows)


def _count_lines(connection: Connection, job_id: int) -> int:
    """Lines are numbered from 1 without gaps."""
    return connection.execute(select(func.max(JobLineRow.number)).where(JobLineRow.job_id == job_id)).scalar() or 0


def _add(connection: Connection, grid: str, **values: Any) -> int:
    row = {"grid_id": grid_number(connection, grid), "started": now(), "seen": now()} | values
    return int(connection.execute(insert(connection, JobRow).values(**row).returning(JobRow.id)).scalar_one())


def _take_turns(connection: Connection, grid: str) -> None:
    """Lock the choice of a grid's driver to one process at a time; on SQLite every writer has the lock anyway."""
    connection.execute(select(GridRow.id).where(GridRow.id == grid_number(connection, grid)).with_for_update())


def _give_up(connection: Connection, grid: str, states: Iterable[JobState], reason: str) -> None:
    this = update(JobRow).where(
        JobRow.grid_id == grid_number(connection, grid), JobRow.state.in_([state.value for state in states])
    )
    connection.execute(this.values(state=JobState.FAILED.value, reason=reason, ended=now()))
