"""The one place that prints a table: to a terminal, as JSON, CSV, Markdown, or LaTeX for a paper.

A command returns `Table`s and is decorated with `printed`; the forms and their options are then the same everywhere.
Equal tables print the same bytes: numbers are rounded once, and nothing of the time or the machine is added.
"""

import csv
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, wraps
from io import StringIO
from itertools import pairwise
from typing import Annotated, Any

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from dragoman.errors import DragomanError, nearest

DECIMALS = 6
"""Digits after the point in JSON and CSV: enough to compute with, few enough to be the same on every machine."""

GUTTER = 3
"""Columns of a terminal between two columns of a table."""

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
    group: str | None = None
    """A rule is drawn where this value changes."""
    stub: int = 1
    """How many first columns are repeated when a terminal is too narrow for all."""
    detail: bool = False
    """Left out of text, Markdown and LaTeX unless asked for by name."""

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows."""
        return self.content() if callable(self.content) else self.content


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
        sys.stdout.write(render(command(**arguments), form, only))

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
            return _json(tables)
        case Form.CSV:
            return _csv(tables[0]) if tables else ""
        case Form.MARKDOWN:
            return "\n".join(_markdown(table) for table in shown)
        case Form.LATEX:
            return "\n".join(_latex(table) for table in shown)
    return _text(shown)


def _json(tables: Sequence[Table]) -> str:
    rows = {table.name: [{key: _plain(value) for key, value in row.items()} for row in table.rows] for table in tables}
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def _csv(table: Table) -> str:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if table.rows:
        writer.writerow(table.rows[0])
    writer.writerows([_plain(value) for value in row.values()] for row in table.rows)
    return out.getvalue()


def _markdown(table: Table) -> str:
    from tabulate import tabulate

    cells = [[cell.replace("|", "\\|") for cell in line] for line in _cells(table)]
    body = tabulate(cells, _headings(table), tablefmt="pipe", disable_numparse=True, colalign=_alignment(table))
    notes = "".join(f"\n{note}\n" for note in table.notes)
    return f"**{table.title}**\n\n{body}\n{notes}"


def _latex(table: Table) -> str:
    from tabulate import LATEX_ESCAPE_RULES, SEPARATING_LINE, tabulate

    def escaped(text: str) -> str:
        return text.translate({ord(character): rule for character, rule in LATEX_ESCAPE_RULES.items()})

    lines: list[Any] = list(_cells(table))
    for index in reversed(_breaks(table)):
        lines.insert(index, SEPARATING_LINE)
    body = tabulate(
        lines, _headings(table), tablefmt="latex_booktabs", disable_numparse=True, colalign=_alignment(table)
    )
    notes = "".join(f"\\par\\footnotesize {escaped(note)}\n" for note in table.notes)
    return (
        f"% needs \\usepackage{{booktabs}}\n\\begin{{table}}\n\\centering\n\\caption{{{escaped(table.title)}}}\n"
        f"\\label{{tab:{table.name}}}\n{body}\n{notes}\\end{{table}}\n"
    )


def _text(tables: Sequence[Table]) -> str:
    """Tables for a terminal, or for a file where standard output is one: there nothing is split or coloured."""
    terminal = Console(file=sys.stdout)
    parts = [part for table in tables for part in _fitting(table, terminal.width if terminal.is_terminal else None)]
    out = StringIO()
    console = Console(
        file=out,
        force_terminal=terminal.is_terminal,
        color_system="auto" if terminal.is_terminal else None,
        width=max((sum(_widths(part)) for part in parts), default=0) + GUTTER,
        legacy_windows=False,
    )
    for part in parts:
        console.print(Text(part.title, style="bold"), soft_wrap=True)
        console.print(_rich(part))
        for note in part.notes:
            console.print(Text(f"  {note}"), soft_wrap=True)
        if part.notes:
            console.print()
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _rich(table: Table) -> RichTable:
    rich = RichTable(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        rich.add_column(Text(column.heading), justify="right" if column.right else "left", no_wrap=True)
    breaks = set(_breaks(table))
    for index, row in enumerate(table.rows):
        if index in breaks:
            rich.add_section()
        cells = (Text(column.text(row), style=column.style(row) if column.style else "") for column in table.columns)
        rich.add_row(*cells)
    return rich


def _fitting(table: Table, width: int | None) -> list[Table]:
    """The table in parts that fit the width, each with the stub columns again: a number is never cut."""
    widths = _widths(table)
    if width is None or sum(widths) <= width:
        return [table]
    stub = sum(widths[: table.stub])
    parts: list[list[Column]] = []
    used = width
    for column, needed in zip(table.columns[table.stub :], widths[table.stub :], strict=True):
        if used + needed > width:
            parts.append(list(table.columns[: table.stub]))
            used = stub
        parts[-1].append(column)
        used += needed
    return [
        replace(
            table,
            content=table.rows,
            columns=part,
            title=f"{table.title} (continued)" if index else table.title,
            notes=table.notes if index == len(parts) - 1 else (),
        )
        for index, part in enumerate(parts)
    ]


def _widths(table: Table) -> list[int]:
    """Columns' widths on a terminal, with their padding."""
    return [
        max(cell_len(column.heading), *(cell_len(column.text(row)) for row in table.rows), 0) + GUTTER
        for column in table.columns
    ]


def _breaks(table: Table) -> list[int]:
    """Indices of the rows above which a rule is drawn."""
    if table.group is None:
        return []
    return [
        index for index, (above, below) in enumerate(pairwise(table.rows), start=1)
        if above[table.group] != below[table.group]
    ]  # fmt: skip


def _cells(table: Table) -> list[list[str]]:
    return [[column.text(row) for column in table.columns] for row in table.rows]


def _headings(table: Table) -> list[str]:
    return [column.heading for column in table.columns]


def _alignment(table: Table) -> list[str]:
    return ["right" if column.right else "left" for column in table.columns]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0
    return value


def _worded(value: Any) -> str:
    return "-" if value is None else str(value)
