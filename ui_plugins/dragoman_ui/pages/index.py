"""The index page: every grid of the store with its progress."""

from collections import Counter
from typing import NamedTuple

from flask import render_template, request

from dragoman.cell import CellState
from dragoman.store.jobs.progress import progress
from dragoman.store.records import GridRecord, JobRecord
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store

SOON_COUNTED = 20_000
"""Number of cells above which they are counted after the page has loaded."""


class GridProgress(NamedTuple):
    """Progress of one grid."""

    name: str
    """The grid's name."""
    states: dict[CellState, int]
    """The number of its cells in each state that occurs."""
    job: JobRecord | None
    """The latest run of it."""

    @classmethod
    def of(cls, store: Store, grid: str) -> "GridProgress":
        """Count the cells of a grid.

        Raises:
            StoreError: there is no such grid.
        """
        counts = sum((Counter(states) for states in progress(store, grid).values()), Counter[CellState]())
        states = {state: counts[state] for state in CellState if counts[state]}
        return cls(grid, states, next(iter(store.jobs.of_grid(grid)), None))

    @property
    def cells(self) -> int:
        """All its cells."""
        return sum(self.states.values())


def index() -> str:
    """Answer `/dragoman/`."""
    store = open_store()
    grids = store.grids.all()
    counted = {grid.name: GridProgress.of(store, grid.name) for grid in grids if _is_soon_counted(grid)}
    groups: dict[str, list[GridRecord]] = {}
    for grid in grids:
        groups.setdefault(grid.spec.get("campaign") or "", []).append(grid)
    return render_template("dragoman/index.html", groups=groups, counted=counted)


def progress_of_grid() -> str:
    """Answer `/dragoman/progress?grid=...`: the part of a page with a grid's progress."""
    found = GridProgress.of(open_store(), request.args.get("grid", ""))
    return render_template("dragoman/progress.html", found=found)


def _is_soon_counted(grid: GridRecord) -> bool:
    return len(grid.models) * len(grid.languages) ** 2 <= SOON_COUNTED
