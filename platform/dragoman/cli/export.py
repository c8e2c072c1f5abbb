"""`dragoman export`: a grid in a file or folder, for another store or for others to read."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman import interruption
from dragoman.cli.arguments import GridArgument, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.errors import StoreError
from dragoman.terminal import say

if TYPE_CHECKING:
    from dragoman.store.store import Store


class Layout(StrEnum):
    """The forms in which a grid is written."""

    DRAGOMAN = "dragoman"
    BUNDLE = "bundle"
    MT_METRICS_EVAL = "mt-metrics-eval"
    MODEL_INDEX = "model-index"
    MTEB = "mteb"


_FOLDERS = (Layout.MT_METRICS_EVAL, Layout.MTEB)
_OF_SYSTEM = (Layout.MODEL_INDEX, Layout.MTEB)


@grouped(Group.STORE)
def export(
    grid: GridArgument,
    place: Annotated[
        Path, typer.Argument(metavar="PLACE", help="File or new folder to write: demo.zip, demo.tar, wmt/.")
    ],
    layout: Annotated[
        Layout,
        typer.Option(
            "--format",
            help="dragoman: a file for `dragoman import`; bundle: a file that `dragoman verify` computes again, "
            "with no store; mt-metrics-eval: a folder of texts and scores; model-index: YAML for a Hugging Face card; "
            "mteb: a folder of JSON results.",
        ),
    ] = Layout.DRAGOMAN,
    system: Annotated[
        str | None,
        typer.Option(
            "--system",
            metavar="SYSTEM",
            help="The system, MODEL or MODEL:PROMPT: of model-index, and for mteb one alone.",
        ),
    ] = None,
    pairs: Annotated[bool, typer.Option("--pairs", help="A result for each pair, too, in model-index.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a whole grid into one file: models, training graphs, contamination, cells, scores, hypotheses, test texts.

    Other forms are for others to read, or to check: --format names them. What is written appears once it is whole.

    Examples: dragoman export demo demo.zip · dragoman export demo demo.tar --format bundle ·
    dragoman export demo wmt/ --format mt-metrics-eval ·
    dragoman export demo card.yaml --format model-index --system english-centric --pairs
    """
    if system is not None and layout not in _OF_SYSTEM:
        raise StoreError(f"--system does not go with --format {layout}, which has all systems: leave it out.")
    if pairs and layout is not Layout.MODEL_INDEX:
        raise StoreError(f"--pairs does not go with --format {layout}: leave it out.")
    if layout is Layout.MODEL_INDEX and system is None:
        raise StoreError("--format model-index is about one system: name it with --system.")
    if layout not in _FOLDERS:
        if place.is_dir():
            raise StoreError(f"{place} is a folder: give the name of a file.")
        if place.exists() and not overwrite:
            raise StoreError(f"{place} is there already: choose another name, or replace it with --overwrite.")
    elif overwrite:
        raise StoreError(f"--overwrite does not go with --format {layout}: give the name of a new folder.")
    interruption.keeps(f"Nothing was written to {place}, and {grid} is as it was: the same command writes it.")
    for line in _write(grid, place, layout, system=system, pairs=pairs):
        say(line, err=True)


def _write(grid: str, place: Path, layout: Layout, *, system: str | None, pairs: bool) -> list[str]:
    """Write the grid, and return what is said of it."""
    store = open_store()
    columns = (TextColumn("writing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def advance(done: int, whole: int) -> None:
            progress.update(task, completed=done, total=whole)

        match layout:
            case Layout.DRAGOMAN:
                from dragoman.store.transfer.exporter import export_grid

                export_grid(store, grid, place)
            case Layout.BUNDLE:
                from dragoman.sharing.bundle.writing import write_bundle

                root = write_bundle(store, grid, place, advance=advance)
                size = place.stat().st_size
                return [
                    f"{grid}: {size:,} bytes in {place}. Its root, which a paper can quote:", root,
                    f"`dragoman verify {place} --root {root}` checks it anywhere.", *_left_out(store, grid),
                ]  # fmt: skip
            case Layout.MT_METRICS_EVAL:
                from dragoman.sharing.mt_metrics_eval import write_folders

                write_folders(store, grid, place, advance=advance)
            case Layout.MODEL_INDEX:
                from dragoman.sharing.model_index import model_index_yaml
                from dragoman.sharing.new_folder import write_new

                write_new(place, model_index_yaml(store, grid, str(system), pairs=pairs))
            case Layout.MTEB:
                from dragoman.sharing.mteb import write_results

                write_results(store, grid, place, system=system)
    notes = _left_out(store, grid) if layout in _FOLDERS and system is None else []
    if place.is_dir():
        sizes = [path.stat().st_size for path in place.rglob("*") if path.is_file()]
        return [f"{grid}: {len(sizes):,} files, {sum(sizes):,} bytes in {place}.", *notes]
    return [f"{grid}: {place.stat().st_size:,} bytes in {place}."]


def _left_out(store: "Store", grid: str) -> list[str]:
    """What is said of systems that have no translations to share."""
    from dragoman.sharing.shared_grid import left_out

    return [
        f"Left out: {name}, whose scores are {phrase}: there are no translations to share."
        for name, phrase in left_out(store, grid).items()
    ]
