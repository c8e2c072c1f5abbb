"""`dragoman score`: metrics for translations that are stored."""

import os
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman.cli.arguments import GridArgument, complete_metrics, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import printed
from dragoman.metrics.errors.label import with_labels
from dragoman.settings import settings
from dragoman.store.maintenance.rescoring import rescore
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
            help="A metric; may be repeated. `errors` is all error labels.",
            autocompletion=complete_metrics,
        ),
    ],
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that score; 0 is DRAGOMAN_WORKERS, else one for each core.")
    ] = 0,
) -> Sequence[Table]:
    """Add metrics to the stored translations of a grid, without translating again.

    A cell that has a score under the metric's present signature is left alone; under another, such as that of an
    older version, it gets one beside it.

    Examples: dragoman score demo --metric chrf · dragoman score demo --metric ter --metric spbleu --workers 2 ·
    dragoman score demo --metric errors
    """
    store = open_store()
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        found = rescore(
            store,
            grid,
            with_labels(metric),
            workers or settings().workers or os.cpu_count() or 1,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    return [
        Table(
            name="scored",
            title=f"{grid}: cells by metric",
            content=[row._asdict() for row in found],
            columns=[word("metric"), *(number(name, digits=0) for name in found[0]._fields[1:])],
        )
    ]
