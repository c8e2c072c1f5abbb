"""What MLflow is told while a grid runs: losses in batches, each once; how a grid ended that did not finish."""

from typing import Any, NamedTuple

import pytest

from dragoman_jobs.driver import mlflow_reporter
from dragoman_jobs.driver.job import StoppedError
from dragoman_jobs.driver.mlflow_reporter import MlflowReporter
from dragoman_jobs.finetune.result import DevScore, Progress


class _Model(NamedTuple):
    id: str
    name: str


class _Mlflow:
    """Keeps what it is told, and does at once what is to be done in the background."""

    def __init__(self) -> None:
        self.losses: list[list[int]] = []
        self.dev: list[tuple[str, list[DevScore]]] = []
        self.status: list[str] = []

    def tell(self, job: Any) -> None:
        if job is not mlflow_reporter.Tracker.start:
            job(self)

    def log_losses(self, model: _Model, points: list[tuple[int, float, float]]) -> None:
        self.losses.append([step for step, _, _ in points])

    def log_dev_scores(self, model: _Model, scores: list[DevScore]) -> None:
        self.dev.append((model.id, scores))

    def break_off(self, status: str) -> None:
        self.status.append(status)


@pytest.fixture
def mlflow() -> _Mlflow:
    return _Mlflow()


@pytest.fixture
def reporter(mlflow: _Mlflow) -> MlflowReporter:
    anything: Any = mlflow
    return MlflowReporter(anything, anything, anything)


def test_losses_are_told_in_batches_and_each_once(
    mlflow: _Mlflow, reporter: MlflowReporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(mlflow_reporter.time, "monotonic", lambda: now[0])
    model: Any = _Model("m1", "ours")
    for step in range(1, 36):
        now[0] = float(step)
        reporter.step(model, Progress(step, 100, 1.0, 0.1, 1000.0))
    assert mlflow.losses == [list(range(1, 12)), list(range(12, 22)), list(range(22, 32))]


def test_scores_on_the_dev_split_are_told_when_they_come(mlflow: _Mlflow, reporter: MlflowReporter) -> None:
    model: Any = _Model("m1", "ours")
    looks = {2: DevScore(2, 10.0, {"seen": 10.0}), 4: DevScore(4, 12.0, {"seen": 12.0})}
    for step in range(1, 6):
        reporter.step(model, Progress(step, 100, 1.0, 0.1, 1000.0, looks.get(step)))
        assert mlflow.dev == [("m1", [look]) for at, look in looks.items() if at <= step]


def test_a_grid_that_is_stopped_was_killed_and_one_that_breaks_failed(
    mlflow: _Mlflow, reporter: MlflowReporter
) -> None:
    for error in (StoppedError("stopped by ada"), KeyboardInterrupt(), ValueError("broken")):
        reporter.break_off(error)
    assert mlflow.status == ["KILLED", "KILLED", "FAILED"]
