"""Output of the commands that make an analysis: its tables, a figure as a file, and its numbers in MLflow."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from dragoman.cli.output import Answer
from dragoman.errors import first_line
from dragoman.figures import FigureError, FigureForm, figure_bytes
from dragoman.reports.analysis_report import AnalysisReport
from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.tracking.analyses import log_report

FigureOption = Annotated[
    Path | None,
    typer.Option("--figure", metavar="FILE", help="Also write a figure, as SVG, PDF or PNG by the file's name."),
]
DrawingOption = Annotated[
    str | None, typer.Option("--drawing", metavar="NAME", help="Which figure; the first by default.")
]
LogOption = Annotated[
    bool, typer.Option("--log", help="Also keep tables and figures in MLflow, as artifacts of the grid's run.")
]


def reported(
    store: Store, report: AnalysisReport, *, figure: Path | None = None, drawing: str | None = None, log: bool = False
) -> Answer:
    """The answer of a command that is `printed`: the tables of a report; its figure and MLflow's copy are written.

    Args:
        store: the store that it was read from.
        report: the report.
        figure: where a figure is written.
        drawing: name of the figure.
        log: whether MLflow gets tables and figures.

    Raises:
        FigureError: the figure can't be drawn or written.
        StoreError: there is no such figure.
        TrackingError: MLflow can't be told.
    """
    said = [with_figure(lambda: report, figure=figure, drawing=drawing)]
    if log:
        said.append(log_report(settings().mlflow_url, store, report))
    return Answer(report.captioned, sentence=" ".join(filter(None, said)) or None)


def with_figure(report: Callable[[], AnalysisReport], *, figure: Path | None, drawing: str | None) -> str | None:
    """Write a figure of a report, if one is asked for, with what it is of in the file.

    Args:
        report: makes the report; called only for a figure.
        figure: where it is written; None for none.
        drawing: its name; the first by default.

    Returns:
        The sentence of where it is; None without one.

    Raises:
        FigureError: it can't be drawn or written, or is named without a file.
        StoreError: there is no such figure.
    """
    if figure is None:
        if drawing is not None:
            raise FigureError("--drawing names a figure, and no file is named for it: add --figure FILE.svg.")
        return None
    form, found = FigureForm.of_file(figure), report()
    chosen = found.drawing(drawing)
    content = figure_bytes(chosen.draw, form, title=f"{found.subject}: {chosen.title}", about=found.provenance)
    try:
        figure.write_bytes(content)
    except OSError as error:
        raise FigureError(f"The figure can't be written to '{figure}': {first_line(error)}.") from error
    return f"The figure is in {figure}."
