"""The overview page of a grid: every system by partition, with figures; and the part that opens the grid's page."""

from flask import Response, render_template, request
from werkzeug.datastructures import MultiDict

from dragoman.errors import DragomanError
from dragoman.reports.overview import NAME
from dragoman_ui.responses.cache import kept
from dragoman_ui.viewmodels.analyses import AskedAnalysis

HTML = "text/html; charset=utf-8"


def overview() -> str:
    """Answer `/dragoman/overview?grid=...`: at once; the table follows (`dragoman_ui.pages.analyses.analysed`)."""
    return render_template("dragoman/overview.html", asked=_asked())


def overview_of_grid() -> Response:
    """Answer `/dragoman/overviewed?grid=...`: the table alone, with which the grid's page opens."""
    asked = _asked()

    def make() -> bytes:
        try:
            report, sentence = asked.linked(), ""
        except DragomanError as error:
            report, sentence = None, str(error)
        question = {name: value for name, value in asked.asked.items() if name != "gains"}
        return render_template(
            "dragoman/overviewed.html", report=report, sentence=sentence, of_question=question
        ).encode()

    return kept(asked.moment, HTML, make)


def _asked() -> AskedAnalysis:
    """What the address asks of the overview."""
    arguments = MultiDict(request.args)
    arguments["name"] = NAME
    return AskedAnalysis(arguments)
