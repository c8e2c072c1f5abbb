"""The tabs of a grid: its pages, with links that keep what was chosen on the page they are on."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import current_app, url_for

from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names

QUESTION = ("metric", "signature", "prompt", "test_set", "lines")
"""Parameters that say which scores are looked at."""


class Tab(NamedTuple):
    """A link to one of a grid's pages."""

    name: str
    """Its name for the page that it leads to."""
    title: str
    """Its text."""
    address: str
    """Where it leads."""


_TABS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "overview": ("Overview", "dragoman.overview", QUESTION),
    "pairs": ("Pairs", "dragoman.grid", (*QUESTION, "model", "show", "order", "only", "against")),
    "partitions": ("Partitions", "dragoman.partitions", (*QUESTION, "model", "only")),
    "runs": ("Runs", "dragoman.runs", QUESTION),
    "compare": ("Compare", "dragoman.compare", (*QUESTION, "model", "order", "against")),
    "job": ("Progress", "dragoman.job", ()),
    "models": ("Models", "dragoman.grid_models", QUESTION),
}
"""Titles, endpoints and the parameters that each page takes, in their order."""


def tabs_of(grid: str, kept: Mapping[str, str]) -> list[Tab]:
    """The tabs of a grid; the comparison only where there is something to compare.

    Args:
        grid: its name.
        kept: query parameters of the page that the tabs are on.

    Raises:
        StoreError: there is no such grid.
    """
    names = Names.of(open_store(), grid)
    found = []
    for name, (title, endpoint, taken) in _TABS.items():
        query: dict[str, Any] = {key: value for key, value in kept.items() if key in taken and value is not None}
        if name == "compare":
            if query.get("model") in names.quoted:  # whose scores can't be tested
                del query["model"]
            if sum(model not in names.quoted for model in names.models) + len(names.baselines) < 2:
                continue
        if endpoint in current_app.view_functions:
            found.append(Tab(name, title, url_for(endpoint, grid=grid, **query)))
    return found
