"""Analyses in MLflow: tables and figures as artifacts of the grid's run, or of a run of the campaign's own."""

from typing import Any

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
    from dragoman.tracking.mlflow import import_mlflow
    from dragoman.tracking.mlflow_database import prepare, quieten

    experiment, key = report.subject, None
    if report.kind == "grid":
        record = store.grids.get(report.subject)
        experiment, key = record.spec.get("campaign") or report.subject, record.spec_hash
    try:
        import_mlflow()
        from mlflow import MlflowClient

        quieten()
        prepare(uri)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        found = client.get_experiment_by_name(experiment)
        run = GridRuns(client, str(found.experiment_id), report.subject, key or "").of_analyses(key) if found else None
        if run is None:
            raise TrackingError(
                f"MLflow at {uri} has no run of {report.subject}, to which its analysis could be added: "
                f"`dragoman resume {report.subject}` writes it."
            )
        _write(client, run, report)
    except TrackingError as error:
        raise TrackingError(masked(str(error))) from error
    return f"MLflow has it as {FOLDER}/{report.name} of the run {run}."


def _write(client: Any, run: str, report: AnalysisReport) -> None:
    folder = f"{FOLDER}/{report.name}"
    client.log_text(run, render(report.captioned, Form.JSON), f"{folder}/{report.name}.json")
    for table in report.captioned:
        if table.rows:
            client.log_text(run, render([table], Form.CSV, table.name), f"{folder}/{table.name}.csv")
    for drawing in report.drawings:
        svg = figure_bytes(drawing.draw, FigureForm.SVG).decode()
        client.log_text(run, svg, f"{folder}/{drawing.name}.svg")
