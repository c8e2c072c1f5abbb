"""Arguments of the commands that add a system to a grid: its name, its columns, what it was trained on."""

from typing import Annotated

import typer

from dragoman.errors import SpecError

WORDS = ("all", "nothing", "unknown")
"""What `--trained-on` may be besides pairs."""

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the system in tables.")]
TrainedOnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trained-on",
        metavar="PAIR",
        help="A pair it was trained on, or all, nothing, unknown (the default); may be repeated.",
    ),
]


def columns_of(written: list[str] | tuple[()]) -> dict[str, str | int]:
    """A column map as `--column PART=COLUMN` writes it.

    Raises:
        SpecError: it is none.
    """
    columns: dict[str, str | int] = {}
    for each in written:
        part, equals, column = each.partition("=")
        if not equals:
            raise SpecError(f"--column is '{each}': write PART=COLUMN, such as hypothesis=mt.")
        columns[part] = int(column) if column.isascii() and column.isdigit() else column
    return columns


def training_of(written: list[str]) -> str | list[str]:
    """A training graph as `--trained-on` writes it."""
    if not written:
        return "unknown"
    return written[0] if len(written) == 1 and written[0] in WORDS else written
