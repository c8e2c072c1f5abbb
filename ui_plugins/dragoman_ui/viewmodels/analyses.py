"""View model of an analysis: what an address asks for, and its report, for as long as the store is the same."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask import url_for
from werkzeug.datastructures import MultiDict

from dragoman.errors import StoreError, nearest
from dragoman.metrics.lookup import metric_class
from dragoman.reports.analyses import ANALYSES
from dragoman.reports.analysis_report import Analysis, AnalysisReport
from dragoman.store.store import Store
from dragoman.tables.table import Decoration, Row, Table
from dragoman_ui.viewmodels.decorations import model_link
from dragoman_ui.viewmodels.sentences import PAGE
from dragoman_ui.viewmodels.store import open_store, stamp

_OF_PAGES = ("name", "table", "form", "drawing")
"""Parameters of addresses that no analysis is asked for."""

_OF_SENTENCES = ("test_set", "lines")
"""Parameters that say which sentences are looked at."""

_PLACE = {"source", "target", "system", "line"}
"""What a row has that is of one sentence."""


class AskedAnalysis:
    """The query parameters of an analysis.

    Raises:
        StoreError: there is no such analysis, or no subject is named.
    """

    def __init__(self, arguments: MultiDict[str, str]) -> None:
        self.name = arguments.get("name", "")
        if self.name not in ANALYSES:
            raise StoreError(f"There is no analysis '{self.name}': {nearest(self.name, ANALYSES)}")
        self.analysis: Analysis = ANALYSES[self.name]
        self.subject = arguments.get(self.analysis.kind, "")
        if not self.subject:
            raise StoreError(f"The address names no {self.analysis.kind}: add {self.analysis.kind}=NAME.")
        self.asked = {name: value for name, value in arguments.items() if name not in _OF_PAGES and value}

    @property
    def arguments(self) -> dict[str, Any]:
        """The query parameters of a link to it."""
        return {"name": self.name, **self.asked}

    @property
    def place(self) -> dict[str, Any]:
        """What of it links to other analyses of the same subject keep: which sentences are looked at."""
        return {name: self.asked[name] for name in _OF_SENTENCES if name in self.asked}

    @property
    def moment(self) -> str:
        """A version that changes whenever the report may."""
        return f"{stamp()} {self.analysis.version()}".strip()

    @property
    def above(self) -> str:
        """Address of the page of its grid or campaign."""
        if self.analysis.kind == "grid":
            return url_for("dragoman.grid", grid=self.subject, **self.place)
        return url_for("dragoman.campaign", name=self.subject)

    def report(self) -> AnalysisReport:
        """Its report.

        Raises:
            DragomanError: it can't be made, with the remedy.
        """
        return _report(self.moment, open_store(), self.name, tuple(sorted(self.asked.items())))

    def linked(self) -> AnalysisReport:
        """The same for its page: below a heading that names the subject, titles of tables do not.

        Tables that have `source`, `target`, `system` and `line` in every row get links to these sentences, and those
        of models links to the models' pairs.

        Raises:
            DragomanError: it can't be made, with the remedy.
        """
        report = self.report()
        tables = (replace(self._with_links(table), title=self._heading(table.title)) for table in report.tables)
        drawings = (drawing._replace(title=_capital(drawing.title)) for drawing in report.drawings)
        return replace(report, tables=tuple(tables), drawings=tuple(drawings))

    def _with_links(self, table: Table) -> Table:
        keys = table.rows[0].keys() if table.rows else set[str]()
        if keys >= _PLACE:
            return table.decorated({"line": Decoration(link=self._sentence, label=_sentence_label)})
        if "model" in keys and (self.analysis.kind == "grid" or "grid" in keys):
            question = {
                name: self.asked[name] for name in (*_OF_SENTENCES, "metric", "signature") if name in self.asked
            }
            named = {"grid": self.subject} if self.analysis.kind == "grid" else {}
            return table.decorated({"model": model_link(**question, **named)})
        return table

    def _heading(self, title: str) -> str:
        """The title of a table without the subject, which the page's heading names."""
        bare = title.removeprefix(f"{self.subject}: ")
        return _capital(bare) if bare != title else title

    def _sentence(self, row: Row) -> str:
        """Address of a sentence in the page of its pair."""
        place = int(row["line"])
        return url_for(
            "dragoman.cell", grid=self.subject, test_set=self.asked.get("test_set"), source=row["source"],
            target=row["target"], beside=[row["system"]], page=(place - 1) // PAGE + 1, _anchor=f"s{place}",
        )  # fmt: skip


def analyses_of(kind: str) -> Mapping[str, str]:
    """The analyses of a grid or a campaign: titles of links by name."""
    return {name: analysis.title for name, analysis in ANALYSES.items() if analysis.kind == kind and analysis.is_listed}


def _capital(title: str) -> str:
    """A title as a heading: with a capital, unless it begins with the name of a metric."""
    return title if metric_class(title.partition(" ")[0]) else title[:1].upper() + title[1:]


def _sentence_label(row: Row) -> str:
    return f"Line {row['line']} of {row['source']}-{row['target']}"


@lru_cache(maxsize=32)
def _report(moment: str, store: Store, name: str, asked: tuple[tuple[str, str], ...]) -> AnalysisReport:
    del moment
    return ANALYSES[name].report(store, dict(asked))
