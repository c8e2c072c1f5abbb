"""Output of commands: prints tables to a terminal, as JSON, CSV, Markdown, or LaTeX.

A command returns `Table`s, or an `Answer` with them, and is decorated with `printed`; the forms and their options are
then the same everywhere. Equal tables print the same bytes: numbers are rounded once, and nothing of the time or the
machine is added.
"""

import inspect
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from contextvars import ContextVar
from functools import wraps
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from dragoman.tables.render import Form, OutputError, render
from dragoman.tables.table import Table
from dragoman.terminal import say, write_exact

Resource = TypeVar("Resource")

_PRINTING: ContextVar[ExitStack] = ContextVar("printing")
"""Closes what the command has opened."""


class Answer(NamedTuple):
    """What a command answers where that is more than tables."""

    tables: Sequence[Table]
    """Its tables."""
    sentence: str | None = None
    """Message after them: with the text on standard output, for every other form on standard error."""
    is_sentence_enough: bool = False
    """Whether text is the sentence alone, unless a table is requested by name."""
    json: str | None = None
    """Output of `--json` in place of the tables, for commands whose JSON is older than their tables."""
    code: int = 0
    """Exit code of the command."""
    text: Callable[[Form], str] | None = None
    """Makes what is printed in place of the tables: a citation, or a paragraph in Markdown or LaTeX."""


def printed(command: Callable[..., Sequence[Table] | Answer]) -> Callable[..., None]:
    """Make a command of a function that returns tables: adds the options of output and prints in the form chosen."""
    signature = inspect.signature(command, eval_str=True)

    @wraps(command)
    def run(**arguments: Any) -> None:
        form = _form({name: arguments.pop(name) for name in ("json", "csv", "markdown", "latex")})
        only = arguments.pop("table")
        with ExitStack() as printing:  # tables may read their rows when they are printed
            _PRINTING.set(printing)
            found = command(**arguments)
            answer = found if isinstance(found, Answer) else Answer(found)
            is_said_alone = answer.is_sentence_enough and form is Form.TEXT and only is None
            if answer.text is not None:
                text = answer.text(form)
            elif answer.json is not None and form is Form.JSON and only is None:
                text = answer.json
            else:
                text = "" if is_said_alone else render(answer.tables, form, only)
        if text or not is_said_alone:
            _print(text, form)
        if answer.sentence is not None:
            say(answer.sentence, err=form is not Form.TEXT)
        if answer.code:
            raise typer.Exit(answer.code)

    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _options(_table_names(command)).items()
    ]
    run.__dict__["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), *added], return_annotation=None
    )
    return run


def until_printed(resource: AbstractContextManager[Resource]) -> Resource:
    """Enter a context for a command that is `printed`, until its tables are: what they read may be read then."""
    return _PRINTING.get().enter_context(resource)


def _print(text: str, form: Form) -> None:
    if text or form is Form.JSON:
        (write_exact if form is Form.CSV else sys.stdout.write)(text)
    else:
        say("There are no rows to show.", err=True)


def _table_names(command: Callable[..., Any]) -> list[str]:
    """The tables that a command's help names, in a sentence that begins with `Tables:`."""
    found = re.search(r"\bTables?: ([^.]*)\.", inspect.getdoc(command) or "")
    return [name.strip() for name in re.sub(r"\(.*?\)", "", found[1]).split(",")] if found else []


def _options(tables: Sequence[str]) -> dict[str, tuple[Any, Any]]:
    def complete(incomplete: str) -> list[str]:
        return [name for name in tables if name.startswith(incomplete)]

    table = typer.Option(metavar="NAME", help="Print only the table of this name.", autocompletion=complete)
    return {
        "json": (Annotated[bool, typer.Option("--json", help="Print JSON: every table, as rows.")], False),
        "csv": (
            Annotated[bool, typer.Option("--csv", help="Print CSV: the first table, or the one of --table.")],
            False,
        ),
        "markdown": (Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")], False),
        "latex": (Annotated[bool, typer.Option("--latex", help="Print LaTeX tables (booktabs).")], False),
        "table": (Annotated[str | None, table], None),
    }


def _form(flags: Mapping[str, bool]) -> Form:
    asked = [name for name, is_set in flags.items() if is_set]
    if len(asked) > 1:
        raise OutputError(f"--{asked[0]} and --{asked[1]} are two forms of output: choose one.")
    return Form(asked[0]) if asked else Form.TEXT
