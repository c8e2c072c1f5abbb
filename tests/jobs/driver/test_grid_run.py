"""A grid from its plan to its end: what is asked of it in its last moment is not lost."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.heartbeat import driver_name
from dragoman.store.jobs import control
from dragoman.store.records import JobState, Untranslated
from dragoman.store.store import Store
from dragoman_jobs.cluster.base import ClusterError
from dragoman_jobs.driver import grid_run as grid_module
from dragoman_jobs.driver.grid_run import run_grid
from dragoman_jobs.driver.register_plan import register


@pytest.fixture
def plan(tiny_model: Callable[[str], Path]) -> Plan:
    content: dict[str, Any] = {
        "name": "g", "base": str(tiny_model("xglm")), "languages": ["en", "de"], "corpus": "cldr",
        "evaluation": {"sentences": 2},
    }  # fmt: skip
    return make_plan(GridSpec.model_validate(content))


@pytest.mark.parametrize("submitted", [False, True])
def test_cells_that_are_to_be_tried_again_at_the_last_moment_are_tried(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, submitted: bool
) -> None:
    settings = Settings(home=tmp_path)
    store = Store.open(settings.store_url, settings.blobs_url)
    register(plan, store)
    queued = store.jobs.queue("g", "http://127.0.0.1:8265") if submitted else None
    if queued is not None:
        store.jobs.submitted(queued, "dragoman-g-1")
    tried = []

    def run(_plan: Plan, _settings: Settings, store: Store, _console: Any, _connect: Any, queued: int | None,
            failed_too: bool) -> bool:  # fmt: skip
        tried.append(failed_too)
        job = store.jobs.start("g", driver_name(), queued)
        for cell in store.cells.of_grid("g"):
            store.cells.advance(failed=[Untranslated(cell.cell.id, "no luck")])
        if len(tried) == 1:
            assert control.retry(store, "g") == 2
        store.jobs.end(job, JobState.DONE)
        return len(tried) == 2

    monkeypatch.setattr(grid_module, "_run", run)
    assert run_grid(plan, settings, Console(quiet=True), lambda: pytest.fail("no Ray is needed"), queued)
    assert tried == [True, False], "what fails again is left alone"
    jobs = store.jobs.of_grid("g")
    assert [job.state for job in jobs] == [JobState.DONE, JobState.DONE]
    assert {(job.address, job.submission) for job in jobs} == {
        ("http://127.0.0.1:8265", "dragoman-g-1") if submitted else (None, None)
    }


def test_what_the_base_cannot_write_is_said_before_a_cluster_is_asked_for(tmp_path: Path) -> None:
    base = Path(__file__).parents[3] / "examples/tiny-xglm"
    content: dict[str, Any] = {
        "name": "g", "base": str(base), "languages": ["en", "ja"], "corpus": "cldr", "evaluation": {"sentences": 20},
    }  # fmt: skip
    written, plan = StringIO(), make_plan(GridSpec.model_validate(content))

    def connect() -> Any:
        raise ClusterError("There is no cluster.")

    with pytest.raises(ClusterError):
        run_grid(
            plan,
            Settings(home=tmp_path),
            Console(file=written, width=400),
            connect,
        )
    assert "base: Japanese (ja) can't be written: " in written.getvalue()
