"""Shared arguments of the commands that read the store: opening it, and the names of grids, models and metrics."""

from contextlib import AbstractContextManager
from typing import Annotated

import typer

from dragoman.analysis.grid_search import search
from dragoman.analysis.systems import model_names, systems
from dragoman.analysis.test_sets import test_sets_of
from dragoman.cli import grid_names
from dragoman.errors import DragomanError, StoreError
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.terminal import say


def open_store() -> Store:
    """The store of the settings, for reading.

    Raises:
        StoreError: there is none yet.
    """
    return Store.open_existing(settings().store_url, settings().blobs_url)


def open_snapshot() -> AbstractContextManager[Store]:
    """The store of the settings as of one moment, in a single transaction (`Store.snapshot`).

    Raises:
        StoreError: there is none yet.
    """
    return Store.open_snapshot(settings().store_url, settings().blobs_url)


def complete_grids(incomplete: str) -> list[str]:
    """Names of grids for the shell."""
    try:
        return [name for name in open_store().grids.names() if name.startswith(incomplete)]
    except DragomanError:
        return []


def complete_tags(incomplete: str) -> list[str]:
    """Tags of grids for the shell."""
    try:
        found = {tag for each in open_store().annotations.all() for tag in each.tags}
    except DragomanError:
        return []
    return sorted(tag for tag in found if tag.startswith(incomplete))


def by_current_name(name: str | None) -> str | None:
    """The name of a grid, said where it is given by one that it had; any other name as it is."""
    current = grid_names.current_name(name) if name else None
    if current is not None:
        say(f"{name} is called {current} now.", err=True)
    return current or name


def chosen_latest(store: Store) -> str:
    """The grid that was run last, which is said.

    Raises:
        StoreError: there is none.
    """
    found = search(store)
    if not found:
        raise StoreError("The store holds no grid that is not archived: run one, or name one of `dragoman list --all`.")
    others = f"; `dragoman list` shows all {len(found)}" if len(found) > 1 else ""
    say(f"{'The latest grid' if others else 'The only grid'}, {found[0].grid}{others}.", err=True)
    return found[0].grid


def complete_models(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the grid's models for the shell."""
    try:
        names = model_names(open_store(), context.params.get("grid") or "")
    except DragomanError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_prompts(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the grid's prompts for the shell."""
    try:
        names = dict.fromkeys(str(row.prompt) for row in systems(open_store(), context.params.get("grid") or ""))
    except DragomanError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_test_sets(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the grid's test sets for the shell."""
    try:
        names = test_sets_of(open_store(), context.params.get("grid") or "")
    except DragomanError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_languages(incomplete: str) -> list[str]:
    """The languages of all grids for the shell."""
    try:
        grids = open_store().grids.all()
    except DragomanError:
        return []
    return sorted({tag for grid in grids for tag in grid.languages if tag.startswith(incomplete)})


def complete_metrics(incomplete: str) -> list[str]:
    """Names of installed metrics for the shell."""
    from dragoman.plugins import available

    return sorted(name for name in available("metrics") if name.startswith(incomplete))


GridArgument = Annotated[
    str,
    typer.Argument(metavar="GRID", help="Name of a grid.", autocompletion=complete_grids, callback=by_current_name),
]
OptionalGridArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[GRID]",
        help="Name of a grid; without one, the grids there are.",
        autocompletion=complete_grids,
        callback=by_current_name,
    ),
]
LatestGridArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[GRID]",
        help="Name of a grid; by default the latest.",
        autocompletion=complete_grids,
        callback=by_current_name,
    ),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="MODEL", help="Only this model; may be repeated.", autocompletion=complete_models),
]
MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric", metavar="METRIC", help="The metric; by default the grid's first.", autocompletion=complete_metrics
    ),
]
PromptOption = Annotated[
    str | None,
    typer.Option(
        "--prompt", metavar="NAME", help="Only this prompt, of those the spec names.", autocompletion=complete_prompts
    ),
]
TestSetOption = Annotated[
    str | None,
    typer.Option(
        "--test-set",
        metavar="NAME",
        help="Only this test set, of those the spec names, such as ntrex.",
        autocompletion=complete_test_sets,
    ),
]
OtherLanguagesOption = Annotated[
    bool,
    typer.Option(
        "--other-languages",
        help="Give means a second interval, in which other languages might have been chosen: these are a sample.",
    ),
]
WithQuotedOption = Annotated[
    bool,
    typer.Option("--with-quoted", help="Set quoted scores beside computed ones too: differences that are not tested."),
]
MicroOption = Annotated[
    bool, typer.Option("--micro", help="Weigh each pair by its segments instead of all pairs alike.")
]
LinesOption = Annotated[
    str | None,
    typer.Option(
        "--lines",
        metavar="LABEL=VALUE",
        help="Only test lines with this label, as in domain=news or original=source; of several, with commas between, "
        "all must hold.",
    ),
]
SignatureOption = Annotated[
    str | None,
    typer.Option(
        "--signature", metavar="TEXT", help="Only scores whose signature holds this text, such as 'version:2.6.0'."
    ),
]
