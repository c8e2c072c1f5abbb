"""The pool of metric actors: who gets which cell, what a death costs, and what is given up."""

from collections import Counter
from collections.abc import Callable

import pytest

from dragoman.errors import StoreError
from dragoman.metrics.base import MetricNeedError
from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.metrics.model_metric import ModelDiedError
from dragoman.pair import Pair
from dragoman.store.maintenance.open_scores import OpenScore
from dragoman.store.records import ScoredCell
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, WorkerDiedError
from dragoman_jobs.evaluation.metric_pool import MAX_STARTS, GivenUp, MetricPool
from dragoman_jobs.testing import LocalCluster

PAIR = Pair("de", "en")


def task(cell: str, metric: str = "m", test: str = "t") -> OpenScore:
    return OpenScore(cell, PAIR, metric, test, f"hypotheses of {cell}")


class Actor:
    """Notes what it is given, and fails as told."""

    given: list[tuple[int, str]]
    fails: dict[str, list[Exception]]
    unloadable: list[Exception]
    born: Counter[str]

    def __init__(self, metric: ConfiguredMetric) -> None:
        self.metric = metric.name
        Actor.born[self.metric] += 1
        self.number = Actor.born.total()

    def ready(self) -> str:
        if Actor.unloadable:
            raise Actor.unloadable.pop(0)
        return "signature"

    def run(self, given: OpenScore) -> ScoredCell:
        assert given.metric == self.metric
        Actor.given.append((self.number, given.cell))
        if Actor.fails.get(given.cell):
            raise Actor.fails[given.cell].pop(0)
        return ScoredCell(given.cell)


@pytest.fixture
def pool() -> Callable[..., tuple[MetricPool, LocalCluster]]:
    Actor.given, Actor.fails, Actor.unloadable, Actor.born = [], {}, [], Counter()

    def make(*metrics: str) -> tuple[MetricPool, LocalCluster]:
        cluster = LocalCluster()
        configured = [ConfiguredMetric(name, {}) for name in metrics or ("m",)]
        return MetricPool(cluster, lambda metric: cluster.worker(Actor, metric), configured), cluster

    return make


def run(pool: MetricPool, cluster: LocalCluster, size: int = 1) -> list[ScoredCell | GivenUp]:
    """Until nothing waits."""
    found = []
    while pool.waiting or pool.running or pool.refs:
        pool.resize(size)
        pool.dispatch()
        found += [each for ref in cluster.wait(pool.refs, 1.0) if (each := pool.take(ref)) is not None]
    pool.resize(size)
    return found


def test_cells_of_the_same_text_go_to_the_same_actor(pool) -> None:
    made, cluster = pool()
    made.add(task(f"{model}-{test}", test=test) for model in "abc" for test in ("one", "two", "three"))
    assert len(run(made, cluster, size=2)) == 9
    by_test: dict[str, set[int]] = {}
    for number, cell in Actor.given:
        by_test.setdefault(cell.partition("-")[2], set()).add(number)
    assert Counter(map(len, by_test.values()))[1] >= 2
    assert Actor.born == {"m": 2} and made.loads == {"m": 2}
    assert made.actors == 0  # nothing waits and nothing comes: they have ended


def test_a_dead_actor_costs_its_cell_in_flight_once(pool) -> None:
    made, cluster = pool()
    Actor.fails = {"b": [WorkerDiedError("killed")]}
    made.add(map(task, "abc"))
    assert [each.cell for each in run(made, cluster)] == ["a", "b", "c"]
    assert [cell for _, cell in Actor.given] == ["a", "b", "b", "c"]
    assert made.loads == {"m": 2}


@pytest.mark.parametrize("error", [WorkerDiedError("killed"), MetricNeedError("The process of its model was killed.")])
def test_a_cell_that_actors_die_of_stays_open_and_the_rest_goes_on(pool, error: Exception) -> None:
    made, cluster = pool()
    Actor.fails = {"a": [error] * MAX_ATTEMPTS}
    made.add(map(task, "abc"))
    given_up, *scored = run(made, cluster)
    assert isinstance(given_up, GivenUp) and given_up.tasks == (task("a"),) and "killed" in given_up.reason
    assert [each.cell for each in scored] == ["b", "c"]
    assert Counter(cell for _, cell in Actor.given)["a"] == MAX_ATTEMPTS


def test_a_damaged_blob_is_its_cells_own_and_keeps_the_model(pool) -> None:
    made, cluster = pool()
    Actor.fails = {"a": [StoreError("The blob is gone.")]}
    made.add(map(task, "ab"))
    given_up, scored = run(made, cluster)
    assert given_up == GivenUp("m", "The blob is gone.", (task("a"),)) and scored.cell == "b"
    assert made.loads == {"m": 1}


def test_a_model_that_is_not_there_gives_up_its_metric_at_once_and_no_other(pool) -> None:
    made, cluster = pool("m", "n")
    Actor.unloadable = [MetricNeedError("There is no model.")]
    made.add([task("a"), task("b"), task("a", "n")])
    found = run(made, cluster)
    (given_up,) = [each for each in found if isinstance(each, GivenUp)]
    assert given_up.reason == "There is no model." and len(given_up.tasks) == 1 + (given_up.metric == "m")
    assert len(found) == 1 + 3 - len(given_up.tasks)
    late = task("late", given_up.metric)
    assert made.add([late]) == [late] and not made.waiting


@pytest.mark.parametrize("error", [WorkerDiedError("out of memory"), ModelDiedError("Its process was killed.")])
def test_actors_that_die_while_they_load_are_started_some_times(pool, error: Exception) -> None:
    made, cluster = pool()
    Actor.unloadable = [error] * MAX_STARTS
    made.add(map(task, "ab"))
    (given_up,) = run(made, cluster)
    assert isinstance(given_up, GivenUp) and f"died {MAX_STARTS} times" in given_up.reason and len(given_up.tasks) == 2
    made, cluster = pool()
    Actor.unloadable = [error] * (MAX_STARTS - 1)
    made.add(map(task, "ab"))
    assert [each.cell for each in run(made, cluster)] == ["a", "b"]


def test_where_one_more_has_no_room_the_one_that_is_loaded_does_it_all(pool) -> None:
    made, cluster = pool()
    made.add(task(name, test=name) for name in "abcd")
    made.resize(1)
    assert made.take(*cluster.wait(made.refs, 1.0)) is None  # the first has loaded
    Actor.unloadable = [MetricNeedError("The device has no room for it.")]
    assert sorted(each.cell for each in run(made, cluster, size=2)) == ["a", "b", "c", "d"]
    assert {number for number, _ in Actor.given} == {1}


def test_metrics_take_turns_where_there_is_room_for_one_actor_and_nothing_comes(pool) -> None:
    made, cluster = pool("m", "n")
    made.add([task("a", "m"), task("a", "n"), task("b", "m"), task("b", "n")])
    for _ in range(8):
        made.resize(1, coming=True)
        made.dispatch()
        for ref in cluster.wait(made.refs, 1.0):
            made.take(ref)
    assert Actor.born.total() == 1 and made.waiting == 2  # while cells come, no model is loaded by turns
    run(made, cluster)
    assert Actor.born == {"m": 1, "n": 1}
