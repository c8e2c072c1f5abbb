"""What the commands that read the store have in common: opening it, and the names of grids, models and metrics."""

from collections.abc import Sequence
from typing import Annotated

import typer

from dragoman.analysis.partition_table import metric_names, model_names
from dragoman.analysis.systems import Asked, asked
from dragoman.errors import DragomanError, StoreError, nearest
from dragoman.settings import settings
from dragoman.store.store import Store


def open_store() -> Store:
    """The store of the settings, for reading.

    Raises:
        StoreError: there is none yet.
    """
    return Store.open_existing(settings().store_url, settings().blobs_url)


def chosen_metric(store: Store, grid: str, metric: str | None) -> str:
    """The metric asked for, or the grid's first.

    Raises:
        StoreError: the grid is unknown, or has no scores of that metric, or of none.
    """
    metrics = metric_names(store, grid)
    if not metrics:
        raise StoreError(f"Grid '{grid}' names no metric and has no scores: `dragoman score {grid} --metric METRIC`.")
    if metric is None:
        return metrics[0]
    if metric not in metrics:
        raise StoreError(
            f"Grid '{grid}' has no scores of '{metric}'; {nearest(metric, metrics)} "
            f"`dragoman score {grid} --metric {metric}` adds an installed metric to translations that are stored."
        )
    return metric


def chosen_models(store: Store, grid: str, models: Sequence[str] | None) -> list[str]:
    """The models asked for, or all of the grid, in its order and the base first.

    Raises:
        StoreError: the grid or a model is unknown.
    """
    names = model_names(store, grid)
    for model in models or ():
        if model not in names:
            raise StoreError(f"Grid '{grid}' has no model '{model}'; {nearest(model, names)}")
    return [name for name in names if not models or name in models]


def chosen_rows(store: Store, grid: str, models: Sequence[str], prompt: str | None = None) -> list[Asked]:
    """The models asked for with each of their prompts, or with the one asked for.

    Raises:
        StoreError: the grid is unknown, or has no prompt of that name.
    """
    rows = asked(store, grid)
    if prompt is not None and prompt not in {row.prompt for row in rows}:
        raise StoreError(f"Grid '{grid}' has no prompt '{prompt}'; {nearest(prompt, (row.prompt for row in rows))}")
    return [row for row in rows if row.model in models and prompt in (None, row.prompt)]


def weighing(micro: bool) -> str:
    """How pairs are weighed in a mean, for titles."""
    return "weighted by segments" if micro else "each pair alike"


def complete_grids(incomplete: str) -> list[str]:
    """Names of grids for the shell."""
    try:
        return [grid.name for grid in open_store().grids() if grid.name.startswith(incomplete)]
    except DragomanError:
        return []


def complete_models(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the grid's models for the shell."""
    try:
        names = model_names(open_store(), context.params.get("grid") or "")
    except DragomanError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def complete_metrics(incomplete: str) -> list[str]:
    """Names of installed metrics for the shell."""
    from dragoman.plugins import available

    return sorted(name for name in available("metrics") if name.startswith(incomplete))


GridArgument = Annotated[str, typer.Argument(metavar="GRID", help="Name of a grid.", autocompletion=complete_grids)]
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
    str | None, typer.Option("--prompt", metavar="NAME", help="Only this prompt, of those the spec names.")
]
MicroOption = Annotated[
    bool, typer.Option("--micro", help="Weigh each pair by its segments instead of all pairs alike.")
]
SignatureOption = Annotated[
    str | None,
    typer.Option(
        "--signature", metavar="TEXT", help="Only scores whose signature holds this text, such as 'version:2.6.0'."
    ),
]
