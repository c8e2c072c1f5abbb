"""The pool of warm evaluation workers: one cell in flight each, longest first, to whoever is free."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dragoman.errors import DragomanError
from dragoman_jobs.cluster import Cluster, ClusterError, Ref, RemoteWorker, WorkerDiedError
from dragoman_jobs.worker import CellOutcome, CellTask, PreparedModel

MAX_ATTEMPTS = 3
"""Times a cell may take its worker with it before it counts as failed."""

MAX_STARTS = 5
"""Times in a row that a worker may die before it is ready: then none ever will be."""

BACKOFF = 0.25
"""Seconds before a worker is started again; twice as many each time."""


@dataclass(frozen=True)
class Ended:
    """A cell that came to an end: with an outcome, or with the reason why there is none."""

    task: CellTask
    outcome: CellOutcome | None = None
    failure: str | None = None
    detail: str | None = None
    """What a log should hold of the failure."""


@dataclass
class _Member:
    """A worker of the pool."""

    remote: RemoteWorker
    born: float
    """When it was ready."""
    model: PreparedModel | None = None
    """What it has loaded."""


class Pool:
    """Hands cells to workers and takes back what became of them.

    A queue of our own rather than Ray's ActorPool, which neither requeues nor names what a dead actor lost. A worker
    gets its first cell when it is ready, so that one that waits for room on the cluster keeps no cell waiting.
    """

    def __init__(self, cluster: Cluster, start: Callable[[], RemoteWorker]) -> None:
        """Begin without workers.

        Args:
            cluster: where the workers run.
            start: starts one.
        """
        self._cluster, self._start = cluster, start
        self._queues: dict[str, deque[CellTask]] = {}
        self._starting: dict[Ref, RemoteWorker] = {}
        self._idle: list[_Member] = []
        self._chosen: list[tuple[_Member, CellTask]] = []
        self._busy: dict[Ref, tuple[_Member, CellTask]] = {}
        self._deaths: dict[str, int] = {}
        self._failed_starts = 0
        self._not_before = 0.0
        self._worked = self._lived = 0.0

    @property
    def waiting(self) -> int:
        """Cells not started."""
        return sum(map(len, self._queues.values()))

    @property
    def workers(self) -> int:
        """Workers alive and ready."""
        return len(self._idle) + len(self._chosen) + len(self._busy)

    @property
    def running(self) -> int:
        """Cells in flight."""
        return len(self._busy)

    @property
    def refs(self) -> list[Ref]:
        """The futures of the cells in flight and of the workers that start."""
        return [*self._busy, *self._starting]

    @property
    def busy(self) -> float | None:
        """The share of its workers' life that they spent on cells, by their own clocks; None before they lived."""
        now = time.monotonic()
        members = [*self._idle, *(member for member, _ in [*self._chosen, *self._busy.values()])]
        lived = self._lived + sum(now - member.born for member in members)
        return self._worked / lived if lived else None

    def add(self, tasks: Iterable[CellTask]) -> None:
        """Queue cells; of each model, the longest starts first, so that no long one is left for the end."""
        for task in sorted(tasks, key=lambda task: task.size, reverse=True):
            self._queues.setdefault(task.model.model, deque()).append(task)

    def resize(self, size: int) -> None:
        """Start workers up to `size`, if there are cells for them, and end idle ones above it.

        Raises:
            ClusterError: workers die again and again before they are ready.
        """
        while self._idle and self.workers > size:
            self._bury(self._idle.pop())
        wanted = min(size, self.workers + self.waiting)
        while self.workers + len(self._starting) < wanted and time.monotonic() >= self._not_before:
            worker = self._start()
            self._starting[worker.call("ready")] = worker

    def choose(self) -> list[CellTask]:
        """Give every idle worker a cell, without starting it: of the model it has loaded, else of the longest queue."""
        chosen = []
        while self._idle and self.waiting:
            member = self._idle.pop()
            loaded = member.model.model if member.model else ""
            model = loaded if self._queues.get(loaded) else self._longest()
            task = self._queues[model].popleft()
            if not self._queues[model] and self.waiting:
                # the model's last cell: its worker loads another while it translates
                task = task.model_copy(update={"then": self._queues[self._longest()][0].model})
            member.model = task.then or task.model
            self._chosen.append((member, task))
            chosen.append(task)
        return chosen

    def dispatch(self) -> None:
        """Start the cells that were chosen."""
        for member, task in self._chosen:
            self._busy[member.remote.call("run", task)] = (member, task)
        self._chosen.clear()

    def take(self, ref: Ref) -> Ended | None:
        """What became of the cell behind a future; None where a worker became ready, or died and its cell waits again.

        Raises:
            ClusterError: workers die again and again before they are ready.
        """
        if ref in self._starting:
            self._welcome(ref, self._starting.pop(ref))
            return None
        member, task = self._busy.pop(ref)
        try:
            outcome: CellOutcome = self._cluster.result(ref)
        except WorkerDiedError as error:
            self._lived += time.monotonic() - member.born
            self._deaths[task.cell] = self._deaths.get(task.cell, 0) + 1
            if self._deaths[task.cell] < MAX_ATTEMPTS:
                self._queues.setdefault(task.model.model, deque()).appendleft(task.model_copy(update={"then": None}))
                return None
            failure = f"its worker died {MAX_ATTEMPTS} times ({error})"
            return Ended(task, failure=failure, detail=self._cluster.detail(error))
        except DragomanError as error:
            self._idle.append(member)
            return Ended(task, failure=str(error), detail=self._cluster.detail(error))
        self._worked += outcome.busy
        self._idle.append(member)
        return Ended(task, outcome=outcome)

    def close(self) -> None:
        """End every worker."""
        for member in [*self._idle, *(member for member, _ in [*self._chosen, *self._busy.values()])]:
            self._bury(member)
        for worker in self._starting.values():
            worker.kill()
        for gone in (self._idle, self._chosen, self._busy, self._starting):
            gone.clear()

    def _welcome(self, ref: Ref, worker: RemoteWorker) -> None:
        try:
            self._cluster.result(ref)
        except DragomanError as error:
            self._failed_starts += 1
            if self._failed_starts >= MAX_STARTS:
                raise ClusterError(
                    f"Evaluation workers died {MAX_STARTS} times before they were ready ({error}): see to that, then "
                    "resume the grid."
                ) from error
            # after the loss of a node, the next one may be sent to it once more
            self._not_before = time.monotonic() + BACKOFF * 2**self._failed_starts
            return
        self._failed_starts = 0
        self._idle.append(_Member(worker, time.monotonic()))

    def _longest(self) -> str:
        return max(self._queues, key=lambda model: len(self._queues[model]))

    def _bury(self, member: _Member) -> None:
        self._lived += time.monotonic() - member.born
        member.remote.kill()
