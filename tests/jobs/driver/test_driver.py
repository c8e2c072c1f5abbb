"""The driver on a cluster that is this process: what fails is recorded, and the rest goes on."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.jobs.local_driver import plan_of, states_of, trained

from dragoman.cell import CellState
from dragoman.disk import DiskError
from dragoman.errors import ModelError, StoreError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.settings import Settings
from dragoman.store.jobs import control
from dragoman.store.jobs.trainings import finetunings
from dragoman.store.records import JobState, LineKind
from dragoman.store.repositories.cells import CellRepository
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingState
from dragoman_jobs.cluster.base import ClusterError, TaskError, WorkerDiedError
from dragoman_jobs.driver import job as job_module
from dragoman_jobs.driver import preparations, trainings
from dragoman_jobs.driver.driver import Driver
from dragoman_jobs.driver.driver_loop import DriverLoop
from dragoman_jobs.driver.job import StoppedError
from dragoman_jobs.driver.progress import ProgressDisplay
from dragoman_jobs.finetune.result import Progress
from dragoman_jobs.finetune.task import TrainingTask
from dragoman_jobs.testing import EchoEngine, LocalCluster, run_plan


def test_everything_is_done_and_the_graph_is_what_was_read(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "train", trained)
    plan = plan_of(tmp_path)
    store = run_plan(plan, settings)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    graph = store.models.get(plan.trainings[0].identity.id).graph
    assert graph.pairs == {Pair("fr", "en")}
    assert graph.partition(Pair("de", "en")) is Partition.UNSEEN_SOURCE


def test_the_candidates_dev_sentences_are_translated_with_the_rest(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "train", trained)
    method = {"kind": "full", "learning_rate": 0.1, "steps": 2}
    models = [
        {"name": name, "pairs": pairs, "examples": 2, "method": method}
        for name, pairs in (("one", ["fr-en"]), ("other", ["fr-en", "fr-de"]))
    ]
    promotion = {"model": "m", "rules": [{"at_least": 0}], "candidates": {"sentences": 2}}
    plan = plan_of(tmp_path, models=models, promotion=promotion)
    store = run_plan(plan, settings)
    cells = store.cells.of_grid("grid-dev")
    assert {cell.state for cell in cells} == {CellState.DONE}
    assert {cell.cell.model for cell in cells} == {training.identity.id for training in plan.trainings}
    assert len(cells) == 12 and {cell.segments for cell in cells} == {2}
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    # done again there is nothing to do
    assert {cell.attempts for cell in run_plan(plan, settings).cells.of_grid("grid-dev")} == {1}


def test_a_cell_that_fails_is_recorded_and_tried_again_by_the_next_run(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    plan = plan_of(tmp_path, models=[])
    stub.fails = ModelError("the sentence is too long.")
    store = run_plan(plan, settings)
    failed = [cell for cell in store.cells.of_grid("grid") if cell.state is CellState.FAILED]
    assert {(str(cell.cell.pair), cell.reason) for cell in failed} == {
        ("fr-de", "the sentence is too long."),
        ("fr-en", "the sentence is too long."),
    }
    stub.fails = None
    store = run_plan(plan, settings)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    assert {str(cell.cell.pair): cell.attempts for cell in store.cells.of_grid("grid")} == {
        "de-en": 1, "de-fr": 1, "en-de": 1, "en-fr": 1, "fr-de": 2, "fr-en": 2,
    }  # fmt: skip


@pytest.mark.parametrize("error", [ValueError("not a user's mistake"), WorkerDiedError("killed")])
def test_our_own_faults_and_deaths_are_failures_too(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], error: Exception
) -> None:
    stub.fails = error
    store = run_plan(plan_of(tmp_path, models=[]), settings)
    states = states_of(store, plan_of(tmp_path, models=[]).base.id)
    assert {pair for pair, state in states.items() if state is CellState.FAILED} == {"fr-de", "fr-en"}


def _full() -> OSError:
    return OSError(28, "No space left on device", "/data/x")


@pytest.mark.parametrize("where", ["cell", "finetuning", "preparation"])
def test_a_full_disk_ends_the_run_and_fails_nothing(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: Any) -> Any:
        raise _full()

    def trained_in_vain(task: TrainingTask) -> Iterator[Progress]:
        yield from full()

    plan = plan_of(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(trainings, "train", trained_in_vain if where == "finetuning" else trained)
        if where == "preparation":
            patched.setattr("dragoman_jobs.driver.preparations.prepare_model", full)
        if where == "cell":
            patched.setattr(stub, "fails", _full())
        with pytest.raises(DiskError, match=r"/data/x \(No space left on device\): make room there"):
            run_plan(plan, settings)
    store = Store.open(settings.store_url, settings.blobs_url)
    assert CellState.FAILED not in {cell.state for cell in store.cells.of_grid("grid")}
    monkeypatch.setattr(trainings, "train", trained)
    store = run_plan(plan, settings)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}


@pytest.mark.parametrize(
    "error", [ModelError("no such model."), TaskError("ZeroDivisionError"), WorkerDiedError("killed")]
)
def test_a_failed_finetuning_fails_its_cells_and_no_others(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(task: TrainingTask) -> Iterator[Progress]:
        yield Progress(1, 2, 3.0, 0.1, 1.0)
        raise error

    monkeypatch.setattr(trainings, "train", broken)
    plan = plan_of(tmp_path)
    store = run_plan(plan, settings)
    assert set(states_of(store, plan.base.id).values()) == {CellState.DONE}
    trained = [cell for cell in store.cells.of_grid("grid") if cell.cell.model == plan.trainings[0].identity.id]
    assert {cell.state for cell in trained} == {CellState.FAILED}
    assert all(str(cell.reason).startswith("finetuning") for cell in trained)
    (standing,) = finetunings(store, "grid")
    assert (standing.state, standing.report.step, standing.report.loss) == (TrainingState.FAILED, 1, 3.0)
    assert str(standing.report.failure).startswith("finetuning")


def test_a_finetuning_that_is_interrupted_goes_on_where_it_was_and_the_log_says_so(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(task: TrainingTask) -> Iterator[Progress]:
        yield Progress(1, 2, 3.0, 0.1, 700.0)
        raise KeyboardInterrupt

    def resumed(task: TrainingTask) -> Iterator[Progress]:
        yield from islice(trained(task), 1, None)

    plan = plan_of(tmp_path)
    monkeypatch.setattr(trainings, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, settings)
    store = Store.open(settings.store_url, settings.blobs_url)
    (standing,) = finetunings(store, "grid")
    assert (standing.state, standing.report.step) == (TrainingState.INTERRUPTED, 1)
    monkeypatch.setattr(trainings, "train", resumed)
    run_plan(plan, settings, store=store)
    (standing,) = finetunings(store, "grid")
    assert (standing.state, standing.report.first_step, standing.report.step) == (TrainingState.TRAINED, 1, 2)
    assert standing.report.losses == ((1, 3.0), (2, 2.0))
    said = [line.text for line in store.jobs.lines(store.jobs.of_grid("grid")[0].id)]
    assert "finetune one: goes on at step 2 of 2" in said
    assert any(line.startswith("finetune one: 2 of 2, loss 2.00, 1 target tokens/s") for line in said)


def test_pairs_without_text_are_missing_with_their_reason(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    plan = plan_of(tmp_path, models=[], languages=["en", "de", "ace"])
    store = run_plan(plan, settings)
    missing = {
        str(cell.cell.pair): cell.reason for cell in store.cells.of_grid("grid") if cell.state is CellState.MISSING
    }
    assert set(missing) == {"ace-de", "ace-en", "de-ace", "en-ace"}
    assert all("CLDR" in str(reason) for reason in missing.values())
    assert states_of(store, plan.base.id)["de-en"] is CellState.DONE


def test_cells_a_dead_driver_left_running_are_done_again(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    plan = plan_of(tmp_path, models=[])
    store = Store.open(settings.store_url, settings.blobs_url)
    driver = Driver(plan, store, settings, ProgressDisplay(Console(quiet=True)))
    driver.register()
    store.cells.advance(started=[store.cells.of_grid("grid")[0].cell.id], worker="a driver that died")
    store = run_plan(plan, settings)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    assert [cell.attempts for cell in store.cells.of_grid("grid")] == [2, 1, 1, 1, 1, 1]


def test_what_failed_is_left_alone_unless_it_is_to_be_tried_again(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    plan = plan_of(tmp_path, models=[])
    stub.fails = ModelError("the sentence is too long.")
    run_plan(plan, settings)
    stub.fails = None
    store = run_plan(plan, settings, failed_too=False)
    assert sum(cell.state is CellState.FAILED for cell in store.cells.of_grid("grid")) == 2
    assert control.retry(store, "grid") == 2
    store = run_plan(plan, settings, failed_too=False)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}


def test_a_finetuning_that_failed_is_left_alone_too(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def broken(task: TrainingTask) -> Iterator[Progress]:
        begun.append(task)
        yield Progress(1, 2, 3.0, 0.1, 1.0)
        raise ModelError("no such model.")

    monkeypatch.setattr(trainings, "train", broken)
    plan = plan_of(tmp_path)
    run_plan(plan, settings)
    run_plan(plan, settings, failed_too=False)
    assert len(begun) == 1


def test_the_log_holds_the_first_of_failures_that_are_alike_and_what_stands_behind_it(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    stub.fails = ZeroDivisionError("by nought")
    store = run_plan(plan_of(tmp_path, models=[]), settings)
    job = store.jobs.of_grid("grid")[0]
    failures = store.jobs.lines(job.id, kind=LineKind.FAILURE)
    assert [line.text.partition(" failed: ")[2] for line in failures] == ["ZeroDivisionError: by nought"]
    assert job.state is JobState.DONE
    assert any(line.text.startswith("cells: 6 of 6") for line in store.jobs.lines(job.id))


def test_a_stop_is_obeyed_and_what_was_in_flight_is_planned_again(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "BEAT_SECONDS", 0.05)
    plan = plan_of(tmp_path, models=[])

    class Slow(LocalCluster):
        def result(self, ref: Any) -> Any:
            control.stop(Store.open(settings.store_url, settings.blobs_url), "grid", "ada")
            time.sleep(10 * job_module.BEAT_SECONDS)
            return super().result(ref)

    with pytest.raises(StoppedError, match="stopped by ada"):
        run_plan(plan, settings, cluster=Slow())
    store = Store.open(settings.store_url, settings.blobs_url)
    job = store.jobs.of_grid("grid")[0]
    assert (job.state, job.reason) == (JobState.STOPPED, "stopped by ada")
    states = {cell.state for cell in store.cells.of_grid("grid")}
    assert CellState.RUNNING not in states
    assert CellState.PLANNED in states
    store = run_plan(plan, settings)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}


def test_a_gpu_where_there_is_none_is_a_sentence_and_starts_nothing(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine]
) -> None:
    asked = settings.model_copy(update={"worker_gpus": 0.5})
    with pytest.raises(ClusterError, match=r"An evaluation worker is to hold 1 CPU core and 0.5 GPU, and no node"):
        run_plan(plan_of(tmp_path, models=[]), asked)
    store = Store.open(settings.store_url, settings.blobs_url)
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.PLANNED}
    store = run_plan(plan_of(tmp_path, models=[]), asked, cluster=LocalCluster(2, gpus=1))
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}


def test_a_mistake_of_our_own_ends_the_job_with_a_traceback_in_its_log(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DriverLoop, "_step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_plan(plan_of(tmp_path, models=[]), settings)
    store = Store.open(settings.store_url, settings.blobs_url)
    job = store.jobs.of_grid("grid")[0]
    assert (job.state, job.reason) == (JobState.FAILED, "division by zero")
    (line,) = store.jobs.lines(job.id, kind=LineKind.FAILURE)
    assert "Traceback" in str(line.detail)


class _Restarting(CellRepository):
    """Cells whose database goes away for a moment, again and again, in the middle of a grid."""

    away = 0

    def advance(self, *arguments: Any, **named: Any) -> list[str]:
        type(self).away += 1
        if self.away % 3:
            raise StoreError("The store can't be used (the connection is closed).") from OSError("closed")
        return super().advance(*arguments, **named)


def test_a_database_that_restarts_costs_nothing(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dragoman_jobs.driver.retry._FIRST", 0.01)
    plan = plan_of(tmp_path, models=[])
    store = Store.open(settings.store_url, settings.blobs_url)
    store.cells = _Restarting(store.database)
    run_plan(plan, settings, store=store)
    assert _Restarting.away > 6
    assert {(cell.state, cell.attempts) for cell in store.cells.of_grid("grid")} == {(CellState.DONE, 1)}


def test_a_cell_s_reason_holds_no_secret(tmp_path: Path, settings: Settings, stub: type[EchoEngine]) -> None:
    stub.fails = ModelError("http://ada:hush@host/v1 refuses the api_key=sk-123456.")
    store = run_plan(plan_of(tmp_path, models=[]), settings)
    reasons = {cell.reason for cell in store.cells.of_grid("grid") if cell.state is CellState.FAILED}
    assert reasons == {"http://ada:***@host/v1 refuses the api_key=***"}


@pytest.mark.parametrize(("workers", "asked_for"), [(0, [1, 2]), (3, [3])])
def test_a_cluster_that_grows_is_asked_for_what_no_node_has_yet(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], workers: int, asked_for: list[int]
) -> None:
    """Without a bound one worker waits at first, then as many as work."""
    asked = settings.model_copy(update={"worker_gpus": 1, "workers": workers})
    waiting: list[int] = []

    class Empty(LocalCluster):
        """No node has a GPU; each that is asked for comes when it is waited for."""

        def wait(self, refs: Any, seconds: float) -> list[Any]:
            waiting.append(self.started)
            return super().wait(refs, seconds)

        started = 0

        def worker(self, *arguments: Any, **named: Any) -> Any:
            self.started += 1
            return super().worker(*arguments, **named)

    store = run_plan(plan_of(tmp_path, models=[]), asked, cluster=Empty(cpus=8, gpus=0, grows=True))
    assert {cell.state for cell in store.cells.of_grid("grid")} == {CellState.DONE}
    assert list(dict.fromkeys(waiting))[: len(asked_for)] == asked_for


@pytest.mark.parametrize("deaths", [1, 3])
def test_a_preparation_whose_process_died_is_done_again(
    tmp_path: Path, settings: Settings, stub: type[EchoEngine], monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    left = [WorkerDiedError("its node has died")] * deaths
    prepare = preparations.prepare_model

    def dies(*arguments: Any) -> Any:
        if left:
            raise left.pop()
        return prepare(*arguments)

    monkeypatch.setattr(preparations, "prepare_model", dies)
    plan = plan_of(tmp_path, models=[])
    states = states_of(run_plan(plan, settings), plan.base.id)
    assert set(states.values()) == {CellState.DONE if deaths < 3 else CellState.FAILED}
