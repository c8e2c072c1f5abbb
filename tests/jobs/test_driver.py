"""The driver on a cluster that is this process: what fails is recorded, and the rest goes on."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from rich.console import Console

from dragoman import plugins
from dragoman.cell import CellState
from dragoman.errors import ModelError, StoreError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.plan import Plan, make_plan
from dragoman.settings import Settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store import control, liveness
from dragoman.store.records import JobState, LineKind
from dragoman.store.store import Store
from dragoman_jobs import finetunings
from dragoman_jobs.cluster import ClusterError, TaskError, WorkerDiedError
from dragoman_jobs.driver import Driver
from dragoman_jobs.engines.base import Checkpoint, Engine, Hypothesis
from dragoman_jobs.finetune.result import FinetuneResult, Progress
from dragoman_jobs.job import Job, StoppedError
from dragoman_jobs.local_cluster import LocalCluster
from dragoman_jobs.progress import GridProgress
from dragoman_jobs.training import TrainingTask

LANGUAGES = ["en", "de", "fr"]


class _Copy(Engine):
    """An engine that says the source again, and can be told to fail."""

    fails: Exception | None = None

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        return cache / checkpoint.id

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        self.prepared = prepared

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        if type(self).fails is not None and "[French]: " in prompts[0]:
            raise type(self).fails
        return [Hypothesis(prompt.split(": ", 1)[1], "stop", 3) for prompt in prompts]


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> type[_Copy]:
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: _Copy if group == "engines" else real(group, name))
    _Copy.fails = None
    return _Copy


def _train(task: TrainingTask) -> Iterator[Progress]:
    """A finetuning that writes its result and no weights; de-en has no examples that fit."""
    task.out.mkdir(parents=True)
    read = {pair: 7 for pair in task.planned.pairs if pair != Pair("de", "en")}
    result = FinetuneResult(
        base=task.base, revision=None, method=task.planned.finetuning.method, seed=1, examples=read, skipped_too_long=0,
        losses=[], target_tokens=0, seconds=0, parameters=0, trained_parameters=0, head_on_labels_only=True,
    )  # fmt: skip
    (task.out / "finetune.json").write_text(result.model_dump_json())
    yield Progress(1, 2, 3.0, 0.1, 1.0)
    yield Progress(2, 2, 2.0, 0.1, 1.0)


def _plan(tmp_path: Path, **changes: Any) -> Plan:
    base = tmp_path / "base"
    base.mkdir(exist_ok=True)
    (base / "model.safetensors").write_bytes(b"weights")
    content = {
        "name": "grid", "base": str(base), "languages": LANGUAGES, "corpus": "cldr",
        "models": [
            {"name": "one", "pairs": ["de-en", "fr-en"], "examples": 2,
             "method": {"kind": "full", "learning_rate": 0.1, "steps": 2}},
        ],
        "evaluation": {"sentences": 3, "metrics": ["bleu"], "engine": "transformers"},
    }  # fmt: skip
    return make_plan(GridSpec.model_validate({**content, **changes}))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home").mkdir()
    return Settings(home=tmp_path / "home")


def _run(
    plan: Plan, settings: Settings, failed_too: bool = True, cluster: LocalCluster | None = None,
    store: Store | None = None,
) -> Store:  # fmt: skip
    store = store or Store.open(settings.store_url, settings.blobs_url)
    job = Job(store, plan.spec.name)
    driver = Driver(plan, store, settings, GridProgress(Console(quiet=True), job))
    driver.register()
    with job:
        while driver.remaining(failed_too):
            driver.run(cluster or LocalCluster())
            failed_too = False
    return store


def _states(store: Store, model: str) -> dict[str, CellState]:
    return {str(cell.cell.pair): cell.state for cell in store.cells("grid") if cell.cell.model == model}


def test_everything_is_done_and_the_graph_is_what_was_read(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetunings, "train", _train)
    plan = _plan(tmp_path)
    store = _run(plan, settings)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}
    graph = store.model(plan.trainings[0].identity.id).graph
    assert graph.pairs == {Pair("fr", "en")}
    assert graph.partition(Pair("de", "en")) is Partition.UNSEEN_SOURCE


def test_a_cell_that_fails_is_recorded_and_tried_again_by_the_next_run(
    tmp_path: Path, settings: Settings, stub: type[_Copy]
) -> None:
    plan = _plan(tmp_path, models=[])
    stub.fails = ModelError("the sentence is too long.")
    store = _run(plan, settings)
    failed = [cell for cell in store.cells("grid") if cell.state is CellState.FAILED]
    assert {(str(cell.cell.pair), cell.reason) for cell in failed} == {
        ("fr-de", "the sentence is too long."),
        ("fr-en", "the sentence is too long."),
    }
    stub.fails = None
    store = _run(plan, settings)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}
    assert {str(cell.cell.pair): cell.attempts for cell in store.cells("grid")} == {
        "de-en": 1, "de-fr": 1, "en-de": 1, "en-fr": 1, "fr-de": 2, "fr-en": 2,
    }  # fmt: skip


@pytest.mark.parametrize("error", [ValueError("not a user's mistake"), WorkerDiedError("killed")])
def test_our_own_faults_and_deaths_are_failures_too(
    tmp_path: Path, settings: Settings, stub: type[_Copy], error: Exception
) -> None:
    stub.fails = error
    store = _run(_plan(tmp_path, models=[]), settings)
    states = _states(store, _plan(tmp_path, models=[]).base.id)
    assert {pair for pair, state in states.items() if state is CellState.FAILED} == {"fr-de", "fr-en"}


@pytest.mark.parametrize(
    "error", [ModelError("no such model."), TaskError("ZeroDivisionError"), WorkerDiedError("killed")]
)
def test_a_failed_finetuning_fails_its_cells_and_no_others(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(task: TrainingTask) -> Iterator[Progress]:
        yield Progress(1, 2, 3.0, 0.1, 1.0)
        raise error

    monkeypatch.setattr(finetunings, "train", broken)
    plan = _plan(tmp_path)
    store = _run(plan, settings)
    assert set(_states(store, plan.base.id).values()) == {CellState.DONE}
    trained = [cell for cell in store.cells("grid") if cell.cell.model == plan.trainings[0].identity.id]
    assert {cell.state for cell in trained} == {CellState.FAILED}
    assert all(str(cell.reason).startswith("finetuning") for cell in trained)


def test_pairs_without_text_are_missing_with_their_reason(
    tmp_path: Path, settings: Settings, stub: type[_Copy]
) -> None:
    plan = _plan(tmp_path, models=[], languages=["en", "de", "ace"])
    store = _run(plan, settings)
    missing = {str(cell.cell.pair): cell.reason for cell in store.cells("grid") if cell.state is CellState.MISSING}
    assert set(missing) == {"ace-de", "ace-en", "de-ace", "en-ace"}
    assert all("CLDR" in str(reason) for reason in missing.values())
    assert _states(store, plan.base.id)["de-en"] is CellState.DONE


def test_cells_a_dead_driver_left_running_are_done_again(tmp_path: Path, settings: Settings, stub: type[_Copy]) -> None:
    plan = _plan(tmp_path, models=[])
    store = Store.open(settings.store_url, settings.blobs_url)
    driver = Driver(plan, store, settings, GridProgress(Console(quiet=True)))
    driver.register()
    store.start_cell(store.cells("grid")[0].cell.id, "a driver that died")
    store = _run(plan, settings)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}
    assert [cell.attempts for cell in store.cells("grid")] == [2, 1, 1, 1, 1, 1]


def test_what_failed_is_left_alone_unless_it_is_to_be_tried_again(
    tmp_path: Path, settings: Settings, stub: type[_Copy]
) -> None:
    plan = _plan(tmp_path, models=[])
    stub.fails = ModelError("the sentence is too long.")
    _run(plan, settings)
    stub.fails = None
    store = _run(plan, settings, failed_too=False)
    assert sum(cell.state is CellState.FAILED for cell in store.cells("grid")) == 2
    assert control.retry(store, "grid") == 2
    store = _run(plan, settings, failed_too=False)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}


def test_a_finetuning_that_failed_is_left_alone_too(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def broken(task: TrainingTask) -> Iterator[Progress]:
        begun.append(task)
        yield Progress(1, 2, 3.0, 0.1, 1.0)
        raise ModelError("no such model.")

    monkeypatch.setattr(finetunings, "train", broken)
    plan = _plan(tmp_path)
    _run(plan, settings)
    _run(plan, settings, failed_too=False)
    assert len(begun) == 1


def test_the_log_holds_the_first_of_failures_that_are_alike_and_what_stands_behind_it(
    tmp_path: Path, settings: Settings, stub: type[_Copy]
) -> None:
    stub.fails = ZeroDivisionError("by nought")
    store = _run(_plan(tmp_path, models=[]), settings)
    job = store.jobs("grid")[0]
    failures = store.job_lines(job.id, kind=LineKind.FAILURE)
    assert [line.text.partition(" failed: ")[2] for line in failures] == ["ZeroDivisionError: by nought"]
    assert job.state is JobState.DONE
    assert any(line.text.startswith("cells: 6 of 6") for line in store.job_lines(job.id))


def test_a_stop_is_obeyed_and_what_was_in_flight_is_planned_again(
    tmp_path: Path, settings: Settings, stub: type[_Copy]
) -> None:
    plan = _plan(tmp_path, models=[])

    class Slow(LocalCluster):
        def result(self, ref: Any) -> Any:
            control.stop(Store.open(settings.store_url, settings.blobs_url), "grid", "ada")
            time.sleep(1.2 * liveness.BEAT_SECONDS)
            return super().result(ref)

    with pytest.raises(StoppedError, match="stopped by ada"):
        _run(plan, settings, cluster=Slow())
    store = Store.open(settings.store_url, settings.blobs_url)
    job = store.jobs("grid")[0]
    assert (job.state, job.reason) == (JobState.STOPPED, "stopped by ada")
    states = {cell.state for cell in store.cells("grid")}
    assert CellState.RUNNING not in states
    assert CellState.PLANNED in states
    store = _run(plan, settings)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}


def test_a_gpu_where_there_is_none_is_a_sentence_and_starts_nothing(
    tmp_path: Path, settings: Settings, stub: type[_Copy]
) -> None:
    asked = settings.model_copy(update={"worker_gpus": 0.5})
    with pytest.raises(ClusterError, match=r"An evaluation worker is to hold 1 CPU core and 0.5 GPU, and no node"):
        _run(_plan(tmp_path, models=[]), asked)
    store = Store.open(settings.store_url, settings.blobs_url)
    assert {cell.state for cell in store.cells("grid")} == {CellState.PLANNED}
    assert {
        cell.state for cell in _run(_plan(tmp_path, models=[]), asked, cluster=LocalCluster(2, gpus=1)).cells("grid")
    }


def test_a_mistake_of_our_own_ends_the_job_with_a_traceback_in_its_log(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Driver, "_step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _run(_plan(tmp_path, models=[]), settings)
    store = Store.open(settings.store_url, settings.blobs_url)
    job = store.jobs("grid")[0]
    assert (job.state, job.reason) == (JobState.FAILED, "division by zero")
    (line,) = store.job_lines(job.id, kind=LineKind.FAILURE)
    assert "Traceback" in str(line.detail)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is looked at a hundred times a second."""
    monkeypatch.setattr("dragoman_jobs.driver.BEAT_SECONDS", 0.01)
    monkeypatch.setattr(finetunings, "LOOK_SECONDS", 0.01)


def _other_driver(plan: Plan, settings: Settings, name: str = "other") -> tuple[Store, int]:
    """A driver of another host at another grid with the same cells; returns its job."""
    store = Store.open(settings.store_url, settings.blobs_url)
    other = plan.model_copy(update={"spec": plan.spec.model_copy(update={"name": name})})
    Driver(other, store, settings, GridProgress(Console(quiet=True))).register()
    return store, store.start_job(name, "another-host-7")


def test_cells_in_flight_in_another_grids_driver_are_waited_for_and_not_done_twice(
    tmp_path: Path, settings: Settings, stub: type[_Copy], impatient: None
) -> None:
    plan = _plan(tmp_path, models=[])
    there, job = _other_driver(plan, settings)
    first, second, third, *_ = [cell.cell.id for cell in there.cells("other")]
    there.advance_cells([], [], [first, second], control.owner(job))

    class Meanwhile(LocalCluster):
        """While the model is prepared, the other driver fails with one of its cells and takes another."""

        over = False

        def result(self, ref: Any) -> Any:
            if not self.over:
                self.over = True
                there.advance_cells([], [(second, "failed there")], [third], control.owner(job))
            return super().result(ref)

    ours = Store.open(settings.store_url, settings.blobs_url)
    done = threading.Thread(target=lambda: _run(plan, settings, cluster=Meanwhile(), store=ours))
    done.start()
    while sum(cell.state is CellState.DONE for cell in there.cells("other")) < 3:
        time.sleep(0.01)
    time.sleep(0.1)
    assert done.is_alive(), "two cells are another's, who is alive"
    assert ours.jobs("grid")[0].state is JobState.RUNNING
    there.end_job(job, JobState.STOPPED)  # without a word of them: they are planned again
    done.join(timeout=30)
    assert {cell.state for cell in there.cells("other")} <= {CellState.DONE, CellState.FAILED}
    assert ours.jobs("grid")[0].state is JobState.DONE
    attempts = {cell.cell.id: cell.attempts for cell in there.cells("other")}
    assert attempts == {cell: 1 + (cell in (first, third)) for cell in attempts}


def test_a_model_that_another_driver_trains_is_waited_for(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    begun = []

    def train(task: TrainingTask) -> Iterator[Progress]:
        begun.append(task)
        return _train(task)

    monkeypatch.setattr(finetunings, "train", train)
    plan = _plan(tmp_path)
    store = Store.open(settings.store_url, settings.blobs_url)
    progress = GridProgress(Console(quiet=True))
    Driver(plan, store, settings, progress).register()
    theirs = finetunings.Finetunings(plan, store, settings, progress, None)
    cluster = LocalCluster()
    theirs.begin(cluster, plan.trainings[0])
    assert len(begun) == 1
    ours = threading.Thread(target=lambda: _run(plan, settings))
    ours.start()
    while sum(cell.state is CellState.DONE for cell in store.cells("grid")) < 6:
        time.sleep(0.01)
    time.sleep(0.1)
    assert ours.is_alive(), "the base is done, the model is trained elsewhere"
    assert len(begun) == 1
    while not any(theirs.follow(cluster, ref) for ref in list(theirs.refs)):
        pass
    ours.join(timeout=30)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}
    assert len(begun) == 1


def test_a_model_that_was_trained_just_before_its_turn_is_not_trained_again(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finetunings, "train", _train)
    plan = _plan(tmp_path)
    store = _run(plan, settings)
    ours = finetunings.Finetunings(plan, store, settings, GridProgress(Console(quiet=True)), None)
    cluster = LocalCluster()
    ours.begin(cluster, plan.trainings[0])
    assert list(ours.refs) == []
    assert [trained.failure for trained in ours.look(cluster)] == [None]
    assert ours.left == 0


def test_a_model_that_another_driver_gave_up_is_trained_here(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    monkeypatch.setattr(finetunings, "train", _train)
    plan = _plan(tmp_path)
    settings.models_dir.mkdir(parents=True)
    lock = FileLock(settings.models_dir / f".{plan.trainings[0].identity.id}.driver.lock", thread_local=False)
    lock.acquire()
    threading.Timer(0.3, lock.release).start()
    store = _run(plan, settings)
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}


class _Restarting(Store):
    """A store whose database goes away for a moment, again and again, in the middle of a grid."""

    away = 0

    def advance_cells(self, *arguments: Any, **named: Any) -> list[str]:
        type(self).away += 1
        if self.away % 3:
            raise StoreError("The store can't be used (the connection is closed).") from OSError("closed")
        return super().advance_cells(*arguments, **named)


def test_a_database_that_restarts_costs_nothing(
    tmp_path: Path, settings: Settings, stub: type[_Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dragoman_jobs.patience._FIRST", 0.01)
    plan = _plan(tmp_path, models=[])
    store = _run(plan, settings, store=_Restarting.open(settings.store_url, settings.blobs_url))
    assert _Restarting.away > 6
    assert {(cell.state, cell.attempts) for cell in store.cells("grid")} == {(CellState.DONE, 1)}


def test_a_cell_s_reason_holds_no_secret(tmp_path: Path, settings: Settings, stub: type[_Copy]) -> None:
    stub.fails = ModelError("http://ada:hush@host/v1 refuses the api_key=sk-123456.")
    store = _run(_plan(tmp_path, models=[]), settings)
    reasons = {cell.reason for cell in store.cells("grid") if cell.state is CellState.FAILED}
    assert reasons == {"http://ada:***@host/v1 refuses the api_key=***"}


@pytest.mark.parametrize(("workers", "asked_for"), [(0, [1, 2]), (3, [3])])
def test_a_cluster_that_grows_is_asked_for_what_no_node_has_yet(
    tmp_path: Path, settings: Settings, stub: type[_Copy], workers: int, asked_for: list[int]
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

    store = _run(_plan(tmp_path, models=[]), asked, cluster=Empty(cpus=8, gpus=0, grows=True))
    assert {cell.state for cell in store.cells("grid")} == {CellState.DONE}
    assert list(dict.fromkeys(waiting))[: len(asked_for)] == asked_for
