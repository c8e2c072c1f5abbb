"""Tables to take away: the same rows as on a page, as a file."""

from collections.abc import Callable, Mapping

from flask import Response

from dragoman.cli.printing import Form, render
from dragoman.cli.tables import Table
from dragoman_ui.naming import one_of

FORMS = ("csv", "json", "latex", "markdown")
"""How tables can be had."""

_SUFFIX = {Form.LATEX: "tex", Form.MARKDOWN: "md"}
_MIME = {Form.JSON: "application/json", Form.CSV: "text/csv", Form.MARKDOWN: "text/markdown", Form.LATEX: "text/x-tex"}


def taken(name: str, tables: Mapping[str, Callable[[], Table]], arguments: Mapping[str, str]) -> Response | None:
    """The table of a page that a URL's `table` and `form` ask for, as a file; None where it asks for the page.

    Args:
        name: what the file's name begins with; the table's own follows.
        tables: makes each table of the page; the first is the one meant where none is named.
        arguments: the URL's query.

    Raises:
        StoreError: the page has no such table, or tables have no such form.
    """
    if not (form := arguments.get("form")):
        return None
    table = one_of("This page has no table", arguments.get("table") or next(iter(tables)), tables)
    return table_file(f"{name}-{table}", tables[table](), Form(one_of("A table has no form", form, FORMS)))


def table_file(name: str, table: Table, form: Form) -> Response:
    """A table as a file of some name."""
    return as_file(f"{name}.{_SUFFIX.get(form, form.value)}", render([table], form, table.name), _MIME[form])


def as_file(name: str, text: str, kind: str) -> Response:
    """Text of some media type as a file of some name."""
    response = Response(text, mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
