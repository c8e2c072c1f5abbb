"""The interface of a cluster: starts workers, tasks and streams, collects results. Only `ray_cluster` uses Ray."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from dragoman.errors import DragomanError

MAX_ATTEMPTS = 3
"""Times a cell may take its worker with it before it counts as failed."""


class ClusterError(DragomanError):
    """A cluster that can't be reached, or lacks what is asked of it."""


class WorkerDiedError(DragomanError):
    """The process that held a task is gone; the task itself may be innocent."""


class NodeEndedError(WorkerDiedError):
    """A node was ended in an orderly way, drained or by SIGTERM, and its processes with it: the task is innocent."""


class TaskError(DragomanError):
    """Our own code failed in a task, with an exception that is no sentence for the user."""


Ref = Any
"""A future of the cluster; hashable."""


class Share(NamedTuple):
    """What a worker or a task holds of the cluster while it lives."""

    cpus: float = 1
    """Processor cores."""
    gpus: float = 0
    """GPUs: a fraction shares one with others."""

    def __str__(self) -> str:
        parts = ((self.cpus, "CPU core"), (self.gpus, "GPU"))
        return " and ".join(f"{count:g} {noun}{'' if count <= 1 else 's'}" for count, noun in parts if count)

    def fits(self, cpus: float, gpus: float) -> int:
        """How many of these go into so many cores and GPUs."""
        rooms = [
            available / wanted + 1e-9 for available, wanted in ((cpus, self.cpus), (gpus, self.gpus)) if wanted > 0
        ]
        if 0 < self.gpus < 1:  # a fraction is of one GPU, never of two halves
            rooms.append(int(gpus) * int(1 / self.gpus + 1e-9))
        return max(0, int(min(rooms, default=1)))


ONE_CORE = Share()
"""One core and one thread on it."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""Environment of every process that holds one core."""

NOTHING = Share(0, 0)
"""For what only waits for others."""


class RemoteWorker(ABC):
    """A stateful process that does one call at a time."""

    @property
    def is_leaving(self) -> bool:
        """Whether its node is being drained, so that it should be given nothing more."""
        return False

    @abstractmethod
    def call(self, method: str, *arguments: Any) -> Ref:
        """Start a method of the worker."""

    @abstractmethod
    def stream(self, method: str, *arguments: Any) -> Ref:
        """Start a method that yields, to be taken as of `Cluster.stream`."""

    @abstractmethod
    def kill(self) -> None:
        """End the process at once."""


class Cluster(ABC):
    """What the driver needs of Ray."""

    grows = False
    """Whether nodes are started for what waits: then what there is room for now is no bound."""

    @abstractmethod
    def room(self, share: Share, besides: Collection[Share] = ()) -> int:
        """How many workers with such a share there is room for beside others; 0 where not even one ever fits."""

    @abstractmethod
    def worker(self, factory: Callable[..., Any], *arguments: Any, share: Share = ONE_CORE) -> RemoteWorker:
        """Start a worker process around an object."""

    @abstractmethod
    def task(self, function: Callable[..., Any], *arguments: Any) -> Ref:
        """Start a function in a process of its own, on one core."""

    @abstractmethod
    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any, share: Share = ONE_CORE) -> Ref:
        """Start a generator; `wait` reports it once for each item, `result` takes the next one.

        `result` raises StopIteration after the last.
        """

    @abstractmethod
    def wait(self, refs: Collection[Ref], seconds: float) -> list[Ref]:
        """The futures that have something to take, after at most so many seconds."""

    @abstractmethod
    def result(self, ref: Ref) -> Any:
        """What a future holds.

        Raises:
            WorkerDiedError: its process died.
            NodeEndedError: with its node, which was drained or told to end.
            DiskError: a disk is full: nothing of the kind would go better.
            DragomanError: what the task raised.
            TaskError: the task raised something that is no sentence.
        """

    def detail(self, error: BaseException) -> str | None:
        """What a log should hold of an error that `result` raised: where it happened, if nobody foresaw it."""
        foreseen = isinstance(error, DragomanError) and not isinstance(error, WorkerDiedError | TaskError)
        return None if foreseen or error.__cause__ is None else str(error.__cause__)
