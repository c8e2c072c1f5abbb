"""The pool of evaluation workers: hands leases of cells to idle workers, requeues the cells of workers that died."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from dragoman.disk import DiskError
from dragoman.errors import DragomanError
from dragoman.store.records import CellOutcome
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import (
    MAX_ATTEMPTS,
    Cluster,
    ClusterError,
    NodeEndedError,
    Ref,
    RemoteWorker,
    WorkerDiedError,
)
from dragoman_jobs.evaluation.cell_queue import CellQueue
from dragoman_jobs.evaluation.worker import CellFailure, CellTask, Lease, Loading

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
    last: CellTask | None = None
    """The last cell that it was given."""
    chosen: deque[Lease] = field(default_factory=deque)
    """Leases that are about to be sent to it."""
    calls: dict[Ref, dict[str, CellTask]] = field(default_factory=dict)
    """Of each lease it was sent, the cells not done yet: the first is in flight, the one behind it waits."""

    @property
    def head(self) -> Ref | None:
        """The future of the lease in flight."""
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
    gets its first lease when it is ready, so that one that waits for room on the cluster keeps no cell waiting. While
    there are plenty, a second one waits behind its lease in flight, so that a short one's worker never waits for the
    driver; with its worker its cells only go back to the queue. Cells that were in flight with a worker that died are
    each a lease of their own from then on, so that one that kills its worker does so to no other twice. A worker whose
    node is being drained gets no more leases, and ends.
    """

    def __init__(self, cluster: Cluster, start: Callable[[], RemoteWorker], batch_tokens: int) -> None:
        """Begin without workers.

        Args:
            cluster: where the workers run.
            start: starts one.
            batch_tokens: tokens of prompts that a worker decodes at once.
        """
        self._cluster, self._start = cluster, start
        self._queue = CellQueue(batch_tokens)
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
        return len(self._queue)

    @property
    def workers(self) -> int:
        """Workers alive and ready."""
        return len(self._members)

    @property
    def running(self) -> int:
        """Cells in flight."""
        return sum(len(member.calls[ref]) for ref, member in self._heads.items())

    @property
    def refs(self) -> list[Ref]:
        """The futures of the leases in flight and of the workers that start."""
        return [*self._heads, *self._starting]

    @property
    def busy(self) -> float | None:
        """The share of its workers' life that they spent on cells, by their own clocks; None before they lived."""
        now = time.monotonic()
        lived = self._lived + sum(now - member.born for member in self._members)
        return self._worked / lived if lived else None

    def has(self, model: str) -> bool:
        """Whether a cell of a model, by its id, waits or is in flight."""
        sent = (
            task
            for member in self._members
            for tasks in (*(lease.tasks for lease in member.chosen), *(left.values() for left in member.calls.values()))
            for task in tasks
        )
        return bool(self._queue.of(model)) or any(task.model.model == model for task in sent)

    def add(self, tasks: Iterable[CellTask]) -> None:
        """Queue cells; of each model, the longest starts first, so that no long one is left for the end."""
        self._queue.add(tasks)

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
        """Give every idle worker a lease, without sending it: of the model it has loaded, else of the longest queue.

        Returns the cells that start now: those, and the ones that had waited behind a lease that has ended.
        """
        begun, self._begun = self._begun, []
        staying = [member for member in self._members if not member.remote.is_leaving]
        for member in staying:
            if self.waiting and not (member.calls or member.chosen):
                begun += self._give(member).tasks
        for member in staying:
            # near the end each cell is kept for who is free first
            if self._alone and self.waiting > self.workers and len(member.calls) + len(member.chosen) == 1:
                self._give(member)
        return begun

    def withdraw(self, cells: Collection[str]) -> list[CellTask]:
        """Take cells back that were to start, because others are at them; returns those that were not sent yet.

        From now on no lease waits at its worker, where it could be done elsewhere before its turn, and all are smaller.
        """
        self._alone = False
        withdrawn = []
        for member in self._members:
            if not member.chosen:
                continue
            first, *behind = member.chosen
            theirs = [task for task in first.tasks if task.cell in cells]
            if not theirs:
                continue
            withdrawn += theirs
            kept = tuple(task for task in first.tasks if task.cell not in cells)
            member.chosen = deque([first.model_copy(update={"tasks": kept})] if kept else [])
            for lease in reversed(behind):
                self._queue.put_back(lease.tasks)
        return withdrawn

    def _give(self, member: _Member) -> Lease:
        queue = self._queue
        model = member.model if queue.of(member.model) else queue.longest()
        others = [other for other in self._members if other is not member]
        sharing = self.workers + len(self._starting)
        tasks = queue.lease(
            model,
            workers=sharing if self._alone else 2 * sharing,
            last=member.last,
            elsewhere=[other.last for other in others if other.last is not None],
        )
        member.loading, member.last, following = tasks[0].loading, tasks[-1], None
        rest = queue.of(model)
        if self.waiting > rest and rest < sum(other.model == model for other in self._members):
            # the others do what is left of the model: this one loads another while it translates
            following = member.loading = queue.next_loading(queue.longest(without=model))
        lease = Lease(tasks=tuple(tasks), then=following)
        member.chosen.append(lease)
        return lease

    def dispatch(self) -> None:
        """Send the leases that were chosen."""
        for member in self._members:
            while member.chosen:
                lease = member.chosen.popleft()
                ref = member.remote.stream("run", lease)
                member.calls[ref] = {task.cell: task for task in lease.tasks}
                if member.head == ref:
                    self._heads[ref] = member

    def take(self, ref: Ref) -> list[CellResult]:
        """What became of cells behind a future; none where a worker became ready, or died and its cells wait again.

        Raises:
            ClusterError: workers die again and again before they are ready.
            DiskError: a disk is full.
        """
        if ref in self._starting:
            self._welcome(ref, self._starting.pop(ref))
            return []
        member = self._heads[ref]
        left = member.calls[ref]
        try:
            answers: Sequence[CellOutcome | CellFailure] = self._cluster.result(ref)
        except WorkerDiedError as error:
            del self._heads[ref]
            return self._take_dead(member, member.calls.pop(ref), error)
        except DiskError:
            raise
        except DragomanError as error:
            detail = self._cluster.detail(error)
            found = [CellResult(task, failure=str(error), detail=detail) for task in left.values()]
            left.clear()
        else:
            found = [self._answered(left, answer) for answer in answers]
        if not left:
            del self._heads[ref], member.calls[ref]
            self._go_on(member)
        return found

    def _answered(self, left: dict[str, CellTask], answer: CellOutcome | CellFailure) -> CellResult:
        if isinstance(answer, CellFailure):
            return CellResult(left.pop(answer.cell), failure=answer.reason, detail=answer.detail)
        task = left.pop(answer.translation.cell_id)
        self._worked += answer.busy
        self._queue.learn(task, answer.busy)
        return CellResult(task, outcome=answer)

    def _take_dead(self, member: _Member, left: dict[str, CellTask], error: WorkerDiedError) -> list[CellResult]:
        """Requeue the cells of a worker that died; those that took too many with them have failed."""
        for waiting in reversed(member.calls.values()):
            self._queue.put_back(waiting.values())
        self._leave(member)
        failed = []
        for task in left.values():
            if not self._attempts.again(task.cell, error):
                failure = f"its worker died {MAX_ATTEMPTS} times ({error})"
                failed.append(CellResult(task, failure=failure, detail=self._cluster.detail(error)))
        ended = {result.task.cell for result in failed}
        again = [task for cell, task in left.items() if cell not in ended]
        self._queue.put_back(again, alone=not isinstance(error, NodeEndedError))
        return failed

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

    def _go_on(self, member: _Member) -> None:
        """The lease that waited behind the one that ended is in flight."""
        member.idle_since = time.monotonic()
        if member.head is not None:
            self._heads[member.head] = member
            self._begun += member.calls[member.head].values()

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
