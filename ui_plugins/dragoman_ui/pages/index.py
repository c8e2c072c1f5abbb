"""The first page: every grid of the store, and how far each has come."""

from collections import Counter

from flask import render_template
from pydantic import BaseModel, ConfigDict

from dragoman.cell import CellState
from dragoman.store.progress import progress
from dragoman.store.records import GridRecord, JobRecord
from dragoman_ui.reading import open_store


class GridSummary(BaseModel):
    """One grid and how far it has come."""

    model_config = ConfigDict(frozen=True)

    grid: GridRecord
    """The grid."""
    states: dict[CellState, int]
    """The number of its cells in each state that occurs."""
    job: JobRecord | None
    """The latest run of it."""

    @property
    def cells(self) -> int:
        """All its cells."""
        return sum(self.states.values())


def summaries() -> list[GridSummary]:
    """Every grid, the latest first."""
    store = open_store()
    found = []
    for grid in store.grids():
        counts = sum((Counter(states) for states in progress(store, grid.name).values()), Counter[CellState]())
        states = {state: counts[state] for state in CellState if counts[state]}
        found.append(GridSummary(grid=grid, states=states, job=next(iter(store.jobs(grid.name)), None)))
    return found


def index() -> str:
    """Answer `/dragoman/`."""
    return render_template("dragoman/index.html", summaries=summaries(), CellState=CellState)
