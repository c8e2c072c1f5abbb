"""`dragoman status`, `logs`, `stop` and `list`: jobs read from the store, wherever their drivers run."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer

from dragoman.cli.arguments import GridArgument, OptionalGridArgument, open_snapshot, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.errors import DragomanError, StoreError, nearest
from dragoman.reports import jobs as reports
from dragoman.store.heartbeat import BEAT_SECONDS
from dragoman.store.jobs import control
from dragoman.store.jobs.progress import progress
from dragoman.store.records import JobRecord, JobState
from dragoman.store.store import Store
from dragoman.tables.table import Table
from dragoman.terminal import say

_STOP_SECONDS = 60
"""How long `stop` waits for the driver to obey."""


def complete_jobs(context: typer.Context, incomplete: str) -> list[str]:
    """Numbers of a grid's runs for the shell."""
    try:
        numbers = [str(job.id) for job in open_store().jobs.of_grid(context.params.get("grid") or "")]
    except DragomanError:
        return []
    return [number for number in numbers if number.startswith(incomplete)]


@grouped(Group.RUN)
@printed
def status(grid: OptionalGridArgument = None) -> Sequence[Table]:
    """Show the status of a grid: its run, the first failure with its log, and the cells of every model.

    Everything is read from the store, whatever became of the driver. Without a name it lists the grids there are.
    Tables: run, failure, models, runs.

    Examples: dragoman status demo · dragoman status demo --json
    """
    kept = open_store()
    if grid is None:
        return _every(kept)
    store = _settled(kept, [grid])
    jobs = store.jobs.of_grid(grid)
    return [
        reports.run(store, grid, jobs),
        reports.failure(store, grid, jobs),
        reports.cells(progress(store, grid), "models", "Cells"),
        reports.runs(jobs),
    ]


@grouped(Group.RUN)
@printed
def list_() -> Sequence[Table]:
    """List the grids of the store: the state of the last run, how many cells are done, and where it ran.

    Examples: dragoman list · dragoman list --json
    """
    return _every(open_store())


def _every(kept: Store) -> Sequence[Table]:
    store = _settled(kept, kept.grids.names())
    return [reports.grids(store, {name: store.jobs.of_grid(name) for name in store.grids.names()})]


@grouped(Group.RUN)
def logs(
    grid: GridArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the log until the run ends.")] = False,
    job: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER",
            help="Number of the run; the last by default.",
            show_default=False,
            autocompletion=complete_jobs,
        ),
    ] = None,
) -> None:
    """Print the log of a grid's driver: progress, and every failure with its details.

    Examples: dragoman logs demo · dragoman logs demo --follow
    """
    store = open_store()
    chosen = _chosen(store, grid, job)
    after = 0
    while True:
        standing = next(each for each in _jobs(store, grid) if each.id == chosen)
        for line in store.jobs.lines(chosen, after):
            after = line.number
            say(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.text}")
            for part in (line.detail or "").splitlines():
                say(f"    {part}")
        goes_on = standing.state is JobState.QUEUED or standing.is_alive
        if not (follow and goes_on):
            break
        sys.stdout.flush()
        time.sleep(BEAT_SECONDS / 2)
    if not goes_on:
        say(f"The run is {reports.state(standing)}{reports.because(standing)}.")


@grouped(Group.RUN)
@printed
def stop(grid: GridArgument) -> Answer:
    """Stop a grid: the request reaches its driver through the store, wherever it runs; cells in flight are abandoned.

    Examples: dragoman stop demo
    """
    from dragoman_jobs.driver.submission import asker

    store = open_store()
    job = control.stop(store, grid, asker())
    deadline = time.monotonic() + _STOP_SECONDS
    while job.is_alive and time.monotonic() < deadline:
        time.sleep(0.5)
        job = next(each for each in store.jobs.of_grid(grid) if each.id == job.id)
    sentence = f"{grid} is {reports.state(job)}{reports.because(job)}; `dragoman resume {grid}` goes on with it."
    if job.is_alive:
        sentence = f"{grid} was asked to stop; its driver has not obeyed yet: look at `dragoman status {grid}`."
    stopped = replace(reports.runs([job]), detail=False)
    return Answer([stopped], sentence, is_sentence_enough=True, code=1 if job.is_alive else 0)


def _settled(store: Store, grids: Sequence[str]) -> Store:
    """The store as of one moment, after Ray was asked about the drivers of some grids that are silent."""
    for grid in grids:
        _jobs(store, grid)
    return until_printed(open_snapshot())


def _jobs(store: Store, grid: str) -> list[JobRecord]:
    from dragoman_jobs.driver.submission import settle

    jobs = store.jobs.of_grid(grid)
    return [settle(store, jobs[0]), *jobs[1:]] if jobs else []


def _chosen(store: Store, grid: str, job: int | None) -> int:
    numbers = [each.id for each in store.jobs.of_grid(grid)]
    if not numbers:
        raise StoreError(f"The grid {grid} was never run: there is no log of it.")
    if job is not None and job not in numbers:
        raise StoreError(f"The grid {grid} has no run {job}: {nearest(str(job), map(str, numbers))}")
    return numbers[0] if job is None else job
