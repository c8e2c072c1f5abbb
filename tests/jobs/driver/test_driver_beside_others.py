"""Two drivers with cells or models in common: each is done once, by one of them."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from rich.console import Console
from tests.jobs.local_driver import plan_of, trained

from dragoman.cell import CellState
from dragoman.planning.plan import Plan
from dragoman.settings import Settings
from dragoman.store.jobs import control
from dragoman.store.records import JobState, Untranslated
from dragoman.store.store import Store
from dragoman_jobs.driver import trainings
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.finetune.result import Progress
from dragoman_jobs.finetune.task import TrainingTask
from dragoman_jobs.testing import EchoEngine, LocalCluster, run_plan


def _other_driver(plan: Plan, settings: Settings, name: str = "other") -> tuple[Store, int]:
    """A driver of another host at another grid with the same cells; returns its job."""
    store = Store.open(settings.store_url, settings.blobs_url)
    other = plan.model_copy(update={"spec": plan.spec.model_copy(update={"name": name})})
    Driver(other, store, settings, ProgressDisplay(Console(quiet=True))).register()
    return store, store.jobs.start(name, "another-host-7")


def test_cells_in_flight_in_another_grids_driver_are_waited_for_and_not_done_twice(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    plan = plan_of(tmp_path, models=[])
    there, job = _other_driver(plan, settings)
    first, second, third, *_ = [cell.cell.id for cell in there.cells.of_grid("other")]
    there.cells.advance(started=[first, second], worker=control.owner(job))

    class Meanwhile(LocalCluster):
        """While the model is prepared, the other driver fails with one of its cells and takes another."""

        over = False

        def result(self, ref: Any) -> Any:
            if not self.over:
                self.over = True
                there.cells.advance(
                    failed=[Untranslated(second, "failed there")], started=[third], worker=control.owner(job)
                )
            return super().result(ref)

    ours = Store.open(settings.store_url, settings.blobs_url)
    done = threading.Thread(target=lambda: run_plan(plan, settings, cluster=Meanwhile(), store=ours))
    done.start()
    while sum(cell.state is CellState.DONE for cell in there.cells.of_grid("other")) < 3:
        time.sleep(0.01)
    time.sleep(0.1)
    assert done.is_alive(), "two cells are another's, who is alive"
    assert ours.jobs.of_grid("grid")[0].state is JobState.RUNNING
    there.jobs.end(job, JobState.STOPPED)  # without a word of them: they are planned again
    done.join(timeout=30)
    assert {cell.state for cell in there.cells.of_grid("other")} <= {CellState.DONE, CellState.FAILED}
    assert ours.jobs.of_grid("grid")[0].state is JobState.DONE
    attempts = {cell.cell.id: cell.attempts for cell in there.cells.of_grid("other")}
    assert attempts == {cell: 1 + (cell in (first, third)) for cell in attempts}


def test_a_model_that_another_driver_trains_is_waited_for(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def train(task: TrainingTask) -> Iterator[Progress]:
        begun.append(task)
        return trained(task)

    monkeypatch.setattr(trainings, "train", train)
    plan = plan_of(tmp_path)
    store = Store.open(settings.store_url, settings.blobs_url)
    progress = ProgressDisplay(Console(quiet=True))
    Driver(plan, store, settings, progress).register()
    theirs = trainings.Finetunings(plan, store, settings, progress, None)
    cluster = LocalCluster()
    theirs.begin(cluster, plan.trainings[0])
    assert len(begun) == 1
    ours = threading.Thread(target=lambda: run_plan(plan, settings))
    ours.start()
    while sum(cell.state is CellState.DONE for cell in store.cells.of_grid("grid")) < 6:
        time.sleep(0.01)
    time.sleep(0.1)
    assert ours.is_alive(), "the base is done, the model is trained elsewhere"
    assert len(begun) == 1
    while not any(theirs.follow(cluster, ref) for ref in list(theirs.refs)):
        pass
    ours.join(timeout=30)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    assert len(begun) == 1


def test_a_model_that_was_trained_just_before_its_turn_is_not_trained_again(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "train", trained)
    plan = plan_of(tmp_path)
    store = run_plan(plan, settings)
    ours = trainings.Finetunings(plan, store, settings, ProgressDisplay(Console(quiet=True)), None)
    cluster = LocalCluster()
    ours.begin(cluster, plan.trainings[0])
    assert list(ours.refs) == []
    assert [trained.failure for trained in ours.look(cluster)] == [None]
    assert ours.left == 0


def test_a_model_that_another_driver_gave_up_is_trained_here(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "train", trained)
    plan = plan_of(tmp_path)
    settings.models_dir.mkdir(parents=True)
    lock = FileLock(settings.models_dir / f".{plan.trainings[0].identity.id}.driver.lock", thread_local=False)
    lock.acquire()
    threading.Timer(0.3, lock.release).start()
    store = run_plan(plan, settings)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
