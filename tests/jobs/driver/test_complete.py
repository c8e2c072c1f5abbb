"""A grid that lacks nothing is told so, and run again without a driver; whatever it lacks, it is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from dragoman.cell import CellState
from dragoman.cli.main import build_app
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import Settings
from dragoman.settings import settings as settings_of_process
from dragoman.spec.loading import load_spec
from dragoman.store.store import Store
from dragoman_jobs.cli import run as run_command
from dragoman_jobs.driver.complete import is_complete
from dragoman_jobs.driver.grid_run import run_grid
from dragoman_jobs.testing import EchoEngine, run_plan


def no_ray() -> Any:
    pytest.fail("no Ray is needed")


@pytest.fixture
def write(tmp_path: Path, tiny_model: Callable[[str], Path]) -> Callable[..., Path]:
    def write(**evaluation: Any) -> Path:
        content: dict[str, Any] = {
            "name": "g", "base": str(tiny_model("xglm")), "languages": ["en", "de", "fr"], "corpus": "cldr",
            "evaluation": {"sentences": 2, "metrics": ["bleu"], **evaluation},
        }  # fmt: skip
        path = tmp_path / "spec.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


def finish(plan: Plan, settings: Settings) -> None:
    """Everything that a driver does when all cells are done: what is written to MLflow, and its job's end."""
    assert run_grid(plan, settings, Console(quiet=True), no_ray)


def test_a_grid_is_complete_until_anything_of_it_is_missing(
    tmp_path: Path, write: Callable[..., Path], stub: type[EchoEngine]
) -> None:
    settings = Settings(home=tmp_path / "home")
    plan = make_plan(load_spec(write()))
    assert not is_complete(plan, settings), "there is no store"
    store = run_plan(plan, settings)
    assert not is_complete(plan, settings), "MLflow has nothing of it"
    finish(plan, settings)
    assert is_complete(make_plan(load_spec(write())), settings)
    assert not is_complete(make_plan(load_spec(write(sentences=3))), settings), "another spec of that name"
    assert not is_complete(make_plan(load_spec(write(metrics=["bleu", "chrf"]))), settings), "a metric is new"

    assert store.cells.plan_again("g", CellState.DONE) == 6
    assert not is_complete(plan, settings), "cells are open"
    run_plan(plan, settings, store=store)
    assert is_complete(plan, settings)

    job = store.jobs.start("g", "another-host:1")
    assert not is_complete(plan, settings), "somebody is at it"
    store.jobs.end(job, store.jobs.of_grid("g")[1].state)
    assert is_complete(plan, settings)

    from mlflow import MlflowClient

    client = MlflowClient(settings.mlflow_url)
    experiment = client.get_experiment_by_name("g")
    assert experiment is not None
    evaluation = next(
        run for run in client.search_runs([experiment.experiment_id]) if "evaluation" in run.info.run_name
    )
    client.delete_run(evaluation.info.run_id)
    assert not is_complete(plan, settings), "MLflow has lost a run"
    store.close()


def test_the_command_starts_nothing_for_a_complete_grid(
    tmp_path: Path, write: Callable[..., Path], stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path / "home")
    spec = write()
    plan = make_plan(load_spec(spec))
    run_plan(plan, settings).close()
    finish(plan, settings)
    monkeypatch.setenv("DRAGOMAN_HOME", str(settings.home))
    settings_of_process.cache_clear()
    monkeypatch.setattr(run_command, "run_here", lambda *_, **__: pytest.fail("a driver was started"))
    store = Store.open_existing(settings.store_url, settings.blobs_url)
    jobs = len(store.jobs.of_grid("g"))
    result = CliRunner().invoke(build_app(), ["run", str(spec)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    assert "g is complete: nothing is left to do." in result.output
    assert "bleu" in result.output, "and its results are printed as before"
    assert CliRunner().invoke(build_app(), ["run", "--quiet", str(spec)]).output == ""
    assert len(store.jobs.of_grid("g")) == jobs
    store.close()
    settings_of_process.cache_clear()
