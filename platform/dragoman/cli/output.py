"""The one place that prints a table: to a terminal, as JSON, CSV, Markdown, or LaTeX for a paper.

A command returns `Table`s and is decorated with `printed`; the forms and their options are then the same everywhere.
Equal tables print the same bytes: numbers are rounded once, and nothing of the time or the machine is added.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import typer

from dragoman.errors import DragomanError, nearest
from dragoman.tables.formats import as_csv, as_json, as_latex, as_markdown, as_text
from dragoman.tables.table import Table


class OutputError(DragomanError):
    """A form of output, or a table, that can't be had."""


class Form(StrEnum):
    """How tables are printed."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    LATEX = "latex"


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
        OutputError: there is no table of that name, or it can't be had.
    """
    if only is not None:
        names = [table.name for table in tables]
        if only not in names:
            raise OutputError(f"There is no table '{only}' here; {nearest(only, names)}")
        tables = [replace(table, detail=False) for table in tables if table.name == only]
        if tables[0].refusal is not None:
            raise OutputError(tables[0].refusal)
    tables = [table for table in tables if table.refusal is None]
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
