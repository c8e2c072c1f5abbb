"""`dragoman add-system`: translations from elsewhere as a system of a grid that is done."""

import os
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman import interruption
from dragoman.cli.arguments import GridArgument, complete_test_sets, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.cli.system_arguments import NameArgument, TrainedOnOption, columns_of, training_of
from dragoman.metrics.scoring import text_metrics
from dragoman.planning.added_systems import AddedSystem, add_system, baseline_of
from dragoman.settings import settings
from dragoman.tables.table import Table, number, word
from dragoman.tracking.added_systems import tell_mlflow


@grouped(Group.RESULTS)
@printed
def add(
    grid: GridArgument,
    name: NameArgument,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A file a pair (outputs/{source}-{target}.txt, or .tsv, .csv, .jsonl, .parquet), one table for all "
            "pairs, a WMT folder, lm-eval's samples, a file of `dragoman export`; a path or a URL.",
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, tsv, csv, jsonl, parquet, wmt, lm-eval or dragoman; by default told by the path.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="PART=COLUMN",
            help="A column of a table, by name or number from 0: hypothesis, text (the source sentence), pair, source "
            "and target (languages), line (number of the test sentence); may be repeated.",
        ),
    ] = None,
    sources: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Text files of the source sentences, to hold against the test set: src/{source}.txt.",
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            metavar="SYSTEM", help="Its name in a WMT folder, or MODEL:PROMPT in an exported grid; NAME by default."
        ),
    ] = None,
    test_set: Annotated[
        str | None,
        typer.Option(
            "--test-set",
            metavar="NAME",
            help="The test set that they are translations of; the grid's first by default.",
            autocompletion=complete_test_sets,
        ),
    ] = None,
    trained_on: TrainedOnOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line, and write nothing.")] = False,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that score; 0 is DRAGOMAN_WORKERS, else one for each core.")
    ] = 0,
) -> Answer:
    """Add translations from files to a grid as a system of its own: neither asked nor decoded here, only scored.

    Every line is held against the test set first, by its number and, where the files have them, by the source
    sentences; where one differs nothing is written. Adding the same again changes nothing.

    Examples: dragoman add-system demo nllb-54b 'outputs/{source}-{target}.txt' --trained-on all ·
    dragoman add-system demo online-b wmt24/ --system Online-B --dry-run ·
    dragoman add-system demo nllb-54b 'ntrex/{source}-{target}.txt' --test-set ntrex ·
    dragoman add-system demo ours rows.jsonl --column hypothesis=mt --column pair=lp --column text=src
    """
    given: dict[str, Any] = {"path": path, "format": form, "columns": columns_of(column or ()), "sources": sources}
    baseline = baseline_of(name, {**given, "system": system, "test_set": test_set}, training_of(trained_on or []))
    store = open_store()
    columns = (TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    interruption.keeps(f"Translations of {name} that were scored are kept: the same command adds the rest.")
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        added = add_system(
            store, grid, baseline, dry_run=dry_run, workers=workers or settings().workers or os.cpu_count() or 1,
            advance=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    said = [_sentence(grid, name, added, dry_run)]
    if not dry_run:
        metrics = store.grids.get(grid).metrics
        models = [metric for metric in metrics if metric not in text_metrics(metrics)]
        options = " ".join(f"--metric {metric}" for metric in models)
        said.append(f"`dragoman score {grid} {options}` adds the scores of models." if models else "")
        said.append(tell_mlflow(settings().mlflow_url, store, grid, added.read.identity.id) or "")
    return Answer([_table(grid, name, added)], " ".join(filter(None, said)))


def _table(grid: str, name: str, added: AddedSystem) -> Table:
    read = added.read
    rows = [
        {
            "model": name, "id": read.identity.id, "pair": str(cell.cell.pair),
            "lines": read.lines.get(cell.cell.pair, 0), "reason": cell.reason,
        }
        for cell in added.cells
    ]  # fmt: skip
    return Table(
        name="pairs",
        title=f"{grid}: translations of {name}",
        content=rows,
        columns=[word("pair"), number("lines", digits=0), word("reason", "missing because")],
    )


def _sentence(grid: str, name: str, added: AddedSystem, dry_run: bool) -> str:
    read = added.read
    counted = f"{sum(read.lines.values()):,} translations of {len(read.lines)} of {len(added.cells)} pairs"
    if dry_run:
        return f"{name}: {counted} fit the test set of {grid}; nothing was written."
    what = "is a system of" if added.is_new else "was there already, and has all its scores, in"
    return f"{name}: {counted}; it {what} {grid} ({read.identity.id}). `dragoman results {grid}` shows it."
