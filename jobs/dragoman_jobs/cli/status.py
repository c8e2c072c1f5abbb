"""`dragoman status`, `logs`, `stop` and `list`: running grids as the store knows them, wherever their drivers are."""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from dragoman.cell import CellState
from dragoman.cli.arguments import GridArgument, open_snapshot, open_store
from dragoman.cli.output import printed, until_printed
from dragoman.store.heartbeat import BEAT_SECONDS
from dragoman.store.jobs import control
from dragoman.store.jobs.progress import progress
from dragoman.store.records import JobRecord, JobState, LineKind, now
from dragoman.store.store import Store
from dragoman.tables.table import Column, Table, number, word

_STOP_SECONDS = 60
"""How long `stop` waits for the driver to obey."""

_DETAIL_LINES = 12
"""Lines of a failure's log on the first screen: its end, where the cause stands."""


@printed
def status(grid: GridArgument) -> Sequence[Table]:
    """How a grid stands: its run, the first failure with its log, and the cells of every model.

    Everything is read from the store, whatever became of the driver. Tables: run, failure, models, runs.

    Examples: dragoman status demo · dragoman status demo --json
    """
    store = _settled(open_store(), [grid])
    jobs = store.jobs.of_grid(grid)
    return [_run(store, grid, jobs), _failure(store, grid, jobs), _models(store, grid), _runs(jobs)]


@printed
def list_() -> Sequence[Table]:
    """Every grid of the store: how its last run stands, how many cells are done, and where it ran.

    Examples: dragoman list · dragoman list --json
    """
    kept = open_store()
    store = _settled(kept, kept.grids.names())
    rows = [_standing(store, name, store.jobs.of_grid(name)) for name in store.grids.names()]
    counts = [number(name, digits=0) for name in ("done", "cells", "failed")]
    columns = [word("grid"), word("state"), *counts, _duration("seconds_left", "left"), _moment("since"), word("where")]
    return [Table("grids", "Grids", columns, rows, notes=[] if rows else ["There are none yet."])]


def logs(
    grid: GridArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as more is said, until the run ends.")] = False,
    job: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Number of the run; the last by default.", show_default=False)
    ] = None,
) -> None:
    """What the driver of a grid said: progress, and every failure with what stands behind it.

    Examples: dragoman logs demo · dragoman logs demo --follow
    """
    store = open_store()
    chosen = _chosen(store, grid, job)
    after = 0
    while True:
        standing = next(each for each in _jobs(store, grid) if each.id == chosen)
        for line in store.jobs.lines(chosen, after):
            after = line.number
            typer.echo(f"{line.at:%Y-%m-%d %H:%M:%S}  {line.text}")
            for part in (line.detail or "").splitlines():
                typer.echo(f"    {part}")
        goes_on = standing.state is JobState.QUEUED or standing.is_alive
        if not (follow and goes_on):
            break
        sys.stdout.flush()
        time.sleep(BEAT_SECONDS / 2)
    if not goes_on:
        typer.echo(f"The run is {_state(standing)}{_because(standing)}.")


def stop(grid: GridArgument) -> None:
    """Stop a grid: its driver is asked by way of the store, wherever it is, and cells in flight are given up.

    Example: dragoman stop demo
    """
    from dragoman_jobs.driver.submission import asker

    store = open_store()
    job = control.stop(store, grid, asker())
    deadline = time.monotonic() + _STOP_SECONDS
    while job.is_alive and time.monotonic() < deadline:
        time.sleep(0.5)
        job = next(each for each in store.jobs.of_grid(grid) if each.id == job.id)
    if job.is_alive:
        typer.echo(f"{grid} was asked to stop; its driver has not obeyed yet: look at `dragoman status {grid}`.")
        raise typer.Exit(1)
    typer.echo(f"{grid} is {_state(job)}{_because(job)}; `dragoman resume {grid}` goes on with it.")


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
    from dragoman.errors import StoreError

    numbers = [each.id for each in store.jobs.of_grid(grid)]
    if not numbers:
        raise StoreError(f"The grid {grid} was never run: there is no log of it.")
    if job is not None and job not in numbers:
        raise StoreError(f"The grid {grid} has no run {job}: it has {', '.join(map(str, sorted(numbers)))}.")
    return numbers[0] if job is None else job


def _standing(store: Store, grid: str, jobs: Sequence[JobRecord]) -> dict[str, Any]:
    """A grid's state and counts, the same for `list` and `status`."""
    last = jobs[0] if jobs else None
    counts: dict[CellState, int] = {}
    for states in progress(store, grid).values():
        for state, count in states.items():
            counts[state] = counts.get(state, 0) + count
    measured = (last.progress if last and last.is_alive else None) or {}
    return {
        "grid": grid,
        "state": _state(last) if last else _without_run(counts),
        "done": counts.get(CellState.DONE, 0) + counts.get(CellState.UNSCORABLE, 0),
        "cells": sum(counts.values()),
        **{state.value: counts.get(state, 0) for state in (CellState.RUNNING, CellState.FAILED, CellState.MISSING)},
        "seconds_left": measured.get("seconds_left"),
        "tokens_per_second": measured.get("tokens_per_second"),
        "segments_per_second": measured.get("segments_per_second"),
        "workers": measured.get("workers"),
        "busy": measured.get("busy"),
        "since": last.started.isoformat(timespec="seconds") if last else None,
        "where": (last.address or last.worker or "here") if last else None,
        "submission": last.submission if last else None,
        "reason": last.reason if last else None,
    }


def _run(store: Store, grid: str, jobs: Sequence[JobRecord]) -> Table:
    row = _standing(store, grid, jobs)
    last = jobs[0] if jobs else None
    columns = [word("state"), number("done", digits=0), number("cells", digits=0), number("running", digits=0),
               number("failed", digits=0), number("missing", digits=0), _duration("seconds_left", "left"),
               number("tokens_per_second", "tokens/s", digits=0), number("segments_per_second", "segments/s"),
               number("workers", digits=0), Column("busy", "busy", lambda row: _percent(row["busy"]))]  # fmt: skip
    notes = []
    if last is not None:
        notes.append(f"Since {last.started:%Y-%m-%d %H:%M} UTC on {row['where']}{_because(last)}.")
        if last.address and last.submission:
            notes.append(f"Ray: {last.address}/#/jobs/{last.submission}")
        measured = (last.progress or {}) if last.is_alive else {}
        for name, at in measured.get("trainings", {}).items():
            notes.append(f"finetune {name}: step {at['step']} of {at['steps']}, loss {at['loss']:.2f}, "
                         f"{at['tokens_per_second']:,.0f} target tokens/s")  # fmt: skip
        if not last.is_alive and last.state is not JobState.QUEUED and row["done"] + row["missing"] < row["cells"]:
            again = f"dragoman retry {grid} --failed" if row["failed"] else f"dragoman resume {grid}"
            notes.append(f"`{again}` goes on with it.")
    return Table("run", grid, columns, [row], notes=notes)


def _failure(store: Store, grid: str, jobs: Sequence[JobRecord]) -> Table:
    """The first failure of the latest run that had one and is not made good."""
    columns = [Column("sentence", "first failure", lambda row: row["sentence"], right=False)]
    for job in jobs[:1]:
        for line in store.jobs.lines(job.id, kind=LineKind.FAILURE, most=1):
            detail = (line.detail or "").splitlines()
            row = {
                "job": job.id,
                "at": line.at.isoformat(timespec="seconds"),
                "sentence": line.text,
                "log": line.detail,
            }
            shown = [f"  {part}" for part in detail[-_DETAIL_LINES:]]
            more = [f"`dragoman logs {grid}` has all of it."] if len(detail) > _DETAIL_LINES else []
            return Table("failure", "", columns, [row], notes=[*shown, *more])
    failed = next(iter(store.cells.of_grid(grid, state=CellState.FAILED)), None)
    rows = [] if failed is None else [
        {"job": None, "at": None, "sentence": f"{failed.cell.pair} failed: {failed.reason}", "log": None}
    ]  # fmt: skip
    return Table("failure", "", columns, rows)


def _models(store: Store, grid: str) -> Table:
    states = [state for state in CellState if state is not CellState.UNSCORABLE]
    rows = [
        {"model": model, **{state.value: counts.get(state, 0) for state in CellState}}
        for model, counts in progress(store, grid).items()
    ]
    return Table("models", "Cells", [word("model"), *(number(state.value, digits=0) for state in states)], rows)


def _runs(jobs: Sequence[JobRecord]) -> Table:
    rows = [
        {"run": job.id, "state": _state(job), "since": job.started.isoformat(timespec="seconds"),
         "where": job.address or job.worker, "reason": job.reason}
        for job in jobs
    ]  # fmt: skip
    columns = [number("run", digits=0), word("state"), _moment("since"), word("where"), word("reason")]
    return Table("runs", "Runs", columns, rows, detail=True)


def _state(job: JobRecord) -> str:
    return "lost" if job.is_lost else job.state.value


def _without_run(counts: Mapping[CellState, int]) -> str:
    """The state of a grid that was never run here: one that was imported may be done."""
    left = counts.get(CellState.PLANNED, 0) + counts.get(CellState.RUNNING, 0)
    return (JobState.DONE if counts and not left else CellState.PLANNED).value


def _because(job: JobRecord) -> str:
    if job.is_lost:
        return f" (its driver was last heard of {_ago(now() - job.seen)} ago)"
    return f" ({job.reason})" if job.reason and job.reason != job.state.value else ""


def _ago(span: timedelta) -> str:
    return _worded(span.total_seconds())


def _worded(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _duration(key: str, heading: str) -> Column:
    return Column(key, heading, lambda row: "-" if row[key] is None else _worded(row[key]))


def _moment(key: str) -> Column:
    def shown(row: Any) -> str:
        return "-" if row[key] is None else f"{datetime.fromisoformat(row[key]):%Y-%m-%d %H:%M}"

    return Column(key, key, shown, right=False)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
