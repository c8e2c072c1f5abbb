"""The pool of evaluation workers: hands cells to idle workers, longest first, requeues those of workers that died."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from dragoman.disk import DiskError
from dragoman.errors import DragomanError
from dragoman.store.records import CellOutcome
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, Cluster, ClusterError, Ref, RemoteWorker, WorkerDiedError
from dragoman_jobs.evaluation.worker import CellTask, Loading

MAX_STARTS = 5
"""Rounds of starts in a row in which no worker becomes ready, while there is none: then none ever will be."""

BACKOFF = 0.25
"""Seconds before workers are started again; twice as many each time."""

_MOST_BACKOFF = 60.0

IDLE_SECONDS = 60.0
"""How long a worker may have nothing to do, and nothing to wait for, before it gives up what it holds."""


@dataclass(frozen=True)
class CellResult:
    """A cell that came to an end: with an outcome, or with the reason why there is none."""

    task: CellTask
    outcome: CellOutcome | None = None
    failure: str | None = None
    detail: str | None = None
    """What a log should hold of the failure."""


@dataclass(eq=False)
class _Member:
    """A worker of the pool."""

    remote: RemoteWorker
    born: float
    """When it was ready."""
    loading: Loading | None = None
    """What it will have loaded when it has done what it was given."""
    idle_since: float = 0.0
    """When it had nothing to do any more."""
    chosen: deque[CellTask] = field(default_factory=deque)
    """Cells that are about to be sent to it."""
    calls: dict[Ref, CellTask] = field(default_factory=dict)
    """Cells it was sent: the first is in flight, the one behind it waits."""

    @property
    def head(self) -> Ref | None:
        """The future of the cell in flight."""
        return next(iter(self.calls), None)

    @property
    def model(self) -> str:
        """Id of the model it will have loaded; empty before it has any."""
        return self.loading.model.model if self.loading else ""


@dataclass(frozen=True)
class _Start:
    """A worker that is not ready yet."""

    remote: RemoteWorker
    round: int
    """Those of one round were started together, and fail together."""


class WorkerPool:
    """Hands cells to workers and takes back what became of them.

    A queue of our own rather than Ray's ActorPool, which neither requeues nor names what a dead actor lost. A worker
    gets its first cell when it is ready, so that one that waits for room on the cluster keeps no cell waiting. While
    there are plenty, a second one waits behind its cell in flight, so that a short cell's worker never waits for the
    driver; with its worker it only goes back to the queue. A worker whose node is being drained gets no more cells, and
    ends.
    """

    def __init__(self, cluster: Cluster, start: Callable[[], RemoteWorker]) -> None:
        """Begin without workers.

        Args:
            cluster: where the workers run.
            start: starts one.
        """
        self._cluster, self._start = cluster, start
        self._queues: dict[str, deque[CellTask]] = {}
        self._starting: dict[Ref, _Start] = {}
        self._members: list[_Member] = []
        self._heads: dict[Ref, _Member] = {}
        self._begun: list[CellTask] = []
        self._attempts = Attempts()
        self._alone = True
        self._round = self._failed_round = self._failed_rounds = 0
        self._not_before = 0.0
        self._worked = self._lived = 0.0

    @property
    def waiting(self) -> int:
        """Cells not started."""
        return sum(map(len, self._queues.values()))

    @property
    def workers(self) -> int:
        """Workers alive and ready."""
        return len(self._members)

    @property
    def running(self) -> int:
        """Cells in flight."""
        return len(self._heads)

    @property
    def refs(self) -> list[Ref]:
        """The futures of the cells in flight and of the workers that start."""
        return [*self._heads, *self._starting]

    @property
    def busy(self) -> float | None:
        """The share of its workers' life that they spent on cells, by their own clocks; None before they lived."""
        now = time.monotonic()
        lived = self._lived + sum(now - member.born for member in self._members)
        return self._worked / lived if lived else None

    def has(self, model: str) -> bool:
        """Whether a cell of a model, by its id, waits or is in flight."""
        sent = (task for member in self._members for task in (*member.chosen, *member.calls.values()))
        return bool(self._queues.get(model)) or any(task.model.model == model for task in sent)

    def add(self, tasks: Iterable[CellTask]) -> None:
        """Queue cells; of each model, the longest starts first, so that no long one is left for the end."""
        for task in sorted(tasks, key=lambda task: task.size, reverse=True):
            self._queues.setdefault(task.model.model, deque()).append(task)

    def resize(self, size: int, coming: int = 0) -> None:
        """Start workers up to `size`, if there are cells for them, and end idle ones above it.

        Where no cell waits or comes, those idle for a minute give up what they hold, and so do those that wait for it.

        Args:
            size: the most there may be.
            coming: cells that will be added; workers may start for them already.
        """
        for member in [each for each in self._idle() if each.remote.is_leaving]:
            self._bury(member)
        for member in self._idle()[: max(0, self.workers - size)]:
            self._bury(member)
        if not (self.waiting or coming):
            self._dismiss(self._idle(IDLE_SECONDS))
        wanted = min(size, self.running + self.waiting + coming)
        staying = sum(not member.remote.is_leaving for member in self._members)
        if staying + len(self._starting) < wanted and time.monotonic() >= self._not_before:
            self._round += 1
            while staying + len(self._starting) < wanted:
                worker = self._start()
                self._starting[worker.call("ready")] = _Start(worker, self._round)

    def choose(self) -> list[CellTask]:
        """Give every idle worker a cell, without sending it: of the model it has loaded, else of the longest queue.

        Returns the cells that start now: those, and the ones that had waited behind a cell that has ended.
        """
        begun, self._begun = self._begun, []
        staying = [member for member in self._members if not member.remote.is_leaving]
        for member in staying:
            if self.waiting and not (member.calls or member.chosen):
                begun.append(self._give(member))
        for member in staying:
            # near the end each cell is kept for who is free first
            if self._alone and self.waiting > self.workers and len(member.calls) + len(member.chosen) == 1:
                self._give(member)
        return begun

    def withdraw(self, cells: Collection[str]) -> list[CellTask]:
        """Take cells back that were to start, because others are at them; returns those that were not sent yet.

        From now on no cell waits at its worker, where it could be done elsewhere before its turn.
        """
        self._alone = False
        withdrawn = []
        for member in self._members:
            if member.chosen and member.chosen[0].cell in cells:
                withdrawn.append(member.chosen.popleft())
                self._requeue(reversed(member.chosen))
                member.chosen.clear()
        return withdrawn

    def _give(self, member: _Member) -> CellTask:
        model = member.model if self._queues.get(member.model) else self._longest()
        task = self._queues[model].popleft()
        member.loading = task.loading
        rest = len(self._queues[model])
        if self.waiting > rest and rest < sum(other.model == model for other in self._members):
            # the others do what is left of the model: this one loads another while it translates
            following = max((each for each in self._queues if each != model), key=lambda each: len(self._queues[each]))
            member.loading = self._queues[following][0].loading
            task = task.model_copy(update={"then": member.loading})
        member.chosen.append(task)
        return task

    def dispatch(self) -> None:
        """Send the cells that were chosen."""
        for member in self._members:
            while member.chosen:
                ref = member.remote.call("run", member.chosen[0])
                member.calls[ref] = member.chosen.popleft()
                if member.head == ref:
                    self._heads[ref] = member

    def take(self, ref: Ref) -> CellResult | None:
        """What became of the cell behind a future; None where a worker became ready, or died and its cell waits again.

        Raises:
            ClusterError: workers die again and again before they are ready.
            DiskError: a disk is full.
        """
        if ref in self._starting:
            self._welcome(ref, self._starting.pop(ref))
            return None
        member = self._heads.pop(ref)
        task = member.calls.pop(ref)
        try:
            outcome: CellOutcome = self._cluster.result(ref)
        except WorkerDiedError as error:
            self._requeue(reversed(member.calls.values()))
            self._leave(member)
            if self._attempts.again(task.cell, error):
                self._requeue([task])
                return None
            failure = f"its worker died {MAX_ATTEMPTS} times ({error})"
            return CellResult(task, failure=failure, detail=self._cluster.detail(error))
        except DiskError:
            raise
        except DragomanError as error:
            self._go_on(member)
            return CellResult(task, failure=str(error), detail=self._cluster.detail(error))
        self._worked += outcome.busy
        self._go_on(member)
        return CellResult(task, outcome=outcome)

    def close(self) -> None:
        """End every worker."""
        for member in list(self._members):
            self._bury(member)
        self._dismiss([])
        self._heads.clear()

    def _welcome(self, ref: Ref, start: _Start) -> None:
        try:
            self._cluster.result(ref)
        except DragomanError as error:
            if start.round <= self._failed_round:  # begun before one that failed: of the same cause, perhaps
                return
            self._failed_round = self._round
            self._failed_rounds += 1
            if self._failed_rounds >= MAX_STARTS and not self._members:
                raise ClusterError(
                    f"Evaluation workers died {MAX_STARTS} times before they were ready ({error}): see to that, then "
                    "resume the grid."
                ) from error
            # after the loss of a node, the next ones may be sent to it once more
            self._not_before = time.monotonic() + min(BACKOFF * 2**self._failed_rounds, _MOST_BACKOFF)
            return
        self._failed_rounds = 0
        now = time.monotonic()
        self._members.append(_Member(start.remote, now, idle_since=now))

    def _idle(self, seconds: float = 0.0) -> list[_Member]:
        """Workers that have had nothing to do for so long."""
        since = time.monotonic() - seconds
        return [member for member in self._members if not member.calls and member.idle_since <= since]

    def _longest(self) -> str:
        return max(self._queues, key=lambda model: len(self._queues[model]))

    def _go_on(self, member: _Member) -> None:
        """The cell that waited behind the one that ended is in flight."""
        member.idle_since = time.monotonic()
        if member.head is not None:
            self._heads[member.head] = member
            self._begun.append(member.calls[member.head])

    def _requeue(self, tasks: Iterable[CellTask]) -> None:
        """Put cells back, each before what is in its queue."""
        for task in tasks:
            self._queues.setdefault(task.model.model, deque()).appendleft(task.model_copy(update={"then": None}))

    def _dismiss(self, idle: Iterable[_Member]) -> None:
        """End workers that have nothing to do, and those that start."""
        for member in idle:
            self._bury(member)
        for start in self._starting.values():
            start.remote.kill()
        self._starting.clear()

    def _leave(self, member: _Member) -> None:
        self._lived += time.monotonic() - member.born
        self._members.remove(member)

    def _bury(self, member: _Member) -> None:
        self._leave(member)
        member.remote.kill()
