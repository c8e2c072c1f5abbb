"""The pool of warm evaluation workers: one cell in flight each, cells stream to whoever is free."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dragoman.errors import DragomanError
from dragoman_jobs.cluster import Cluster, Ref, RemoteWorker, WorkerDiedError
from dragoman_jobs.worker import CellOutcome, CellTask

MAX_ATTEMPTS = 3
"""Times a cell may take its worker with it before it counts as failed."""


@dataclass(frozen=True)
class Ended:
    """A cell that came to an end: with an outcome, or with the reason why there is none."""

    task: CellTask
    outcome: CellOutcome | None = None
    failure: str | None = None


@dataclass
class Pool:
    """Hands cells to workers and takes back what became of them.

    A queue of our own rather than Ray's ActorPool, which neither requeues nor names what a dead actor lost.
    """

    cluster: Cluster
    factory: Callable[[], RemoteWorker]
    """Starts one worker."""
    _queues: dict[str, list[CellTask]] = field(default_factory=dict)
    _idle: list[tuple[RemoteWorker, str]] = field(default_factory=list)
    _busy: dict[Ref, tuple[RemoteWorker, CellTask]] = field(default_factory=dict)
    _deaths: dict[str, int] = field(default_factory=dict)
    _started: Callable[[CellTask], None] | None = None

    @property
    def waiting(self) -> int:
        """Cells not started."""
        return sum(map(len, self._queues.values()))

    @property
    def workers(self) -> int:
        """Workers alive."""
        return len(self._idle) + len(self._busy)

    @property
    def running(self) -> int:
        """Cells in flight."""
        return len(self._busy)

    @property
    def refs(self) -> list[Ref]:
        """The futures of the cells in flight."""
        return list(self._busy)

    def add(self, tasks: list[CellTask]) -> None:
        """Queue the cells of a model, in the order they should start (longest first ends soonest)."""
        for task in tasks:
            self._queues.setdefault(task.model.model, []).append(task)

    def fill(self, size: int) -> Iterator[CellTask]:
        """Start cells on up to `size` workers, starting workers as needed; yields each cell as it starts."""
        while self.waiting and (self._idle or self.workers < size):
            worker, last = self._idle.pop() if self._idle else (self.factory(), "")
            model = last if self._queues.get(last) else max(self._queues, key=lambda model: len(self._queues[model]))
            task = self._queues[model].pop(0)
            yield task
            self._busy[worker.call("run", task)] = (worker, task)

    def shrink(self, size: int) -> None:
        """End idle workers above `size`, so that other work gets their CPU."""
        while self._idle and self.workers > size:
            self._idle.pop()[0].kill()

    def take(self, ref: Ref) -> Ended | None:
        """What became of the cell behind a future; None where its worker died and it is queued again."""
        worker, task = self._busy.pop(ref)
        try:
            outcome: CellOutcome = self.cluster.result(ref)
        except WorkerDiedError as error:
            self._deaths[task.cell] = self._deaths.get(task.cell, 0) + 1
            if self._deaths[task.cell] < MAX_ATTEMPTS:
                self._queues.setdefault(task.model.model, []).insert(0, task)
                return None
            return Ended(task, failure=f"its worker died {MAX_ATTEMPTS} times ({error})")
        except DragomanError as error:
            self._idle.append((worker, task.model.model))
            return Ended(task, failure=str(error))
        self._idle.append((worker, task.model.model))
        return Ended(task, outcome=outcome)

    def close(self) -> None:
        """End every worker."""
        for worker, _ in [*self._idle, *self._busy.values()]:
            worker.kill()
        self._idle.clear()
        self._busy.clear()
