"""Analyses in MLflow: artifacts of the run that is there, the same when they are written again."""

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from dragoman.figures import new_figure
from dragoman.reports.analysis_report import AnalysisReport, Drawing
from dragoman.store.store import Store
from dragoman.tables.table import Table, number, word
from dragoman.testing import SmallGrid
from dragoman.tracking.analyses import log_report
from dragoman.tracking.grid_runs import GridRuns, experiment_id
from dragoman.tracking.mlflow import import_mlflow
from dragoman.tracking.mlflow_database import TrackingError, prepare


def drawn() -> Figure:
    figure, axes = new_figure()
    axes.plot([1, 2], [2, 1])
    return figure


def report(kind: Any = "grid", subject: str = "small") -> AnalysisReport:
    rows = [{"language": "sw", "value": 1.5}]
    table = Table(name="factors", title="Factors", columns=[word("language"), number("value")], content=rows)
    return AnalysisReport(
        name="explain", title="Why", subject=subject, kind=kind, about=("Over 4 languages.",), tables=(table,),
        drawings=(Drawing("line", "Line", "It falls.", drawn, "factors"),),
    )  # fmt: skip


@pytest.fixture
def filled(tmp_path: Path) -> Store:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", (tmp_path / "blobs").as_uri())
    SmallGrid(store).add().fill()
    return store


def test_tables_and_figures_are_artifacts_of_the_run(filled: Store, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    import_mlflow()
    from mlflow import MlflowClient

    prepare(uri)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    experiment = experiment_id(client, "small", (tmp_path / "artifacts").as_uri())
    runs = GridRuns(client, experiment, "small", filled.grids.get("small").spec_hash)
    with pytest.raises(TrackingError, match=r"has no run of small.*`dragoman resume small` writes it"):
        log_report(uri, filled, report())

    own = runs._grid_run
    for _ in range(2):
        assert log_report(uri, filled, report()) == f"MLflow has it as analyses/explain of the run {own}."
        files = {file.path: file.file_size for file in client.list_artifacts(own, "analyses/explain")}
        assert set(files) == {f"analyses/explain/{name}" for name in ("explain.json", "factors.csv", "line.svg")}
    campaign = log_report(uri, filled, report("campaign")).rpartition(" ")[2].rstrip(".")
    assert campaign != own and len(client.list_artifacts(campaign, "analyses/explain")) == 3


def test_where_mlflow_is_not_nothing_is_made_and_a_sentence_says_so(filled: Store, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with pytest.raises(TrackingError, match="has no run of small"):
        log_report(uri, filled, report())
    assert not (tmp_path / "mlflow.db").exists()
    with pytest.raises(TrackingError, match=r"http://127\.0\.0\.1:9 was not told \(.*\): the same again"):
        log_report("http://127.0.0.1:9", filled, report())
