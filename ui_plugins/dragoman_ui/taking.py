"""Tables to take away: the same rows as on a page, as a file."""

from flask import Response

from dragoman.cli.tables import Form, Table, render

FORMS = ("csv", "json", "latex", "markdown")
"""How tables can be had."""

_SUFFIX = {Form.LATEX: "tex", Form.MARKDOWN: "md"}
_MIME = {Form.JSON: "application/json", Form.CSV: "text/csv", Form.MARKDOWN: "text/markdown", Form.LATEX: "text/x-tex"}


def table_file(name: str, table: Table, form: Form) -> Response:
    """A table as a file of some name."""
    response = Response(render([table], form, table.name), mimetype=_MIME[form])
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.{_SUFFIX.get(form, form.value)}")
    return response
