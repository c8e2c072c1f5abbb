"""The campaign page: the progress of all grids of a sweep, together and one by one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flask import Response, render_template, request, url_for
from markupsafe import Markup

from dragoman.analysis.campaigns import campaigns
from dragoman.cell import CellState
from dragoman.errors import StoreError, nearest
from dragoman.reports.jobs import state
from dragoman.store.records import JobLine
from dragoman.store.store import Store
from dragoman.tables.table import Decoration, Row, Table, number, word
from dragoman_ui.pages.job import GridState
from dragoman_ui.responses.downloads import taken
from dragoman_ui.viewmodels.mlflow_links import experiment_link
from dragoman_ui.viewmodels.store import open_store


class CampaignState(NamedTuple):
    """Progress of the grids of a campaign."""

    name: str
    """The campaign's name."""
    grids: list[GridState]
    """Each of its grids, the latest first."""

    @classmethod
    def of(cls, store: Store, name: str) -> "CampaignState":
        """Read a campaign from the store.

        Raises:
            StoreError: there is no such campaign.
        """
        return cls(name, [GridState.of(store, store.grids.get(grid)) for grid in grids_of(store, name)])

    @property
    def states(self) -> Counter[CellState]:
        """Cells in each state, over all grids; one that two of them share counts in both."""
        found = sum((grid.states for grid in self.grids), Counter[CellState]())
        return Counter({state: found[state] for state in CellState if found[state]})

    @property
    def cells(self) -> int:
        """All cells."""
        return self.states.total()

    @property
    def left(self) -> int:
        """Cells that a run would still do."""
        return sum(grid.left for grid in self.grids)

    @property
    def at_work(self) -> int:
        """Grids that are running or queued."""
        return sum(grid.after is not None for grid in self.grids)

    @property
    def tokens_per_second(self) -> float:
        """Total throughput that the running drivers report."""
        running = (grid.job.progress or {} for grid in self.grids if grid.job and grid.job.is_alive)
        return sum(said.get("tokens_per_second") or 0.0 for said in running)

    @property
    def failure(self) -> tuple[str, JobLine] | None:
        """The first failure of all latest runs, with the grid it was in."""
        found = [(grid.grid.name, grid.failure) for grid in self.grids if grid.failure]
        return min(found, key=lambda each: each[1].at, default=None)

    @property
    def after(self) -> int | None:
        """Seconds after which the page is refreshed; None where nothing runs."""
        return max((grid.after for grid in self.grids if grid.after is not None), default=None)


def grids_of(store: Store, name: str) -> list[str]:
    """The grids of a campaign, the latest first.

    Raises:
        StoreError: there is no such campaign.
    """
    known = campaigns(store)
    if name not in known:
        raise StoreError(f"The store has no campaign '{name}': {nearest(name, known)}")
    return known[name]


def campaign() -> str | Response:
    """Answer `/dragoman/campaign?name=...`: at once, as cells are counted later; or with `form` the table as a file."""
    store, name = open_store(), request.args.get("name", "")
    grids = grids_of(store, name)
    tables = {"grids": lambda: grid_table(CampaignState.of(store, name))}
    return taken(name, tables, request.args) or render_template("dragoman/campaign.html", name=name, grids=grids)


def campaign_state() -> str:
    """Answer `/dragoman/swept?name=...`: the part of the page that changes while grids run."""
    found = CampaignState.of(open_store(), request.args.get("name", ""))
    experiments = experiment_links([grid.grid.name for grid in found.grids])
    states = {grid.grid.name: grid.states for grid in found.grids}
    return render_template("dragoman/swept.html", found=found, states=states, table=grid_table(found, experiments))


def experiment_links(grids: Sequence[str]) -> dict[str, str]:
    """The MLflow experiments of some grids, where they have one."""
    return {grid: link for grid in grids if (link := experiment_link(grid))}


def grid_table(found: CampaignState, experiments: Mapping[str, str] | None = None) -> Table:
    """The grids with the number of their cells in each state.

    Args:
        found: the campaign.
        experiments: addresses of grids' MLflow experiments.
    """
    rows = [
        {
            "grid": grid.grid.name,
            "run": state(grid.job) if grid.job else None,
            "cells": grid.cells,
            **{each.value: grid.states[each] for each in CellState},
            "left": grid.left,
            "first_failure": grid.failure.text if grid.failure else None,
        }
        for grid in found.grids
    ]
    columns = [
        word("grid"),
        word("run"),
        *(number(each.value, digits=0) for each in CellState),
        number("cells", digits=0),
        number("left", digits=0),
    ]
    table = Table(name="grids", title=f"{found.name}: grids with their cells by state", content=rows, columns=columns)
    return table.decorated(
        {
            "grid": Decoration(html=lambda row: _links(row["grid"], experiments or {})),
            "run": Decoration(link=_run_page, label=lambda row: f"Latest run of {row['grid']}"),
        }
    )


def _links(grid: str, experiments: Mapping[str, str]) -> Markup:
    """A grid, with links to its page, its runs and its MLflow experiment."""
    found = Markup('<a href="{}">{}</a><small><a href="{}" aria-label="Runs of {}">runs</a></small>').format(
        url_for("dragoman.grid", grid=grid), grid, url_for("dragoman.runs", grid=grid), grid
    )
    if grid in experiments:
        link = Markup('<small><a href="{}" aria-label="{} in MLflow">MLflow</a></small>')
        found += link.format(experiments[grid], grid)
    return found


def _run_page(row: Row) -> str | None:
    return url_for("dragoman.job", grid=row["grid"]) if row["run"] else None
