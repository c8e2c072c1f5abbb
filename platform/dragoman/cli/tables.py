"""The one place that prints a table: to a terminal, as JSON, CSV, Markdown, or LaTeX for a paper.

A command returns `Table`s and is decorated with `printed`; the forms and their options are then the same everywhere.
Equal tables print the same bytes: numbers are rounded once, and nothing of the time or the machine is added.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property, wraps
from itertools import pairwise
from typing import Annotated, Any

import typer

from dragoman.cli.forms import as_csv, as_json, as_latex, as_markdown, as_text
from dragoman.errors import DragomanError, nearest

Row = Mapping[str, Any]
"""One row as plain values (text, numbers, booleans, None) by name: what JSON and CSV hold."""


class OutputError(DragomanError):
    """A form of output, or a table, that can't be had."""


class Form(StrEnum):
    """How tables are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    LATEX = "latex"


@dataclass(frozen=True)
class Column:
    """A column for the eye: how one row's values are written in it."""

    heading: str
    """What stands at the top."""
    text: Callable[[Row], str]
    """The cell's text."""
    right: bool = True
    """Numbers stand to the right, words to the left."""
    style: Callable[[Row], str] | None = None
    """The cell's rich style, on a terminal only."""


@dataclass(frozen=True)
class Table:
    """Rows as plain values for programs, and columns that write them for the eye."""

    name: str
    """The key in JSON, the value of `--table`, the label in LaTeX."""
    title: str
    """The line above it; the caption in LaTeX."""
    columns: Sequence[Column]
    """For text, Markdown and LaTeX."""
    content: Sequence[Row] | Callable[[], Sequence[Row]]
    """The rows in the order they are printed, all with the same keys; or what finds them when they are printed."""
    notes: Sequence[str] = ()
    """Sentences below it."""
    group: str | tuple[str, ...] | None = None
    """A rule is drawn where this value, or one of these, changes."""
    stub: int = 1
    """How many first columns are repeated when a terminal is too narrow for all."""
    detail: bool = False
    """Left out of text, Markdown and LaTeX unless asked for by name."""

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows."""
        return self.content() if callable(self.content) else self.content

    @property
    def breaks(self) -> list[int]:
        """Indices of the rows above which a rule is drawn."""
        if self.group is None:
            return []
        keys = (self.group,) if isinstance(self.group, str) else self.group
        groups = [[row[key] for key in keys] for row in self.rows]
        return [index for index, (above, below) in enumerate(pairwise(groups), start=1) if above != below]


def of_pair(fact: Any) -> Row:
    """The row of a dataclass that is about a pair: its two languages, then its other fields."""
    fields = asdict(fact)
    source, target = fields.pop("pair")
    return {"source": source, "target": target, **fields}


def word(key: str, heading: str | None = None) -> Column:
    """A column of words."""
    return Column(key.replace("_", " ") if heading is None else heading, lambda row: _worded(row[key]), right=False)


def number(key: str, heading: str | None = None, digits: int = 1, sign: bool = False) -> Column:
    """A column of numbers with fixed digits; what is not there is a dash."""
    return Column(key.replace("_", " ") if heading is None else heading, lambda row: figure(row[key], digits, sign))


def interval(low: str, high: str, heading: str = "95% interval", digits: int = 1, sign: bool = False) -> Column:
    """A column of two bounds."""

    def bounds(row: Row) -> str:
        if row[low] is None or row[high] is None:
            return "-"
        return f"[{figure(row[low], digits, sign)}, {figure(row[high], digits, sign)}]"

    return Column(heading, bounds)


def figure(value: float | None, digits: int = 1, sign: bool = False) -> str:
    """A number with fixed digits, a dash for None; never a negative zero."""
    if value is None:
        return "-"
    rounded = round(value, digits) + 0.0
    return f"{rounded:{'+' if sign else ''}.{digits}f}"


def printed(command: Callable[..., Sequence[Table]]) -> Callable[..., None]:
    """Make a command of a function that returns tables: adds the options of output and prints in the form chosen."""
    signature = inspect.signature(command, eval_str=True)

    @wraps(command)
    def run(**arguments: Any) -> None:
        form = _form({name: arguments.pop(name) for name in ("json", "csv", "markdown", "latex")})
        only = arguments.pop("table")
        text = render(command(**arguments), form, only)
        if text or form is Form.JSON:
            sys.stdout.write(text)
        else:
            typer.echo("There are no rows to show.", err=True)

    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
             for name, (annotation, default) in _OPTIONS.items()]  # fmt: skip
    run.__dict__["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), *added], return_annotation=None
    )
    return run


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "json": (Annotated[bool, typer.Option("--json", help="Print JSON: every table, as rows.")], False),
    "csv": (Annotated[bool, typer.Option("--csv", help="Print CSV: the first table, or the one of --table.")], False),
    "markdown": (Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")], False),
    "latex": (Annotated[bool, typer.Option("--latex", help="Print LaTeX tables (booktabs).")], False),
    "table": (Annotated[str | None, typer.Option(metavar="NAME", help="Print only the table of this name.")], None),
}


def _form(flags: Mapping[str, bool]) -> Form:
    asked = [name for name, is_set in flags.items() if is_set]
    if len(asked) > 1:
        raise OutputError(f"--{asked[0]} and --{asked[1]} are two forms of output: choose one.")
    return Form(asked[0]) if asked else Form.TEXT


def render(tables: Sequence[Table], form: Form, only: str | None = None) -> str:
    """The text of some tables in one form; of one of them where a name is given.

    Raises:
        OutputError: there is no table of that name.
    """
    if only is not None:
        names = [table.name for table in tables]
        if only not in names:
            raise OutputError(f"There is no table '{only}' here; {nearest(only, names)}")
        tables = [replace(table, detail=False) for table in tables if table.name == only]
    # for the eye, a table without rows is left out, unless it was asked for
    shown = [table for table in tables if not table.detail and (table.rows or only is not None)]
    match form:
        case Form.JSON:
            return as_json(tables)
        case Form.CSV:
            return as_csv(tables[0]) if tables else ""
        case Form.MARKDOWN:
            return "\n".join(as_markdown(table) for table in shown)
        case Form.LATEX:
            return "\n".join(as_latex(table) for table in shown)
    return as_text(shown)


def _worded(value: Any) -> str:
    return "-" if value is None else str(value)
