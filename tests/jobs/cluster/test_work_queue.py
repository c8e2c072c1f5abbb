"""The queue of tasks for workers that keep something loaded."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from dragoman.disk import DiskError
from dragoman.errors import DragomanError
from dragoman_jobs.cluster.base import ClusterError, WorkerDiedError
from dragoman_jobs.cluster.work_queue import MAX_STARTS, Outcome, WorkQueue
from dragoman_jobs.testing import LocalCluster


class Job(NamedTuple):
    key: str
    needs: str


class Loader:
    """Says what it has done, and what it had to load for it."""

    def __init__(self, log: list[str], fails: Callable[[str], Exception | None]) -> None:
        self.log, self.fails, self.has = log, fails, ""

    def ready(self) -> int:
        if failure := self.fails("ready"):
            raise failure
        return 1

    def run(self, job: Job) -> str:
        if job.needs != self.has:
            self.log.append(f"load {job.needs}")
            self.has = job.needs
        self.log.append(job.key)
        if failure := self.fails(job.key):
            raise failure
        return job.key.upper()


def queue(log: list[str], fails: Callable[[str], Exception | None] = lambda key: None, size: int = 1) -> WorkQueue[Job]:
    cluster: Any = LocalCluster()
    return WorkQueue(cluster, lambda: cluster.worker(Loader, log, fails), size)


def test_tasks_of_one_need_load_once_and_more_may_come_meanwhile() -> None:
    log: list[str] = []
    work = queue(log)
    work.add([Job("a1", "a"), Job("b1", "b"), Job("a2", "a"), Job("b2", "b"), Job("a3", "a")])
    found = []
    for outcome in work:
        found.append(outcome.value)
        if outcome.task.key == "a3":
            work.add([Job("a4", "a")])
    assert log == ["load a", "a1", "a2", "a3", "a4", "load b", "b1", "b2"]
    assert found == ["A1", "A2", "A3", "A4", "B1", "B2"]


def test_a_task_whose_worker_died_is_tried_by_others_three_times() -> None:
    log: list[str] = []
    deaths = {"bad": 3, "unlucky": 1}

    def fails(key: str) -> Exception | None:
        deaths[key] = deaths.get(key, 0) - 1
        return WorkerDiedError("gone") if deaths[key] >= 0 else None

    work = queue(log, fails)
    work.add([Job("bad", "a"), Job("unlucky", "a"), Job("good", "a")])
    outcomes = {outcome.task.key: outcome for outcome in work}
    assert outcomes["bad"] == Outcome(Job("bad", "a"), failure="its worker died 3 times (gone)")
    assert outcomes["unlucky"].value == "UNLUCKY" and outcomes["good"].value == "GOOD"


def test_what_a_task_raises_is_its_failure_and_a_full_disk_everyones() -> None:
    errors = {"wrong": DragomanError("it is wrong."), "full": DiskError("the disk is full.")}
    work = queue([], errors.get)
    work.add([Job("wrong", "a"), Job("good", "a")])
    assert [(each.value, each.failure) for each in work] == [(None, "it is wrong."), ("GOOD", None)]
    work.add([Job("full", "a")])
    with pytest.raises(DiskError):
        list(work)


def test_workers_that_never_come_up_are_given_up() -> None:
    work = queue([], lambda key: WorkerDiedError("no memory") if key == "ready" else None)
    work.add([Job("a", "a")])
    with pytest.raises(ClusterError, match=rf"died {MAX_STARTS} times before they were ready \(no memory\)"):
        list(work)
