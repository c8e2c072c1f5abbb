"""Analyses in MLflow: tables and figures as artifacts of the grid's run, or of a run of the campaign's own."""

from dragoman.errors import DragomanError, first_line
from dragoman.figures import FigureForm, figure_bytes
from dragoman.redaction import masked
from dragoman.reports.analysis_report import AnalysisReport
from dragoman.store.store import Store
from dragoman.tables.render import Form, render
from dragoman.tracking.grid_runs import GridRuns
from dragoman.tracking.mlflow_database import TrackingError

FOLDER = "analyses"
"""Folder of the artifacts."""


def log_report(uri: str, store: Store, report: AnalysisReport) -> str:
    """Write the tables (CSV, JSON) and figures (SVG) of an analysis to MLflow; written again it changes nothing.

    Args:
        uri: MLflow's tracking URI.
        store: the store that has its grid.
        report: the analysis.

    Returns:
        Where it is, as a sentence.

    Raises:
        StoreError: there is no such grid.
        TrackingError: MLflow does not know the grid or the campaign, or can't be reached.
    """
    from dragoman.tracking.mlflow import existing_runs

    experiment, key = report.subject, None
    if report.kind == "grid":
        record = store.grids.get(report.subject)
        experiment, key = record.spec.get("campaign") or report.subject, record.spec_hash
    try:
        runs = existing_runs(uri, experiment, grid=report.subject, grid_id=key or "")
        run = runs.of_analyses(key) if runs else None
        if runs is None or run is None:
            raise TrackingError(
                f"MLflow at {masked(uri)} has no run of {report.subject}, to which its analysis could be added: "
                f"`dragoman resume {report.subject}` writes it."
            )
        _write(runs, run, report)
    except DragomanError:
        raise
    except Exception as error:  # whatever MLflow or its server raises
        raise TrackingError(
            f"MLflow at {masked(uri)} was not told ({first_line(error)}): the same again tells it once that is mended."
        ) from error
    return f"MLflow has it as {FOLDER}/{report.name} of the run {run}."


def _write(runs: GridRuns, run: str, report: AnalysisReport) -> None:
    folder = f"{FOLDER}/{report.name}"
    runs.log_text(run, render(report.captioned, Form.JSON), f"{folder}/{report.name}.json")
    for table in report.captioned:
        if table.rows:
            runs.log_text(run, render([table], Form.CSV, table.name), f"{folder}/{table.name}.csv")
    for drawing in report.drawings:
        svg = figure_bytes(drawing.draw, FigureForm.SVG).decode()
        runs.log_text(run, svg, f"{folder}/{drawing.name}.svg")
