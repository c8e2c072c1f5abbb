"""Render a table in one of its forms."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

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
    # for people, a table without rows is left out, unless it was requested
    shown = [table for table in tables if not table.detail and (table.rows or only is not None)]
    match form:
        case Form.JSON:
            return as_json(tables)
        case Form.CSV:
            first = next((table for table in tables if not table.is_summary), None) or next(iter(tables), None)
            return as_csv(first) if first else ""
        case Form.MARKDOWN:
            return "\n".join(as_markdown(table) for table in shown)
        case Form.LATEX:
            return "\n".join(as_latex(table) for table in shown)
    return as_text(shown)
