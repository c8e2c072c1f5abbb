"""The ranking page: the systems of a grid in clusters, each against the next, and what each partition adds."""

from functools import partial
from typing import Any

from flask import Response, render_template, request, url_for

from dragoman.errors import DragomanError
from dragoman.reports import ranking as report
from dragoman.tables.table import Decoration, Row, Table
from dragoman_ui.responses.downloads import taken
from dragoman_ui.viewmodels.decorations import spoken
from dragoman_ui.viewmodels.ranking import AskedRanking
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.systems import Names

TABLES = {
    "ranking": "Ranking",
    "quoted": "Quoted, unranked",
    "neighbours": "Each against the next",
    "shares": "Where the first is ahead",
    "differences": "Every two systems",
}
"""The tables and their headings."""


def rank() -> str | Response:
    """Answer `/dragoman/rank?grid=...`: at once, as the tests take seconds; or with `form` a table as a file."""
    asked = AskedRanking(request.args)
    tables = {name: partial(_table, name, asked) for name in TABLES}
    file = taken(f"{asked.grid}-{asked.metric}-{asked.over}", tables, request.args)
    return file or render_template("dragoman/rank.html", asked=asked, tables=TABLES)


def ranked() -> str:
    """Answer `/dragoman/ranked?...`: the part of the page that takes seconds to compute."""
    asked = AskedRanking(request.args)
    try:
        found = asked.ranking()
    except DragomanError as error:  # the form above stays, to ask otherwise
        return render_template("dragoman/ranked.html", asked=asked, sentence=str(error), tables=[])
    tables = [(TABLES[table.name], _linked(asked, table)) for table in report.tables(asked.grid, found) if table.rows]
    return render_template("dragoman/ranked.html", asked=asked, sentence="", tables=tables)


def _table(name: str, asked: AskedRanking) -> Table:
    """One of the tables, for a file."""
    return next(table for table in report.tables(asked.grid, asked.ranking()) if table.name == name)


def _linked(asked: AskedRanking, table: Table) -> Table:
    """A table with links to the grid under a system, and to the comparison of two."""
    names = Names.of(open_store(), asked.grid)
    shown: dict[str, Any] = {
        "grid": asked.grid,
        "metric": asked.metric,
        "signature": asked.signature,
        "test_set": asked.test_set,
        "lines": asked.lines,
    }

    def system(name: str) -> dict[str, Any]:
        found = names.system(name)
        return {"model": found.model, "prompt": found.prompt}

    def grid(key: str) -> Decoration:
        return Decoration(link=lambda row: url_for("dragoman.grid", **shown, **system(row[key])))

    def comparison(row: Row) -> str:
        return url_for("dragoman.compare", **shown, **system(row["better"]), against=row["worse"])

    return table.decorated(
        {
            "system": grid("system"),
            "better": grid("better"),
            "worse": Decoration(link=comparison, label=lambda row: f"{row['better']} against {row['worse']}"),
            "partition": Decoration(html=lambda row: spoken(row["partition"])),
        }
    )
