"""A queue of tasks for workers that keep something loaded: hands them out, and again where a worker died."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from dragoman import signals
from dragoman.disk import DiskError
from dragoman.errors import DragomanError
from dragoman_jobs.cluster.attempts import Attempts
from dragoman_jobs.cluster.base import MAX_ATTEMPTS, Cluster, ClusterError, Ref, RemoteWorker, WorkerDiedError

MAX_STARTS = 5
"""Workers in a row that die before they are ready: then none ever will be."""

_LOOK_SECONDS = 1.0


class Task(Protocol):
    """What is handed out."""

    @property
    def key(self) -> str:
        """Its name, which no other task has."""

    @property
    def needs(self) -> str:
        """What a worker has to have loaded for it; tasks of one need go to the same workers."""


T = TypeVar("T", bound=Task)


class Outcome(NamedTuple, Generic[T]):
    """A task that came to an end."""

    task: T
    value: Any = None
    """What the worker returned."""
    failure: str | None = None
    """Why it returned nothing."""


@dataclass(eq=False)
class _Member(Generic[T]):
    remote: RemoteWorker
    ready: bool = False
    has: str = ""
    task: T | None = None


class WorkQueue(Generic[T]):
    """Iterated, it gives every task's outcome as it comes; more may be added meanwhile.

    A worker has the methods `ready()` and `run(task)` and does one task at a time. A task whose worker died goes to
    another, up to `MAX_ATTEMPTS` times.
    """

    def __init__(self, cluster: Cluster, start: Callable[[], RemoteWorker], size: int) -> None:
        """Begin without tasks or workers.

        Args:
            cluster: where the workers run.
            start: starts one.
            size: the most there may be.
        """
        self._cluster, self._start, self._size = cluster, start, size
        self._waiting: dict[str, deque[T]] = {}
        self._members: dict[Ref, _Member[T]] = {}
        self._idle: list[_Member[T]] = []
        self._attempts = Attempts()
        self._failed_starts = 0

    def add(self, tasks: Iterable[T]) -> None:
        """Queue tasks; those of one need are done in this order."""
        for task in tasks:
            self._waiting.setdefault(task.needs, deque()).append(task)

    def __iter__(self) -> Iterator[Outcome[T]]:
        """The outcomes.

        Raises:
            ClusterError: workers die again and again before they are ready.
            DiskError: a disk is full.
        """
        try:
            while self._count or any(member.task for member in self._members.values()):
                self._staff()
                self._hand_out()
                for ref in self._cluster.wait(list(self._members), _LOOK_SECONDS):
                    found = self._take(ref)
                    if found is not None:
                        yield found
                signals.check()
        finally:
            for member in (*self._members.values(), *self._idle):
                member.remote.kill()
            self._members.clear()
            self._idle.clear()

    @property
    def _count(self) -> int:
        return sum(map(len, self._waiting.values()))

    def _staff(self) -> None:
        for member in [each for each in self._idle if each.remote.is_leaving]:
            self._idle.remove(member)
            member.remote.kill()
        working = sum(member.task is not None for member in self._members.values())
        wanted = min(self._size, self._count + working)
        while len(self._members) + len(self._idle) < wanted:
            remote = self._start()
            self._members[remote.call("ready")] = _Member(remote)

    def _hand_out(self) -> None:
        while self._idle and self._count:
            # who has loaded what is wanted comes first
            self._idle.sort(key=lambda member: not self._waiting.get(member.has))
            member = self._idle.pop(0)
            need = member.has if self._waiting.get(member.has) else max(self._waiting, key=self._longest)
            member.task = self._waiting[need].popleft()
            member.has = need
            self._members[member.remote.call("run", member.task)] = member

    def _longest(self, need: str) -> int:
        return len(self._waiting[need])

    def _take(self, ref: Ref) -> Outcome[T] | None:
        member = self._members.pop(ref)
        task, member.task = member.task, None
        try:
            value = self._cluster.result(ref)
        except WorkerDiedError as error:
            return self._bury(task, error)
        except DiskError:
            raise
        except DragomanError as error:
            if task is None:
                raise
            self._idle.append(member)
            return Outcome(task, failure=str(error))
        self._failed_starts = 0
        self._idle.append(member)
        return None if task is None else Outcome(task, value)

    def _bury(self, task: T | None, reason: WorkerDiedError) -> Outcome[T] | None:
        if task is None:
            self._failed_starts += 1
            if self._failed_starts >= MAX_STARTS:
                raise ClusterError(
                    f"Workers died {MAX_STARTS} times before they were ready ({reason}): see to that, then run the "
                    "command again."
                )
            return None
        if self._attempts.again(task.key, reason):
            self._waiting.setdefault(task.needs, deque()).appendleft(task)
            return None
        return Outcome(task, failure=f"its worker died {MAX_ATTEMPTS} times ({reason})")
