"""The pool: cells stream to whoever is free, a dead worker costs only its cell in flight."""

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt
from dragoman_jobs.cluster import LocalCluster, WorkerDiedError
from dragoman_jobs.pool import MAX_ATTEMPTS, Ended, Pool
from dragoman_jobs.worker import CellTask, PreparedModel


def _task(name: str, model: str = "m") -> CellTask:
    return CellTask(
        cell=name,
        pair=Pair("de", "fr"),
        model=PreparedModel(model=model, engine="none", path=Path("none")),
        decoding=Decoding(),
        prompt=Prompt(template="{source}"),
        test="blob",
        languages=("de", "fr"),
        metrics=("bleu",),
    )


class _Translator:
    """A worker that remembers which models it was asked for, and dies or fails on some cells."""

    calls: ClassVar[Counter[str]] = Counter()
    loads: ClassVar[list[str]] = []

    def __init__(self, dies_on: dict[str, int], fails_on: set[str]) -> None:
        self._dies_on, self._fails_on = dies_on, fails_on
        self._model = ""

    def run(self, task: CellTask) -> str:
        self.calls[task.cell] += 1
        if task.model.model != self._model:
            self._model = task.model.model
            self.loads.append(self._model)
        if self.calls[task.cell] <= self._dies_on.get(task.cell, 0):
            raise WorkerDiedError("killed")
        if task.cell in self._fails_on:
            raise ModelError("this sentence says why.")
        return f"translated {task.cell}"


def _run(pool: Pool, size: int = 2) -> list[Ended]:
    ended = []
    while pool.waiting or pool.running:
        list(pool.fill(size))
        for ref in pool.cluster.wait(pool.refs, 1.0):
            one = pool.take(ref)
            if one is not None:
                ended.append(one)
    return ended


@pytest.fixture
def translator() -> type[_Translator]:
    _Translator.calls, _Translator.loads = Counter(), []
    return _Translator


def _pool(dies_on: dict[str, int] | None = None, fails_on: set[str] | None = None) -> Pool:
    cluster = LocalCluster()
    arguments: tuple[Any, ...] = (dies_on or {}, fails_on or set())
    return Pool(cluster, lambda: cluster.worker(_Translator, *arguments))


def test_every_cell_is_done_once_and_each_model_loads_once_for_each_worker(translator: type[_Translator]) -> None:
    pool = _pool()
    pool.add([_task(f"a{i}", "a") for i in range(10)])
    pool.add([_task(f"b{i}", "b") for i in range(10)])
    ended = _run(pool)
    assert {one.task.cell: one.outcome for one in ended} == {
        f"{model}{i}": f"translated {model}{i}" for model in "ab" for i in range(10)
    }
    assert set(translator.calls.values()) == {1}
    assert len(translator.loads) <= 4


def test_a_dead_worker_costs_only_its_cell_in_flight(translator: type[_Translator]) -> None:
    pool = _pool(dies_on={"a3": 1})
    pool.add([_task(f"a{i}") for i in range(6)])
    ended = _run(pool)
    assert all(one.failure is None for one in ended)
    assert translator.calls == Counter({f"a{i}": 2 if i == 3 else 1 for i in range(6)})
    assert pool.workers <= 2


def test_a_poisonous_cell_ends_as_failed_and_the_rest_goes_on(translator: type[_Translator]) -> None:
    pool = _pool(dies_on={"a0": 99})
    pool.add([_task("a0"), _task("a1")])
    failures = {one.task.cell: one.failure for one in _run(pool)}
    assert failures["a1"] is None
    assert str(failures["a0"]).startswith(f"its worker died {MAX_ATTEMPTS} times")
    assert translator.calls["a0"] == MAX_ATTEMPTS


def test_a_cell_that_fails_keeps_its_worker(translator: type[_Translator]) -> None:
    pool = _pool(fails_on={"a0"})
    pool.add([_task("a0"), _task("a1")])
    failures = {one.task.cell: one.failure for one in _run(pool, size=1)}
    assert failures == {"a0": "this sentence says why.", "a1": None}
    assert len(translator.loads) == 1


def test_idle_workers_leave_when_others_need_their_place(translator: type[_Translator]) -> None:
    pool = _pool()
    pool.add([_task("a0"), _task("a1")])
    _run(pool)
    assert pool.workers == 2
    pool.shrink(1)
    assert pool.workers == 1
    pool.close()
    assert pool.workers == 0
