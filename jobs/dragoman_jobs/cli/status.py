"""`dragoman status`, `logs`, `stop` and `list`: jobs read from the store, wherever their drivers run."""

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from dragoman import interruption
from dragoman.analysis.grid_search import GridOrder, latest, search
from dragoman.cli.arguments import GridArgument, OptionalGridArgument, complete_tags, open_snapshot, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed, until_printed
from dragoman.errors import DragomanError, StoreError, nearest
from dragoman.reports import jobs as reports
from dragoman.reports.trainings import trainings
from dragoman.store.heartbeat import BEAT_SECONDS
from dragoman.store.jobs import control
from dragoman.store.jobs.progress import progress
from dragoman.store.jobs.trainings import finetunings
from dragoman.store.records import JobRecord, JobState
from dragoman.store.repositories.annotations import GridAnnotation
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
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
def status(
    grid: OptionalGridArgument = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Show it anew every two seconds until the run ends, and then once for all."),
    ] = False,
) -> Sequence[Table] | Answer:
    """Show the status of a grid: its run, its finetunings, the first failure with its log, and every model's cells.

    Everything is read from the store, whatever became of the driver: how far a finetuning is, is what its driver said
    last, and when. Without a name it lists the grids there are. Tables: run, trainings, failure, models, runs.

    Examples: dragoman status demo · dragoman status demo --watch · dragoman status demo --json
    """
    kept = open_store()
    if grid is None and not watch:
        return _every(kept, search(kept))
    name = grid or latest(kept)
    if name is None:
        return _every(kept, [])
    if watch:
        _watch(kept, name)
    return _status(_settled(kept, [name]), name)


def _status(store: Store, grid: str) -> Sequence[Table]:
    jobs = store.jobs.of_grid(grid)
    return [
        reports.run(store, grid, jobs),
        trainings(finetunings(store, grid)),
        reports.failure(store, grid, jobs),
        reports.cells(progress(store, grid), "models", "Cells"),
        reports.runs(jobs),
    ]


def _watch(kept: Store, grid: str) -> None:
    """Show the status on the terminal, on standard error, as long as a driver works at the grid, or is waited for."""
    interruption.keeps(f"The run goes on without it, if it had not ended: `dragoman stop {grid}` would stop it.")
    frame = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
    with frame:
        while any(job.is_alive or job.state is JobState.QUEUED for job in _jobs(kept, grid)):
            with kept.snapshot() as store:
                text = render(_status(store, grid), Form.TEXT)
            if frame.console.is_terminal:
                frame.update(Text.from_ansi(text), refresh=True)
            time.sleep(BEAT_SECONDS)


@grouped(Group.RUN)
@printed
def list_(
    words: Annotated[
        str,
        typer.Option(
            "--search",
            metavar="WORDS",
            help="Only grids with all these words in their name, campaign, languages, models, tags or notes.",
        ),
    ] = "",
    tags: Annotated[
        list[str] | None,
        typer.Option(
            "--tag", metavar="TAG", help="Only grids with this tag; may be repeated.", autocompletion=complete_tags
        ),
    ] = None,
    sort: Annotated[GridOrder, typer.Option("--sort", help="By the last run, by when it was added, or by name.")] = (
        GridOrder.RECENT
    ),
    every: Annotated[bool, typer.Option("--all", help="Archived grids too.")] = False,
) -> Answer:
    """List the grids of the store, the latest first: the state of the last run, how many cells are done, and where.

    Examples: dragoman list · dragoman list --tag paper --sort name · dragoman list --search "xglm de" --all ·
    dragoman list --json
    """
    kept = open_store()
    return _every(kept, search(kept, words, tags=tags or (), order=sort, archived=every), is_part=bool(words or tags))


def _every(kept: Store, found: Sequence[GridAnnotation], is_part: bool = False) -> Answer:
    """The table of some grids; it says where others are left out."""
    store = _settled(kept, [each.grid for each in found])
    every = kept.annotations.all()
    archived = sum(1 for each in every if each.archived) - sum(1 for each in found if each.archived)
    notes = []
    if every and not found and is_part:
        notes.append("None of the grids is like that.")
    elif not every:
        notes.append("There are no grids yet: `dragoman run SPEC` makes the first.")
    if archived and not is_part:
        are = "grid is" if archived == 1 else "grids are"
        notes.append(f"{archived} archived {are} left out: `dragoman list --all`.")
    if not found:
        return Answer([reports.grids(store, found)], " ".join(notes), is_sentence_enough=True)
    return Answer([reports.grids(store, found, notes)])


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
    interruption.keeps(f"The run goes on without it, if it had not ended: `dragoman stop {grid}` would stop it.")
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
    interruption.keeps(f"{grid} was asked to stop, and does: `dragoman status {grid}` shows whether it has.")
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
