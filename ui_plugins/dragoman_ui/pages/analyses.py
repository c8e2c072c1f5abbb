"""The pages of analyses: tables and figures of why a model is good where it is, with their downloads."""

from flask import Response, render_template, request

from dragoman.errors import DragomanError
from dragoman.figures import FigureForm, figure_bytes
from dragoman_ui.responses.cache import kept
from dragoman_ui.responses.downloads import at_hand, taken
from dragoman_ui.viewmodels.analyses import AskedAnalysis
from dragoman_ui.viewmodels.systems import one_of


def analysis() -> str | Response:
    """Answer `/dragoman/analysis?name=...&grid=...`: at once, as it takes seconds; or with `form` a table as a file."""
    asked = AskedAnalysis(request.args)
    if request.args.get("form"):
        file = taken(f"{asked.subject}-{asked.name}", at_hand(asked.report().captioned), request.args)
        if file is not None:
            return file
    return render_template("dragoman/analysis.html", asked=asked)


def analysed() -> str:
    """Answer `/dragoman/analysed?...`: the part of the page that takes seconds to compute."""
    asked = AskedAnalysis(request.args)
    try:
        report, sentence = asked.linked(), ""
    except DragomanError as error:  # the links above stay
        report, sentence = None, str(error)
    return render_template("dragoman/analysed.html", asked=asked, report=report, sentence=sentence)


def figure_file() -> Response:
    """Answer `/dragoman/figure?name=...&drawing=...&form=svg`: a figure of an analysis, as SVG, PDF or PNG."""
    asked = AskedAnalysis(request.args)
    form = FigureForm(one_of("A figure has no form", request.args.get("form") or FigureForm.SVG, FigureForm))
    report = asked.report()
    drawing = report.drawing(request.args.get("drawing") or None)
    title, about = f"{report.subject}: {drawing.title}", report.provenance
    response = kept(asked.moment, form.media_type, lambda: figure_bytes(drawing.draw, form, title=title, about=about))
    if request.args.get("form"):
        name = f"{asked.subject}-{asked.name}-{drawing.name}.{form.value}"
        response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
