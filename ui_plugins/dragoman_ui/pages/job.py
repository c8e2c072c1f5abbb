"""The job page: a grid's progress, throughput, and first failure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from flask import Response, render_template, request

from dragoman.analysis.campaigns import siblings
from dragoman.cell import CellState
from dragoman.reports.jobs import cells, runs
from dragoman.reports.trainings import trainings
from dragoman.store.jobs.progress import progress
from dragoman.store.jobs.trainings import finetunings
from dragoman.store.records import GridRecord, JobLine, JobRecord, JobState, LineKind
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingStanding, TrainingState
from dragoman.tables.table import Table
from dragoman_ui.responses.downloads import taken
from dragoman_ui.viewmodels.decorations import model_link
from dragoman_ui.viewmodels.mlflow_links import experiment_link
from dragoman_ui.viewmodels.store import open_store

LINES = 200
"""Number of log lines that are shown, the last ones."""

SOON, LATER = 5, 30
"""Seconds after which a running grid is refreshed; a large one takes seconds to count."""

MANY = 20_000
"""Cells from which a grid is large."""


class GridState(NamedTuple):
    """Progress of one grid."""

    grid: GridRecord
    """The grid."""
    models: dict[str, dict[CellState, int]]
    """Cells in each state, by model."""
    states: Counter[CellState]
    """Cells in each state."""
    jobs: list[JobRecord]
    """Its runs, the latest first."""
    failure: JobLine | None
    """The first failure of the latest run."""
    trainings: list[TrainingStanding]
    """Its finetunings, and how they stand."""

    @classmethod
    def of(cls, store: Store, grid: GridRecord) -> "GridState":
        """Read a grid from the store."""
        models, jobs = progress(store, grid.name), store.jobs.of_grid(grid.name)
        counts = sum((Counter(found) for found in models.values()), Counter[CellState]())
        states = Counter({state: counts[state] for state in CellState if counts[state]})
        failures = store.jobs.lines(jobs[0].id, kind=LineKind.FAILURE, most=1) if jobs else []
        return cls(grid, models, states, jobs, next(iter(failures), None), finetunings(store, grid.name))

    @property
    def job(self) -> JobRecord | None:
        """Its latest run."""
        return next(iter(self.jobs), None)

    @property
    def is_training(self) -> bool:
        """Whether a finetuning of it is under way, in whichever grid's driver."""
        return any(each.state is TrainingState.TRAINING for each in self.trainings)

    @property
    def without_run(self) -> str:
        """How it stands where it was never run here."""
        return "done, not run here" if self.cells and not self.left else CellState.PLANNED.word

    @property
    def cells(self) -> int:
        """All its cells."""
        return self.states.total()

    @property
    def left(self) -> int:
        """Cells that a run would still do."""
        return sum(count for state, count in self.states.items() if state.is_open)

    @property
    def after(self) -> int | None:
        """Seconds after which the page is refreshed; None where nothing runs."""
        if not (is_at_work(self.jobs) or self.is_training):
            return None
        return SOON if self.cells < MANY else LATER

    @property
    def dashboard(self) -> str | None:
        """The job's page on the Ray dashboard, where it runs on a cluster that has one."""
        address = (self.job.address if self.job else None) or ""
        if self.job is None or not address.startswith(("http://", "https://")):
            return None
        return f"{address.rstrip('/')}/#/jobs/{self.job.submission}" if self.job.submission else address


def job() -> str | Response:
    """Answer `/dragoman/job?grid=...`: at once, as cells are counted later; or with `form` the table as a file."""
    store = open_store()
    name = request.args.get("grid", "")
    others = [grid for grid in siblings(store, name) if grid != name]
    tables = {
        "cells": lambda: cell_table(name, progress(store, name)),
        "trainings": lambda: trainings(finetunings(store, name)),
        "runs": lambda: runs(store.jobs.of_grid(name)),
    }
    return taken(name, tables, request.args) or render_template(
        "dragoman/job.html",
        name=name,
        others=others,
        campaign=store.grids.get(name).spec.get("campaign"),
        experiment=experiment_link(name),
        said=store.annotations.of(name),
        can_be_stopped=is_at_work(store.jobs.of_grid(name)),
    )


def is_at_work(jobs: Sequence[JobRecord]) -> bool:
    """Whether the latest run of a grid is running or queued."""
    return bool(jobs) and (jobs[0].is_alive or jobs[0].state is JobState.QUEUED)


def job_state() -> str:
    """Answer `/dragoman/working?grid=...`: the part of the page that changes while a grid runs."""
    store = open_store()
    found = GridState.of(store, store.grids.get(request.args.get("grid", "")))
    hidden = max(0, store.jobs.count_lines(found.job.id) - LINES) if found.job else 0
    lines = store.jobs.lines(found.job.id, after=hidden) if found.job else []
    return render_template(
        "dragoman/working.html",
        found=found,
        lines=lines,
        hidden=hidden,
        cells=cell_table(found.grid.name, found.models),
        runs=runs(found.jobs),
        trainings=_without_text_curve(trainings(found.trainings)),
        curves={each.model: each.report.losses for each in found.trainings},
    )


def _without_text_curve(table: Table) -> Table:
    """The finetunings for a page, which draws their curves."""
    return replace(table, columns=[column for column in table.columns if column.key != "losses"])


def cell_table(grid: str, models: Mapping[str, Mapping[CellState, int]]) -> Table:
    """The number of cells in each state, by model."""
    return cells(models, "cells", f"{grid}: cells of each model by state").decorated({"model": model_link(grid=grid)})
