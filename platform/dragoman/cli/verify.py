"""`dragoman verify`: a bundle computed again."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dragoman.cli.groups import Group, grouped
from dragoman.cli.output import Answer, printed
from dragoman.settings import settings
from dragoman.tables.table import Table, number, word

NOT_ALL = 3
"""Exit code where nothing is wrong, and some numbers could not be computed here."""


@grouped(Group.RESULTS)
@printed
def verify(
    file: Annotated[Path, typer.Argument(help="File that `dragoman export --format bundle` wrote.")],
    root: Annotated[
        str | None, typer.Option("--root", metavar="HASH", help="The root that was quoted elsewhere, in a paper say.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that score; 0 is DRAGOMAN_WORKERS, else one for each core.")
    ] = 0,
) -> Answer:
    """Compute every number of a bundle again from its texts, and name each that does not follow.

    It takes no store, model or GPU. Every byte is held against the hashes first; then scores, intervals, partitions,
    means and p-values are computed anew. Ends with exit code 1 if anything is not what it claims to be, and with 3 if
    nothing is wrong and a metric could not be computed here. Tables: findings, unchecked, left_out.

    Examples: dragoman verify demo.tar · dragoman verify demo.tar --root HASH --json
    """
    from dragoman.sharing.bundle.verification import verify as verified

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        found = verified(
            file, root=root, workers=workers or settings().workers or os.cpu_count() or 1,
            advance=lambda what, done, whole: progress.update(task, description=what, completed=done, total=whole),
        )  # fmt: skip
    rows = [each._asdict() for each in found.findings]
    findings = Table(
        "findings", "What is not what it claims to be",
        [word("place"), word("what"), word("claimed"), word("found", "follows")], rows,
    )  # fmt: skip
    lacking = [each._asdict() for each in found.unchecked]
    unchecked = Table(
        "unchecked", "Numbers that could not be computed here",
        [word("metric"), word("signature"), number("numbers", digits=0), word("reason")], lacking,
    )  # fmt: skip
    absent = Table(
        "left_out", "Systems that are not in it, as their scores are quoted",
        [word("name", "system"), word("scores")], [each.model_dump() for each in found.left_out],
    )  # fmt: skip
    counted = f"{found.numbers:,} numbers were computed again"
    said = [f"root {found.root}"]
    if found.findings:
        said += [str(each) for each in found.findings]
        said.append(f"{file} is not what it claims to be: {len(found.findings):,} findings; {counted}.")
    else:
        said.append(f"{file} is whole, and {counted}: all follow from its texts.")
    said += [
        f"Not computed here: {each.numbers:,} numbers of {each.metric}"
        f"{f' ({each.signature})' if each.signature else ''}, as {each.reason}."
        for each in found.unchecked
    ]
    said += [
        f"Not in it: {each.name}, whose scores are {each.scores}: nothing of them can be computed."
        for each in found.left_out
    ]
    code = 1 if found.findings else NOT_ALL if found.unchecked else 0
    return Answer([findings, unchecked, absent], "\n".join(said), is_sentence_enough=True, code=code)
