"""Attempts at tasks whose process died, and workers whose node is leaving."""

from typing import Any

import pytest

from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, NodeEndedError, Share, WorkerDiedError
from dragoman_jobs.cluster.work_queue import WorkQueue
from dragoman_jobs.driver import shortage
from dragoman_jobs.testing import LocalCluster


def test_deaths_count_by_task_and_orderly_ends_of_nodes_do_not() -> None:
    attempts = Attempts()
    assert all(attempts.again("a", NodeEndedError("received SIGTERM")) for _ in range(10))
    assert [attempts.again("a", WorkerDiedError("killed")) for _ in range(MAX_ATTEMPTS)] == [True, True, False]
    assert attempts.again("b", WorkerDiedError("killed"))


class Job(tuple[str]):
    """A task of its own name."""

    key = property(lambda self: self[0])
    needs = ""


class Worker:
    """Leaves after its first task."""

    born: list["Worker"]

    def __init__(self) -> None:
        self.is_leaving = False
        self.done: list[str] = []
        Worker.born.append(self)

    def ready(self) -> int:
        return 1

    def run(self, job: Job) -> str:
        self.done.append(job.key)
        self.is_leaving = len(Worker.born) == 1
        return job.key


def test_a_worker_whose_node_is_leaving_gets_nothing_more() -> None:
    Worker.born = []
    cluster: Any = LocalCluster()
    work: WorkQueue[Any] = WorkQueue(cluster, lambda: cluster.worker(Worker), 1)
    work.add([Job(["a"]), Job(["b"]), Job(["c"])])
    assert [outcome.value for outcome in work] == ["a", "b", "c"]
    assert [worker.done for worker in Worker.born] == [["a"], ["b", "c"]]


def test_a_lack_of_nodes_is_said_once_when_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(shortage.time, "monotonic", lambda: now)
    watch, wanted = shortage.Shortage(), Share(1, 2)
    assert watch.look(wanted) is None
    now = 70.0
    assert "no node has had room for 1 CPU core and 2 GPUs" in str(watch.look(wanted))
    assert watch.look(wanted) is None
    assert watch.look(None) is None
    assert watch.look(wanted) is None, "it has only just begun again"
    now = 140.0
    assert watch.look(wanted) is not None
