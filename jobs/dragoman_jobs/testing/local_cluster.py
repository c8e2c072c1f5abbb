"""A cluster that is this process, for tests: it makes one call after another, when the result is taken."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from dragoman.disk import told_apart
from dragoman.errors import DragomanError, first_line
from dragoman_jobs.cluster.base import ONE_CORE, Cluster, Ref, RemoteWorker, Share, TaskError


class LocalCluster(Cluster):
    """Makes each call when its result is taken, the oldest first."""

    def __init__(self, cpus: int = 2, gpus: int = 0, grows: bool = False) -> None:
        self._cpus, self._gpus = cpus, gpus
        self.grows = grows
        self._streams: dict[int, Iterator[Any]] = {}
        self._calls: dict[int, Callable[[], Any]] = {}
        self._next = 0

    def room(self, share: Share, besides: Collection[Share] = ()) -> int:
        """As much as told."""
        cpus = self._cpus - sum(other.cpus for other in besides)
        return share.fits(cpus, self._gpus - sum(other.gpus for other in besides))

    def worker(self, factory: Callable[..., Any], *arguments: Any, share: Share = ONE_CORE) -> RemoteWorker:
        """The object itself."""
        del share
        return _LocalWorker(self, factory(*arguments))

    def task(self, function: Callable[..., Any], *arguments: Any) -> Ref:
        """A call that is made when its result is taken."""
        self._next += 1
        self._calls[self._next] = lambda: function(*arguments)
        return self._next

    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any, share: Share = ONE_CORE) -> Ref:
        """A generator that is advanced when its result is taken."""
        del share
        self._next += 1
        self._streams[self._next] = function(*arguments)
        return self._next

    def wait(self, refs: Collection[Ref], seconds: float) -> list[Ref]:
        """The oldest one: it is always ready to be done."""
        del seconds
        return sorted(refs)[:1]

    def result(self, ref: Ref) -> Any:
        """Do it now."""
        try:
            with told_apart():
                return next(self._streams[ref]) if ref in self._streams else self._calls.pop(ref)()
        except (DragomanError, StopIteration):
            raise
        except Exception as error:
            raise TaskError(f"{type(error).__name__}: {first_line(error)}") from error


class _LocalWorker(RemoteWorker):
    def __init__(self, cluster: LocalCluster, held: Any) -> None:
        self._cluster, self._held = cluster, held

    @property
    def is_leaving(self) -> bool:
        """As the object says, if it does."""
        return bool(getattr(self._held, "is_leaving", False))

    def call(self, method: str, *arguments: Any) -> Ref:
        return self._cluster.task(getattr(self._held, method), *arguments)

    def stream(self, method: str, *arguments: Any) -> Ref:
        return self._cluster.stream(getattr(self._held, method), *arguments)

    def kill(self) -> None:
        self._held = None
