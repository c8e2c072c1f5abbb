"""The pool: leases of cells go to whoever is free, a dead worker costs only its cells in flight."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.spec.prompt import Prompt
from dragoman.store.records import Translation
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, ClusterError, Share, WorkerDiedError
from dragoman_jobs.evaluation.worker import CellFailure, CellOutcome, CellTask, Lease, PreparedModel
from dragoman_jobs.evaluation.worker_pool import MAX_STARTS, CellResult, WorkerPool
from dragoman_jobs.testing import LocalCluster

PAIR = Pair("de", "fr")


def _task(name: str, model: str = "m", size: int = 0, pair: Pair = PAIR, **kind: bool) -> CellTask:
    return CellTask(
        cell=name,
        pair=pair,
        model=PreparedModel(model=model, engine="none", path=Path("none"), **kind),
        decoding=Decoding(),
        prompt=Prompt(template="{source}"),
        test="blob",
        languages=("de", "fr"),
        metrics=("bleu",),
        size=size,
    )


BATCH = 10
"""Tokens of a batch."""

TOGETHER = {"batch_invariant": True}


class _Translator:
    """A worker that remembers what it was asked for, and dies or fails on some cells."""

    calls: ClassVar[Counter[str]] = Counter()
    order: ClassVar[list[str]] = []
    loads: ClassVar[list[str]] = []
    ahead: ClassVar[list[tuple[str, str]]] = []
    leases: ClassVar[list[Lease]] = []
    seconds: ClassVar[float] = 0.0
    starts: ClassVar[int] = 0

    def __init__(self, dies_on: dict[str, int], fails_on: set[str], stillborn: int) -> None:
        self._dies_on, self._fails_on, self._stillborn = dies_on, fails_on, stillborn
        self._model = ""

    def ready(self) -> int:
        type(self).starts += 1
        if self.starts <= self._stillborn:
            raise WorkerDiedError("its node is gone")
        return 1

    def run(self, lease: Lease) -> Iterator[list[CellOutcome | CellFailure]]:
        self.leases.append(lease)
        if lease.then:
            self.ahead.append((lease.tasks[-1].cell, lease.then.model.model))
        if lease.loading.model.model != self._model:
            self._model = lease.loading.model.model
            self.loads.append(self._model)
        for task in lease.tasks:
            self.calls[task.cell] += 1
            self.order.append(task.cell)
            if self.calls[task.cell] <= self._dies_on.get(task.cell, 0):
                raise WorkerDiedError("killed")
            if task.cell in self._fails_on:
                yield [CellFailure(task.cell, "this sentence says why.")]
                continue
            translation = Translation(
                cell_id=task.cell, hypotheses="blob", segments=1, tokens=1, cut=0, engine="none", seconds=0, worker="w"
            )
            yield [CellOutcome(translation=translation, scores=(), unscorable=(), busy=self.seconds)]


def _run(pool: WorkerPool, cluster: LocalCluster, size: int = 2) -> list[CellResult]:
    ended = []
    while pool.waiting or pool.running:
        pool.resize(size)
        pool.choose()
        pool.dispatch()
        for ref in cluster.wait(pool.refs, 1.0):
            ended += pool.take(ref)
    return ended


@pytest.fixture
def translator() -> type[_Translator]:
    _Translator.calls, _Translator.starts = Counter(), 0
    _Translator.order, _Translator.loads, _Translator.ahead, _Translator.leases = [], [], [], []
    _Translator.seconds = 0.0
    return _Translator


def _pool(
    dies_on: dict[str, int] | None = None, fails_on: set[str] | None = None, stillborn: int = 0
) -> tuple[WorkerPool, LocalCluster]:
    cluster = LocalCluster()
    arguments: tuple[Any, ...] = (dies_on or {}, fails_on or set(), stillborn)
    return WorkerPool(cluster, lambda: cluster.worker(_Translator, *arguments), BATCH), cluster


def test_every_cell_is_done_once_and_each_model_loads_once_for_each_worker(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    pool.add([_task(f"a{i}", "a") for i in range(10)])
    pool.add([_task(f"b{i}", "b") for i in range(10)])
    ended = _run(pool, cluster)
    assert {one.task.cell for one in ended if one.outcome} == {f"{model}{i}" for model in "ab" for i in range(10)}
    assert set(translator.calls.values()) == {1}
    assert len(translator.loads) <= 4


def test_the_longest_cells_start_first(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    pool.add([_task(f"a{size}", size=size) for size in (3, 1, 4, 2, 5)])
    _run(pool, cluster, size=1)
    assert translator.order == ["a5", "a4", "a3", "a2", "a1"]


def test_with_its_models_last_cell_a_worker_hears_what_it_will_need_next(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    pool.add([_task(f"a{i}", "a") for i in range(3)])
    pool.add([_task(f"b{i}", "b") for i in range(2)])
    _run(pool, cluster, size=1)
    assert translator.ahead == [("a2", "b")]
    assert translator.order == ["a0", "a1", "a2", "b0", "b1"]


def test_every_worker_hears_it_with_the_last_cell_it_gets_of_a_model(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    slow = Decoding(beam=2)
    pool.add([_task(f"a{i}", "a", size=9 - i) for i in range(6)])
    pool.add([_task(f"b{i}", "b").model_copy(update={"decoding": slow}) for i in range(3)])
    pool.resize(3)
    for ref in pool.refs:
        pool.take(ref)
    _run(pool, cluster, size=3)
    assert {model for _, model in translator.ahead} == {"b"}
    assert {cell for cell, _ in translator.ahead} == {"a3", "a4", "a5"}
    assert {each.then.decoding for each in translator.leases if each.then} == {slow}, "as the next model is decoded"


def test_while_there_are_plenty_a_second_cell_waits_at_its_worker(translator: type[_Translator]) -> None:
    pool, _ = _pool()
    pool.add([_task(f"a{i}", size=9 - i) for i in range(4)])
    pool.resize(1)
    pool.take(pool.refs[0])
    assert [task.cell for task in pool.choose()] == ["a0"]
    pool.dispatch()
    assert (pool.running, pool.waiting) == (1, 2)
    pool.take(pool.refs[0])
    assert [task.cell for task in pool.choose()] == ["a1"]  # it starts only now
    pool.dispatch()
    assert (pool.running, pool.waiting) == (1, 1)
    pool.take(pool.refs[0])
    assert [task.cell for task in pool.choose()] == ["a2"]
    pool.dispatch()
    assert (pool.running, pool.waiting) == (1, 1)  # the last one is kept for who is free first


def test_workers_start_for_cells_that_will_come(translator: type[_Translator]) -> None:
    pool, _ = _pool()
    pool.resize(2, coming=5)
    assert len(pool.refs) == 2


def test_a_dead_worker_costs_only_its_cell_in_flight(translator: type[_Translator]) -> None:
    pool, cluster = _pool(dies_on={"a1": 1, "a3": 1})
    pool.add([_task(f"a{i}") for i in range(8)])
    ended = _run(pool, cluster)
    assert all(one.failure is None for one in ended)
    assert translator.calls == Counter({f"a{i}": 2 if i in (1, 3) else 1 for i in range(8)})
    assert pool.workers <= 2


def test_a_poisonous_cell_ends_as_failed_and_the_rest_goes_on(translator: type[_Translator]) -> None:
    pool, cluster = _pool(dies_on={"a0": 99})
    pool.add([_task("a0"), _task("a1")])
    failures = {one.task.cell: one.failure for one in _run(pool, cluster)}
    assert failures["a1"] is None
    assert str(failures["a0"]).startswith(f"its worker died {MAX_ATTEMPTS} times")
    assert translator.calls["a0"] == MAX_ATTEMPTS


def test_a_cell_that_fails_keeps_its_worker(translator: type[_Translator]) -> None:
    pool, cluster = _pool(fails_on={"a0"})
    pool.add([_task("a0"), _task("a1")])
    failures = {one.task.cell: one.failure for one in _run(pool, cluster, size=1)}
    assert failures == {"a0": "this sentence says why.", "a1": None}
    assert len(translator.loads) == 1


def test_a_worker_that_dies_before_it_is_ready_costs_no_cell_an_attempt(translator: type[_Translator]) -> None:
    pool, cluster = _pool(stillborn=2)
    pool.add([_task(f"a{i}") for i in range(3)])
    assert all(one.failure is None for one in _run(pool, cluster, size=1))
    assert translator.starts == 3
    assert set(translator.calls.values()) == {1}


def test_workers_that_never_become_ready_are_a_sentence(translator: type[_Translator]) -> None:
    pool, cluster = _pool(stillborn=MAX_STARTS)
    pool.add([_task("a0")])
    with pytest.raises(ClusterError, match=f"died {MAX_STARTS} times before they were ready .its node is gone"):
        _run(pool, cluster)


def test_starts_that_fail_together_count_once(translator: type[_Translator]) -> None:
    pool, cluster = _pool(stillborn=2 * MAX_STARTS)
    pool.add([_task(f"a{i}") for i in range(9)])
    assert all(one.failure is None for one in _run(pool, cluster, size=MAX_STARTS))
    assert translator.starts > 2 * MAX_STARTS


def test_workers_that_do_not_come_up_beside_one_that_did_end_nothing(
    translator: type[_Translator], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, cluster = _pool()
    pool.add([_task(f"a{i}") for i in range(9)])
    pool.resize(1)
    pool.take(pool.refs[0])
    translator.starts = -MAX_STARTS
    monkeypatch.setattr(translator, "ready", lambda _: (_ for _ in ()).throw(WorkerDiedError("its node is gone")))
    for _ in range(2 * MAX_STARTS):
        pool.resize(2)
        pool.take(pool.refs[-1])
    assert pool.workers == 1
    assert len(_run(pool, cluster, size=1)) == 9


def test_workers_that_nothing_waits_for_give_up_what_they_hold(
    translator: type[_Translator], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, cluster = _pool()
    pool.add([_task("a0"), _task("a1")])
    _run(pool, cluster)
    pool.resize(2)
    assert pool.workers
    monkeypatch.setattr("dragoman_jobs.evaluation.worker_pool.IDLE_SECONDS", 0.0)
    pool.resize(2, coming=1)
    assert pool.workers, "cells will come"
    pool.resize(2)
    assert pool.workers == 0
    assert not pool.refs


def test_what_others_are_at_is_given_back_and_then_no_cell_waits_at_a_worker(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    pool.add([_task(f"a{i}", size=9 - i) for i in range(8)])
    pool.resize(2)
    for ref in pool.refs:
        pool.take(ref)
    assert [task.cell for task in pool.choose()] == ["a0", "a1"]
    assert [task.cell for task in pool.withdraw(["a0"])] == ["a0"]
    assert [task.cell for task in pool.choose()] == ["a2"]
    pool.dispatch()
    ended = _run(pool, cluster)
    assert "a0" not in translator.calls
    assert len(ended) == 7


def test_idle_workers_leave_when_others_need_their_place(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    pool.add([_task("a0"), _task("a1")])
    _run(pool, cluster)
    before = pool.workers
    assert before
    pool.resize(0)
    assert pool.workers == 0
    assert pool.busy is not None
    pool.close()


def test_cells_of_one_model_and_decoding_are_leased_together(translator: type[_Translator]) -> None:
    pool, cluster = _pool()
    other = _task("b0", size=1, **TOGETHER).model_copy(update={"decoding": Decoding(beam=2)})
    lone = [_task(f"c{i}", "c", size=1) for i in range(4)]  # of an engine that is not batch invariant
    pool.add([*(_task(f"a{i}", size=2, **TOGETHER) for i in range(20)), other, *lone])
    translator.seconds = 0.01
    ended = _run(pool, cluster)
    assert all(one.outcome for one in ended)
    assert set(translator.calls.values()) == {1}
    assert len(translator.calls) == 25
    sizes = [len(lease.tasks) for lease in translator.leases]
    assert max(sizes[:2]) * 2 <= BATCH, "of a model that nothing is known of, a batch"
    assert max(sizes) * 2 > BATCH
    for lease in translator.leases:
        assert len({task.loading for task in lease.tasks}) == 1
        assert len(lease.tasks) == 1 or lease.tasks[0].model.model == "m"


def test_leases_shrink_towards_the_end_and_keep_to_the_seconds_that_one_may_take(
    translator: type[_Translator], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool, cluster = _pool()
    pool.add([_task(f"a{i}", size=1, **TOGETHER) for i in range(100)])
    translator.seconds = 1.0
    _run(pool, cluster, size=2)
    sizes = [len(lease.tasks) for lease in translator.leases]
    known = sizes[4:]  # those before were begun without knowing
    assert max(known) > 10
    assert known == sorted(known, reverse=True)
    assert known[-1] == 1
    monkeypatch.setattr("dragoman_jobs.evaluation.cell_queue.MOST_SECONDS", 3.0)
    pool.add([_task(f"b{i}", size=1, **TOGETHER) for i in range(100)])
    before = len(translator.leases)
    _run(pool, cluster, size=2)
    assert max(len(lease.tasks) for lease in translator.leases[before:]) == 3


def test_one_cell_that_fails_or_kills_leaves_the_rest_of_its_lease_alone(translator: type[_Translator]) -> None:
    pool, cluster = _pool(dies_on={"a7": 99}, fails_on={"a3"})
    pool.add([_task(f"a{i}", size=9 - i, **TOGETHER) for i in range(9)])
    translator.seconds = 0.001
    failures = {one.task.cell: one.failure for one in _run(pool, cluster, size=1) if one.failure}
    assert failures.keys() == {"a3", "a7"}
    assert str(failures["a7"]).startswith(f"its worker died {MAX_ATTEMPTS} times")
    assert translator.calls["a7"] == MAX_ATTEMPTS
    assert max(count for cell, count in translator.calls.items() if cell != "a7") == 1, "what had come back is done"
    assert [len(lease.tasks) for lease in translator.leases if lease.tasks[0].cell == "a7"][-2:] == [1, 1]


def test_of_a_lease_only_what_others_are_at_is_given_back(translator: type[_Translator]) -> None:
    pool, _ = _pool()
    pool.add([_task(f"a{i}", size=1, **TOGETHER) for i in range(16)])
    pool.resize(1)
    pool.take(pool.refs[0])
    assert [task.cell for task in pool.choose()] == [f"a{i}" for i in range(8)]
    assert [task.cell for task in pool.withdraw(["a2", "a3"])] == ["a2", "a3"]
    assert pool.waiting == 8, "nothing waits behind a lease any more"
    pool.dispatch()
    pool.take(pool.refs[0])
    assert [task.cell for task in translator.leases[0].tasks] == ["a0", "a1", "a4", "a5", "a6", "a7"]


def test_where_prefixes_are_kept_the_targets_of_a_source_go_to_one_worker(translator: type[_Translator]) -> None:
    languages = "abcd"
    pool, _ = _pool()
    pairs = [Pair(source, target) for target in languages for source in languages if source != target]
    pool.add([_task(str(pair), size=9, pair=pair, keeps_prefixes=True) for pair in pairs])
    pool.resize(2)
    for ref in pool.refs:
        pool.take(ref)
    sources: dict[int, list[str]] = {}
    while pool.waiting or pool.running:
        pool.choose()
        pool.dispatch()
        for ref in pool.refs:
            member = id(pool._heads[ref])
            sources.setdefault(member, []).append(next(iter(pool._heads[ref].calls[ref].values())).pair.source)
            pool.take(ref)
    changes = [sum(one != other for one, other in itertools.pairwise(each)) for each in sources.values()]
    assert sum(changes) <= 4, "each worker goes through one source after another, but for the last, which they share"
    assert sum(map(len, sources.values())) == len(pairs)


@pytest.mark.parametrize(
    ("share", "cpus", "gpus", "room"),
    [
        (Share(), 4, 0, 4),
        (Share(2), 5, 0, 2),
        (Share(1, 1), 8, 2, 2),
        (Share(1, 0.5), 8, 2, 4),
        (Share(1, 0.4), 8, 2, 4),
        (Share(0.1, 0.1), 8, 1, 10),
        (Share(1, 2), 8, 3, 1),
        (Share(1, 1), 8, 0, 0),
        (Share(4, 1), 3, 1, 0),
    ],
)
def test_how_many_shares_a_node_has_room_for(share: Share, cpus: float, gpus: float, room: int) -> None:
    assert share.fits(cpus, gpus) == room
