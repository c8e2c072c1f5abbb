"""`dragoman publish`: a grid's heat maps, tables, comparisons, ranking and sentences as a static site."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman import interruption
from dragoman.cli.arguments import GridArgument, SignatureOption, complete_metrics, complete_models, open_snapshot
from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.tables.table import Table, number, word


@grouped(Group.RESULTS)
@printed
def publish(
    grid: GridArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write, for example docs/demo.")],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric", metavar="METRIC", help="Only this metric; may be repeated. The first one is shown first.",
            autocompletion=complete_metrics,
        ),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(
            "--system", "--model", metavar="MODEL", help="Only this model, with all its prompts; may be repeated.",
            autocompletion=complete_models,
        ),
    ] = None,
    test_set: Annotated[
        list[str] | None,
        typer.Option(
            "--test-set", metavar="NAME",
            help="Only this test set of a grid with several; may be repeated. The first one is shown first.",
        ),
    ] = None,
    signature: SignatureOption = None,
    sentences: Annotated[
        bool | None,
        typer.Option(
            "--sentences/--no-sentences",
            help="Publish sources, references and hypotheses, or only scores; by default all, unless the terms of the "
            "test set are against it: then you are asked to say.",
            show_default=False,
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the site; the grid's name by default.")] = None,
    noindex: Annotated[bool, typer.Option("--noindex", help="Ask search engines to leave every page out.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that holds other files, which stay there.")
    ] = False,
) -> Answer:  # fmt: skip
    """Write a grid as a static site: heat maps, partitions, comparisons, ranking and sentences, in files.

    It needs no server and fetches nothing: it opens from a folder and can be put on any host of files. A folder that
    was published before is replaced once the new site is whole. No path of this machine and no secret is in it. Tables:
    site.

    Examples: dragoman publish demo site · dragoman publish demo site --metric chrf++ --no-sentences ·
    dragoman publish demo site --test-set news --title "Roles of languages" --noindex
    """
    from dragoman_ui.publishing.folder import SiteFolder
    from dragoman_ui.publishing.publish import Publication
    from dragoman_ui.publishing.publish import publish as publish_site

    asked = Publication(
        grid=grid, metrics=metric or (), models=system or (), test_sets=test_set or (), signature=signature,
        sentences=sentences, title=title, is_hidden=noindex,
    )  # fmt: skip
    interruption.keeps(f"{folder} is as it was, without the new site: the same command writes it.")
    with open_snapshot() as store, SiteFolder(folder, force=force) as made, progress() as advance:
        done = publish_site(store, asked, made, advance)
    row = {"grid": grid, "folder": str(folder), **done._asdict()}
    sentence = f"{grid}: {done.files:,} files, {done.bytes:,} bytes in {folder}: open {folder / 'index.html'}."
    return Answer([_table(row)], sentence, is_sentence_enough=True)


def _table(row: dict[str, object]) -> Table:
    columns = [word("grid"), word("folder"), *(number(key, digits=0) for key in ("files", "bytes", "pages", "pairs"))]
    return Table("site", "Published", [*columns, word("has_sentences", "sentences")], [row])


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each kind of page, with the time left, on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        yield advance
