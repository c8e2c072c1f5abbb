"""The index page: the grids of the store with their progress, found by words and tags."""

from collections import Counter
from typing import NamedTuple

from flask import render_template, request

from dragoman.analysis.grid_search import GridOrder, search
from dragoman.cell import CellState
from dragoman.reports.jobs import state_without_run
from dragoman.store.jobs.progress import progress
from dragoman.store.jobs.trainings import finetunings
from dragoman.store.records import GridRecord, JobRecord
from dragoman.store.repositories.annotations import GridAnnotation
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingStanding, TrainingState
from dragoman_ui.viewmodels.store import open_store

SOON_COUNTED = 20_000
"""Number of cells above which they are counted after the page has loaded."""

_SHOWN = (TrainingState.TRAINING, TrainingState.INTERRUPTED, TrainingState.FAILED)
"""States of finetunings that a card shows: of the others, the cells say enough."""


class GridProgress(NamedTuple):
    """Progress of one grid."""

    name: str
    """The grid's name."""
    states: dict[CellState, int]
    """The number of its cells in each state that occurs."""
    job: JobRecord | None
    """The latest run of it."""
    trainings: list[TrainingStanding]
    """Its finetunings that are under way, were interrupted, or failed."""

    @classmethod
    def of(cls, store: Store, grid: str) -> "GridProgress":
        """Count the cells of a grid.

        Raises:
            StoreError: there is no such grid.
        """
        counts = sum((Counter(states) for states in progress(store, grid).values()), Counter[CellState]())
        states = {state: counts[state] for state in CellState if counts[state]}
        trainings = [each for each in finetunings(store, grid) if each.state in _SHOWN]
        return cls(grid, states, next(iter(store.jobs.of_grid(grid)), None), trainings)

    @property
    def state(self) -> str:
        """How a grid stands that was not run here."""
        return "done" if state_without_run(self.states) == CellState.DONE.value else CellState.PLANNED.word

    @property
    def cells(self) -> int:
        """All its cells."""
        return sum(self.states.values())


class _Listed(NamedTuple):
    """A grid of the list."""

    grid: GridRecord
    """The grid."""
    said: GridAnnotation
    """What people say of it."""


def index() -> str:
    """Answer `/dragoman/`: with `search`, `tag`, `sort` and `all`, the grids that these find."""
    store, asked = open_store(), request.args
    order = GridOrder(asked["sort"]) if asked.get("sort") in set(GridOrder) else GridOrder.RECENT
    chosen = asked.get("tag", "")
    every = store.annotations.all()
    found = search(
        store, asked.get("search", ""), tags=[chosen] if chosen else (), order=order, archived="all" in asked
    )
    listed = [_Listed(store.grids.get(each.grid), each) for each in found]
    counted = {each.grid.name: GridProgress.of(store, each.grid.name) for each in listed if _is_soon_counted(each.grid)}
    groups: dict[str, list[_Listed]] = {}
    for each in listed:
        groups.setdefault(each.grid.spec.get("campaign") or "", []).append(each)
    return render_template(
        "dragoman/index.html",
        groups=groups,
        counted=counted,
        every=len(every),
        archived=sum(1 for each in every if each.archived),
        tags=sorted({tag for each in every for tag in each.tags}),
        orders=[(each.value, _ORDERS[each]) for each in GridOrder],
        asked={"search": asked.get("search", ""), "tag": chosen, "sort": order.value, "all": "all" in asked},
    )


_ORDERS = {GridOrder.RECENT: "last run first", GridOrder.CREATED: "newest first", GridOrder.NAME: "name"}
"""Orders in words."""


def progress_of_grid() -> str:
    """Answer `/dragoman/progress?grid=...`: the part of a page with a grid's progress."""
    found = GridProgress.of(open_store(), request.args.get("grid", ""))
    return render_template("dragoman/progress.html", found=found)


def _is_soon_counted(grid: GridRecord) -> bool:
    return len(grid.models) * len(grid.languages) ** 2 <= SOON_COUNTED
