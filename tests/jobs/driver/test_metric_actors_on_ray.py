"""Metrics that hold a model on a real Ray: one load an actor, scoring beside translating, and killed actors."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.end_to_end.stub_engine import install
from tests.fixtures.model_metric import Notes
from tests.jobs.local_driver import plan_of

from dragoman.plugins import available
from dragoman.settings import Settings
from dragoman.store.records import StoredScore
from dragoman.store.store import Store
from dragoman_jobs.cluster.ray_cluster import RayCluster
from dragoman_jobs.testing import run_plan

LANGUAGES = ["en", "de", "fr", "es"]


@pytest.fixture
def echo(tmp_path: Path, overlap: Notes, monkeypatch: pytest.MonkeyPatch) -> Notes:
    """An engine that takes a third of a second for a cell, found by the workers; and what the metric notes."""
    folder = install(tmp_path / "engines")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(folder), os.environ["PYTHONPATH"])))
    available.cache_clear()
    return overlap


def run(folder: Path, home: str, meanwhile: Callable[[], None] | None = None) -> tuple[Store, list[str]]:
    """Run a grid of 12 pairs and two systems on two cores; returns the store and what the job said."""
    (folder / home).mkdir()
    settings = Settings(home=folder / home)
    metric: dict[str, Any] = {"metric": "overlap", "name": "mine", "seconds": 0.2}
    other = folder / "other"
    other.mkdir(exist_ok=True)
    (other / "model.safetensors").write_bytes(b"other weights")
    plan = plan_of(
        folder, models=[], languages=LANGUAGES, baselines=[{"name": "other", "model": str(other), "engine": "echo"}],
        evaluation={"sentences": 8, "metrics": ["bleu", metric], "engine": "echo"},
    )  # fmt: skip
    thread = threading.Thread(target=meanwhile or (lambda: None), daemon=True)
    cluster = RayCluster(cpus=2)
    try:
        thread.start()
        store = run_plan(plan, settings, cluster=cluster)
    finally:
        cluster.close()
    thread.join(timeout=10)
    (job,) = store.jobs.of_grid("grid")
    return store, [line.text for line in store.jobs.lines(job.id)]


def scores(store: Store) -> dict[tuple[str, str], list[StoredScore]]:
    return {
        (cell.cell.model, str(cell.cell.pair)): store.cells.scores(cell.cell.id) for cell in store.cells.of_grid("grid")
    }


def killing(notes: Notes, which: int) -> Callable[[], None]:
    """Kills the first actor, or its child, with its third cell."""

    def kill() -> None:
        until = time.monotonic() + 120
        while len(notes.triples) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        os.kill(notes.loads[0][which], signal.SIGKILL)

    return kill


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_actor_and_a_killed_child_cost_a_cell_and_change_no_byte(tmp_path: Path, echo: Notes) -> None:
    store, said = run(tmp_path, "undisturbed")
    undisturbed = scores(store)
    assert len(undisturbed) == 24 and all(len(each) == 2 for each in undisturbed.values())
    assert len(echo.loads) == 1 and len(echo.triples) == 24
    (line,) = [each for each in said if each.startswith("metrics that hold a model scored")]
    assert line.startswith("metrics that hold a model scored 24 cells in ")
    overlap_seconds = float(line.rpartition(" s of it")[0].rpartition(", ")[2])
    assert overlap_seconds > 1.0  # 24 cells take 0.2 s each, most of them while others are translated
    for which in (0, 1):  # the actor, its child
        echo.forget()
        store, _ = run(tmp_path, f"killed-{which}", killing(echo, which))
        assert scores(store) == undisturbed
        assert len(echo.loads) == 2
        assert len(echo.triples) == 25  # the cell in flight is scored again, no other
