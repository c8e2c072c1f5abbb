"""Downloads of tables: the same rows as on a page, as a file."""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from io import StringIO
from typing import Any

from flask import Response

from dragoman.tables.render import Form, render
from dragoman.tables.table import Table
from dragoman_ui.responses.cache import kept
from dragoman_ui.viewmodels.systems import one_of

FORMS = ("csv", "json", "latex", "markdown")
"""Forms of downloads."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""First characters by which a spreadsheet takes a cell for a formula."""

_SUFFIX = {Form.LATEX: "tex", Form.MARKDOWN: "md"}
_MIME = {Form.JSON: "application/json", Form.CSV: "text/csv", Form.MARKDOWN: "text/markdown", Form.LATEX: "text/x-tex"}

FILES = tuple(_MIME.values())
"""Media types of tables."""


def taken(name: str, tables: Mapping[str, Callable[[], Table]], arguments: Mapping[str, str]) -> Response | None:
    """The table of a page that a URL's `table` and `form` name, as a file; None where the URL is the page's.

    Args:
        name: beginning of the file's name; the table's name follows.
        tables: functions that make each table of the page; the first is the default.
        arguments: the URL's query.

    Raises:
        StoreError: the page has no such table, or tables have no such form.
    """
    if not (form := arguments.get("form")):
        return None
    table = one_of("This page has no table", arguments.get("table") or next(iter(tables)), tables)
    return table_file(f"{name}-{table}", tables[table](), Form(one_of("A table has no form", form, FORMS)))


def at_hand(tables: Iterable[Table]) -> dict[str, Callable[[], Table]]:
    """Tables that are made already, as `taken` takes them."""
    return {table.name: partial(_itself, table) for table in tables}


def _itself(table: Table) -> Table:
    return table


def table_file(name: str, table: Table, form: Form) -> Response:
    """A table as a file of some name; without rows it still has the columns' names."""
    return as_file(_file_name(name, form), table_text(table, form), _MIME[form])


def kept_file(version: str, name: str, make: Callable[[], Table], form: Form) -> Response:
    """A table as a file, made anew only where `version` is another."""
    response = kept(version, _MIME[form], lambda: table_text(make(), form).encode())
    response.headers.set("Content-Disposition", "attachment", filename=_file_name(name, form))
    return response


def _file_name(name: str, form: Form) -> str:
    return f"{name}.{_SUFFIX.get(form, form.value)}"


def table_text(table: Table, form: Form) -> str:
    """A table in a form for a file; CSV is safe for spreadsheets, and has its head without rows too."""
    if form is Form.CSV:
        rows = [{key: _harmless(value) for key, value in row.items()} for row in table.rows]
        table = replace(table, content=rows)
    return render([table], form, table.name) or as_csv_line(column.key for column in table.columns)


def _harmless(value: Any) -> Any:
    """A value that is safe in spreadsheets: text that begins like a formula is prefixed by an apostrophe.

    Hypotheses and names are other people's text (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def as_csv_line(words: Iterable[str]) -> str:
    """One line of CSV."""
    out = StringIO()
    csv.writer(out, lineterminator="\n").writerow(words)
    return out.getvalue()


def as_file(name: str, text: str, kind: str) -> Response:
    """Text of some media type as a file of some name."""
    response = Response(text, mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
