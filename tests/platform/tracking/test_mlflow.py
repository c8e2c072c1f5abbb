"""What MLflow holds of a campaign: one experiment, a run for each grid; and what is told twice is there once."""

import logging
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.spec.loading import load_campaign
from dragoman.tracking import background, mlflow_database, mlflow_schema
from dragoman.tracking.background import BackgroundTracker
from dragoman.tracking.mlflow import Tracker, quieten
from dragoman.tracking.mlflow_database import TrackingError


@pytest.fixture
def plans(demo: dict[str, Any], spec_file: Any) -> list[Plan]:
    return [make_plan(grid) for grid in load_campaign(spec_file(demo | {"sweep": {"seed": [1, 2]}})).grids]


def test_the_grids_of_a_campaign_are_runs_of_one_experiment(plans: list[Plan], tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    trackers = [Tracker(uri, tmp_path / "artifacts", plan) for plan in plans]
    model = plans[0].trainings[0].identity
    for _ in range(2):
        trackers[0].log_dev_scores(model, [(2, 10.0, {"seen": 11.0, "unseen": 9.0})])
    trackers[0].log_dev_scores(model, [(2, 10.0, {"seen": 11.0, "unseen": 9.0}), (4, 12.0, {"seen": 12.0})])
    for tracker in trackers:
        tracker.finish(["seen"], failed=False)

    client = MlflowClient(uri)
    assert {each.name for each in client.search_experiments()} == {"Default", "demo"}
    experiment = client.get_experiment_by_name("demo")
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"demo-seed-1", "demo-seed-2", model.name}
    assert runs[model.name].data.tags["mlflow.parentRunId"] == runs["demo-seed-1"].info.run_id
    for name in ("demo-seed-1", "demo-seed-2"):
        assert f"dragoman/grid?grid={name}" in runs[name].data.tags["mlflow.note.content"]
    assert "dragoman/runs?grid=demo-seed-2" in experiment.tags["mlflow.note.content"]
    history = client.get_metric_history(runs[model.name].info.run_id, "dev")
    assert [(point.step, point.value) for point in history] == [(2, 10.0), (4, 12.0)]


def test_a_grid_that_has_just_begun_is_led_to_from_mlflow(plans: list[Plan], tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    tracker = Tracker(uri, tmp_path / "artifacts", plans[0])
    tracker.start()
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("demo")
    assert experiment is not None
    assert "dragoman/campaign?name=demo" in experiment.tags["mlflow.note.content"]
    assert "viewStateShareKey" not in experiment.tags["mlflow.note.content"]  # it is saved at the end
    run = client.search_runs([experiment.experiment_id])[0]
    assert "dragoman/job?grid=demo-seed-1" in run.data.tags["mlflow.note.content"]
    tracker.finish(["seen"], failed=False)
    ended = client.get_experiment_by_name("demo")
    assert ended is not None
    assert "viewStateShareKey" in ended.tags["mlflow.note.content"]


def test_a_deleted_experiment_is_said_with_what_can_be_done(plans: list[Plan], tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    tracker = Tracker(uri, tmp_path / "artifacts", plans[0])
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("demo")
    assert experiment is not None
    client.delete_experiment(experiment.experiment_id)
    sentence = r"The experiment 'demo' is deleted in MLflow: restore the experiment .* or give the grid another name\."
    with pytest.raises(TrackingError, match=sentence):
        Tracker(uri, tmp_path / "artifacts", plans[1])
    with pytest.raises(TrackingError, match=sentence):
        tracker.model_run(plans[0].trainings[0].identity)

    told = BackgroundTracker(lambda: Tracker(uri, tmp_path / "artifacts", plans[0]), uri)
    told.tell(lambda tracker: tracker.start())
    said = told.close()
    assert "restore the experiment" in said[0]
    assert said[1].endswith("the next `dragoman resume` of the grid writes it once that is mended.")

    client.restore_experiment(experiment.experiment_id)
    told = BackgroundTracker(lambda: Tracker(uri, tmp_path / "artifacts", plans[0]), uri)
    told.tell(lambda tracker: tracker.start())
    assert told.close() == []


def test_a_database_that_another_process_holds_locked_is_waited_for(
    plans: list[Plan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uri, file = f"sqlite:///{tmp_path}/mlflow.db", tmp_path / "mlflow.db"
    mlflow_database.prepare(uri)
    monkeypatch.setattr(mlflow_schema, "LOCK_SECONDS", 0.05)
    monkeypatch.setattr(background, "_PAUSES", (0.05, 0.1))
    said: list[str] = []
    is_said = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        is_said.set()

    with caplog.at_level(logging.INFO), closing(sqlite3.connect(file)) as other:
        other.execute("BEGIN EXCLUSIVE")
        told = BackgroundTracker(lambda: Tracker(uri, tmp_path / "artifacts", plans[0]), uri, say)
        told.tell(Tracker.start)
        assert is_said.wait(60)
        other.rollback()
        assert told.close() == []
    assert [line.rpartition(" ")[2] for line in said] == ["waits.", "again."]
    assert "locked by another process" in said[0]
    assert "Traceback" not in caplog.text


def test_what_mlflow_raises_of_a_lock_is_told_from_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Both are OperationalError below a "temporarily unavailable" of MLflow's, whose traceback stays out of the log."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.db import utils
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    quieten()
    file = tmp_path / "small.db"
    database: Any = utils

    def raised(statement: str) -> MlflowException:
        engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 0})
        with (
            pytest.raises(MlflowException) as found,
            database._get_managed_session_maker(sessionmaker(engine), "other")(read_only=False) as session,
        ):
            session.execute(text("PRAGMA max_page_count = 2"))
            session.execute(text(statement))
        engine.dispose()
        return found.value

    with caplog.at_level(logging.INFO), closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (x)")
        assert not mlflow_schema.is_locked(raised("INSERT INTO t VALUES (zeroblob(100000))"))
        other.execute("BEGIN EXCLUSIVE")
        assert mlflow_schema.is_locked(raised("INSERT INTO t VALUES (1)"))
    assert "Traceback" not in caplog.text
