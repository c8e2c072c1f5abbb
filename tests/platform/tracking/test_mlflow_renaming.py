"""MLflow follows when a grid gets another name: the next run of it finds its runs again."""

from pathlib import Path
from typing import Any

import pytest

from dragoman.planning.planner import make_plan
from dragoman.spec.loading import load_campaign
from dragoman.tracking.mlflow import Tracker
from dragoman.tracking.mlflow_database import TrackingError
from dragoman.tracking.renaming import rename_in_mlflow


def test_experiment_and_runs_follow_and_are_found_again(demo: dict[str, Any], spec_file: Any, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    (spec,) = load_campaign(spec_file(demo)).grids
    plan = make_plan(spec)
    tracker = Tracker(uri, tmp_path / "artifacts", plan)
    tracker.finish(["seen"], failed=False)
    model = plan.trainings[0].identity
    runs = {tracker.page.rsplit("/", 1)[1], tracker.model_run(model)}
    client = MlflowClient(uri)
    client.create_experiment("taken")
    with pytest.raises(TrackingError, match="MLflow has an experiment taken"):
        rename_in_mlflow(uri, "demo", "taken", campaign=None, grid_id=plan.id)
    assert rename_in_mlflow(uri, "demo", "large", campaign=None, grid_id=plan.id) == 2
    assert client.get_experiment_by_name("demo") is None
    experiment = client.get_experiment_by_name("large")
    assert experiment is not None and "dragoman/grid?grid=large" in experiment.tags["mlflow.note.content"]
    named = {
        run.info.run_name: run.data.tags["dragoman.grid"] for run in client.search_runs([experiment.experiment_id])
    }
    assert named == {"large": "large", model.name: "large"}
    # as the store knows the renamed grid: another name, the same hash of its specification
    renamed = plan.model_copy(update={"spec": spec.model_copy(update={"name": "large"}), "known_as": plan.id})
    again = Tracker(uri, tmp_path / "artifacts", renamed)
    assert {again.page.rsplit("/", 1)[1], again.model_run(model)} == runs


def test_where_mlflow_has_nothing_nothing_is_made(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    assert rename_in_mlflow(uri, "demo", "large", campaign=None, grid_id="x") == 0
    assert not list(tmp_path.iterdir())
