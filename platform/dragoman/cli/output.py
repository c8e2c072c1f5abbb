"""The one place that prints a table: to a terminal, as JSON, CSV, Markdown, or LaTeX for a paper.

A command returns `Table`s and is decorated with `printed`; the forms and their options are then the same everywhere.
Equal tables print the same bytes: numbers are rounded once, and nothing of the time or the machine is added.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from functools import wraps
from typing import Annotated, Any, TypeVar

import typer

from dragoman.tables.render import Form, OutputError, render
from dragoman.tables.table import Table

Resource = TypeVar("Resource")

_PRINTING: ContextVar[ExitStack] = ContextVar("printing")
"""Closes what the command that is printed has opened."""


def printed(command: Callable[..., Sequence[Table]]) -> Callable[..., None]:
    """Make a command of a function that returns tables: adds the options of output and prints in the form chosen."""
    signature = inspect.signature(command, eval_str=True)

    @wraps(command)
    def run(**arguments: Any) -> None:
        form = _form({name: arguments.pop(name) for name in ("json", "csv", "markdown", "latex")})
        only = arguments.pop("table")
        with ExitStack() as printing:  # tables may read what they hold when they are printed
            _PRINTING.set(printing)
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


def until_printed(resource: AbstractContextManager[Resource]) -> Resource:
    """Enter a context for a command that is `printed`, until its tables are: what they read may be read then."""
    return _PRINTING.get().enter_context(resource)


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
