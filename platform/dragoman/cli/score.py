"""`dragoman score`: metrics for translations that are stored."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman import interruption
from dragoman.cli.arguments import GridArgument, complete_metrics, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed
from dragoman.errors import SpecError
from dragoman.metrics.errors.label import with_labels
from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.metrics.scoring import text_metrics
from dragoman.planning.model_metrics import with_options
from dragoman.settings import settings
from dragoman.spec.metric import written_metrics
from dragoman.store.maintenance.model_rescoring import rescore_with_model
from dragoman.store.maintenance.rescoring import Rescored, rescore
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word


@grouped(Group.RESULTS)
@printed
def score(
    grid: GridArgument,
    metric: Annotated[
        list[str],
        typer.Option(
            "--metric",
            metavar="METRIC",
            help="A metric; may be repeated. `errors` is all error labels. One that holds a model may have a name: "
            "comet:mine.",
            autocompletion=complete_metrics,
        ),
    ],
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="KEY=VALUE",
            help="An option of the one metric, such as checkpoint=PATH; over those that the grid's spec gives it.",
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Processes that score; 0 is DRAGOMAN_WORKERS, else one for each core. Those that load a model "
            "are DRAGOMAN_METRIC_WORKERS, else one.",
        ),
    ] = 0,
) -> Sequence[Table]:  # fmt: skip
    """Add metrics to the stored translations of a grid, without translating again.

    A cell that has a score under the metric's present signature is left alone; under another, such as that of an
    older version, it gets one beside it.

    Examples: dragoman score demo --metric chrf · dragoman score demo --metric ter --metric spbleu --workers 2 ·
    dragoman score demo --metric errors ·
    dragoman score demo --metric comet:mine --option checkpoint=models/mine
    """
    interruption.keeps(f"Scores of {grid} that were computed are kept: the same command computes the rest.")
    store, names = open_store(), with_labels(metric)
    models = with_options(given_options(store, grid, names, option or ()), "--option")
    columns = (TextColumn("scoring {task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    found: list[Rescored] = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def bar(name: str) -> Callable[[int, int], None]:
            task = progress.add_task(name, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        if texts := text_metrics(names):
            found += rescore(store, grid, texts, workers or settings().workers or os.cpu_count() or 1, bar(""))
        found += [_with_model(store, grid, each, bar(each.name)) for each in models]
    return [
        Table(
            name="scored",
            title=f"{grid}: cells by metric",
            content=[row._asdict() for row in sorted(found, key=lambda row: names.index(row.metric))],
            columns=[word("metric"), *(number(name, digits=0) for name in Rescored._fields[1:])],
        )
    ]


def given_options(store: Store, grid: str, metrics: Sequence[str], said: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The options of each metric: those of the grid's spec, and over them what the command says of its one metric.

    Raises:
        SpecError: an option is no assignment, or there are several metrics that it could be one of.
    """
    if said and len(metrics) > 1:
        raise SpecError(f"--option {said[0]} could be one of {len(metrics)} metrics: score with one metric at a time.")
    for each in said:
        if "=" not in each:
            raise SpecError(f"--option {each} gives no value: write --option KEY=VALUE.")
    written = written_metrics(store.grids.get(grid).spec)
    own = dict(each.split("=", 1) for each in said)
    return {name: {**written.get(name, {}), **own} for name in metrics}


def _with_model(store: Store, grid: str, metric: ConfiguredMetric, advance: Callable[[int, int], None]) -> Rescored:
    chosen = settings()
    return rescore_with_model(
        store, grid, metric, home=chosen.home.resolve(), device="cuda" if chosen.metric_gpus else "cpu",
        processes=chosen.metric_workers or 1, advance=advance,
    )  # fmt: skip
