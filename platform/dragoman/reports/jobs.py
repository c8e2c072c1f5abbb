"""Tables of the store's grids: the states of their runs, first failures, the cells of every model."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dragoman.cell import CellState
from dragoman.store.jobs.progress import progress
from dragoman.store.records import JobRecord, JobState, LineKind, now
from dragoman.store.repositories.annotations import GridAnnotation
from dragoman.store.store import Store
from dragoman.tables.durations import duration
from dragoman.tables.table import Column, Table, number, word

_BESIDE = [each for each in CellState if not each.is_translated and each is not CellState.PLANNED]
"""States whose cells are counted beside those that are done."""

_ALWAYS = (CellState.PLANNED, CellState.DONE)
"""States that have a column wherever cells are counted; others where there are such cells."""

_WORDS = {CellState.PLANNED.value: CellState.PLANNED.word}
"""What tables call states of grids where that is not their value."""

_DETAIL_LINES = 12
"""Lines of a failure's log on the first screen: its end, which holds the cause."""


def grids(store: Store, found: Sequence[GridAnnotation], notes: Sequence[str] = ()) -> Table:
    """A list of grids.

    Args:
        store: the store.
        found: the grids (`dragoman.analysis.grid_search`).
        notes: sentences below it.
    """
    rows = [
        {
            **_state_columns(store, each.grid, store.jobs.of_grid(each.grid)),
            "tags": list(each.tags),
            "archived": each.archived.isoformat(timespec="seconds") if each.archived else None,
            "notes": each.notes,
        }
        for each in found
    ]
    counts = [number(name, digits=0) for name in ("done", "cells", "failed")]
    columns = [word("grid"), _state_column(), *counts, _duration("seconds_left", "left"), _moment("since"),
               *([Column("tags", "tags", lambda row: " ".join(row["tags"]) or "-", right=False)]
                 if any(row["tags"] for row in rows) else []),
               *([_moment("archived")] if any(row["archived"] for row in rows) else []),
               word("where")]  # fmt: skip
    return Table("grids", "Grids", columns, rows, notes=notes)


def _state_columns(store: Store, grid: str, jobs: Sequence[JobRecord]) -> dict[str, Any]:
    """A grid's state and counts, the same for `list` and `status`."""
    last = jobs[0] if jobs else None
    counts: dict[CellState, int] = {}
    for states in progress(store, grid).values():
        for each, count in states.items():
            counts[each] = counts.get(each, 0) + count
    measured = (last.progress if last and last.is_alive else None) or {}
    return {
        "grid": grid,
        "state": state(last) if last else state_without_run(counts),
        "done": sum(counts.get(each, 0) for each in CellState if each.is_translated),
        "cells": sum(counts.values()),
        **{each.value: counts.get(each, 0) for each in _BESIDE},
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


def run(store: Store, grid: str, jobs: Sequence[JobRecord]) -> Table:
    """The state and progress of a grid's latest run."""
    row = _state_columns(store, grid, jobs)
    last = jobs[0] if jobs else None
    figures = [
        _duration("seconds_left", "left"),
        number("tokens_per_second", "tokens/s", digits=0),
        number("segments_per_second", "segments/s"),
        number("workers", digits=0),
        Column("busy", "busy", lambda row: _percent(row["busy"])),
    ]
    columns = [
        _state_column(),
        number("done", digits=0),
        number("cells", digits=0),
        *(number(each.value, digits=0) for each in _BESIDE if row[each.value]),
        *(column for column in figures if row[column.key] is not None),
    ]
    notes = []
    if last is not None:
        notes.append(f"Since {last.started:%Y-%m-%d %H:%M} UTC on {row['where']}{because(last)}.")
        if last.address and last.submission:
            notes.append(f"Ray: {last.address}/#/jobs/{last.submission}")
        measured = (last.progress or {}) if last.is_alive else {}
        for name, at in measured.get("scoring", {}).items():
            actors = f"{at['actors']} {'actor' if at['actors'] == 1 else 'actors'}"
            notes.append(f"{name}: {at['scored']} cells scored, {at['open']} wait, {actors}, "
                         f"{at['loads']} {'load' if at['loads'] == 1 else 'loads'} of its model")  # fmt: skip
        if not last.is_alive and last.state is not JobState.QUEUED and row["done"] + row["missing"] < row["cells"]:
            again = f"dragoman retry {grid} --failed" if row["failed"] else f"dragoman resume {grid}"
            notes.append(f"`{again}` goes on with it.")
    return Table("run", grid, columns, [row], notes=notes)


def failure(store: Store, grid: str, jobs: Sequence[JobRecord]) -> Table:
    """The first unresolved failure of the latest run that had one."""
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


def cells(models: Mapping[str, Mapping[CellState, int]], name: str, title: str) -> Table:
    """The number of cells in each state, by model."""
    rows = [
        {"model": model, "cells": sum(counts.values()), **{state.value: counts.get(state, 0) for state in CellState}}
        for model, counts in models.items()
    ]
    occurring = [state for state in CellState if state in _ALWAYS or any(row[state.value] for row in rows)]
    columns = [
        word("model"),
        *(number(state.value, state.word, digits=0) for state in occurring),
        number("cells", digits=0),
    ]
    return Table(name, title, columns, rows)


def runs(jobs: Sequence[JobRecord]) -> Table:
    """The runs of a grid, the latest first."""
    rows = [
        {"run": job.id, "state": state(job), "since": job.started.isoformat(timespec="seconds"),
         "where": job.address or job.worker, "reason": job.reason}
        for job in jobs
    ]  # fmt: skip
    columns = [number("run", digits=0), word("state"), _moment("since"), word("where"), word("reason")]
    return Table("runs", "Runs", columns, rows, detail=True)


def state(job: JobRecord) -> str:
    """A run's state in a word."""
    return "lost" if job.is_lost else job.state.value


def _state_column() -> Column:
    """The state of a grid; of one without a run, in the words of its cells."""
    return Column("state", "state", lambda row: str(_WORDS.get(row["state"], row["state"])), right=False)


def state_without_run(counts: Mapping[CellState, int]) -> str:
    """The state of a grid without a run here: an imported one may be done."""
    left = sum(counts.get(each, 0) for each in CellState if each.is_open)
    return (JobState.DONE if counts and not left else CellState.PLANNED).value


def because(job: JobRecord) -> str:
    """Why it is in that state, in brackets; empty where that is obvious."""
    if job.is_lost:
        ago = (now() - job.seen).total_seconds()
        return f" (its driver was last heard of {duration(abs(ago))} {'ago' if ago > 0 else 'ahead of this clock'})"
    return f" ({job.reason})" if job.reason and job.reason != job.state.value else ""


def _duration(key: str, heading: str) -> Column:
    return Column(key, heading, lambda row: "-" if row[key] is None else duration(row[key]))


def _moment(key: str) -> Column:
    def shown(row: Any) -> str:
        return "-" if row[key] is None else f"{datetime.fromisoformat(row[key]):%Y-%m-%d %H:%M}"

    return Column(key, key, shown, right=False)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"
