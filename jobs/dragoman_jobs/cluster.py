"""Where work runs: futures on Ray, or in this process for tests, behind one small interface."""

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from dragoman.errors import DragomanError


class WorkerDiedError(DragomanError):
    """The process that held a task is gone; the task itself may be innocent."""


class TaskError(DragomanError):
    """Our own code failed in a task, with an exception that is no sentence for the user."""


Ref = Any
"""A future of the cluster; hashable."""


class RemoteWorker(ABC):
    """A stateful process that does one call at a time."""

    @abstractmethod
    def call(self, method: str, *arguments: Any) -> Ref:
        """Start a method of the worker."""

    @abstractmethod
    def kill(self) -> None:
        """End the process at once."""


class Cluster(ABC):
    """What the driver needs of Ray."""

    @property
    @abstractmethod
    def cpus(self) -> int:
        """Processor cores for workers and tasks."""

    @abstractmethod
    def worker(self, factory: Callable[..., Any], *arguments: Any) -> RemoteWorker:
        """Start a worker process around an object."""

    @abstractmethod
    def task(self, function: Callable[..., Any], *arguments: Any) -> Ref:
        """Start a function in a process of its own."""

    @abstractmethod
    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any) -> Ref:
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
            DragomanError: what the task raised.
            TaskError: the task raised something that is no sentence.
        """


class RayCluster(Cluster):
    """An embedded Ray on this machine: one CPU and one thread for each worker and task, loopback only."""

    def __init__(self, cpus: int = 0) -> None:
        # Set before ray is imported: every listener then binds to 127.0.0.1 only (no other node can join).
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray

        self._ray = ray
        ray.init(
            address="local",  # a bare init would attach to whatever cluster runs here
            num_cpus=cpus or os.cpu_count() or 1,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={
                "env_vars": {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": ""}
            },
        )

    @property
    def cpus(self) -> int:
        """The CPUs Ray schedules by."""
        ray: Any = self._ray  # its own annotations stop here
        return int(ray.cluster_resources().get("CPU", 1))

    def worker(self, factory: Callable[..., Any], *arguments: Any) -> RemoteWorker:
        """An actor with depth one: killed, it loses the call in flight and nothing else."""
        actor_class = self._ray.remote(num_cpus=1, max_restarts=0)(_Holder)
        return _RayWorker(self._ray, actor_class.remote(factory, arguments))

    def task(self, function: Callable[..., Any], *arguments: Any) -> Ref:
        """A plain Ray task; retries are the driver's, which counts them."""
        return self._ray.remote(num_cpus=1, max_retries=0)(function).remote(*arguments)

    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any) -> Ref:
        """A streaming generator task."""
        return self._ray.remote(num_cpus=1, max_retries=0, num_returns="streaming")(function).remote(*arguments)

    def wait(self, refs: Collection[Ref], seconds: float) -> list[Ref]:
        """`ray.wait`, for generators and plain futures alike."""
        if not refs:
            return []
        ready, _ = self._ray.wait(list(refs), num_returns=1, timeout=seconds, fetch_local=False)
        if ready:  # take what else has come in the meantime
            ready, _ = self._ray.wait(list(refs), num_returns=len(refs), timeout=0, fetch_local=False)
        return list(ready)

    def result(self, ref: Ref) -> Any:
        """`ray.get`, with Ray's exceptions told apart: a dead process, a sentence, a fault of ours."""
        errors = self._ray.exceptions
        try:
            if isinstance(ref, self._ray.ObjectRefGenerator):
                return self._ray.get(next(ref))
            return self._ray.get(ref)
        except StopIteration:
            raise
        except (
            errors.RayActorError,
            errors.WorkerCrashedError,
            errors.OutOfMemoryError,
            errors.NodeDiedError,
        ) as error:
            raise WorkerDiedError(_first_line(error)) from error
        except errors.RayTaskError as error:
            cause = error.cause if hasattr(error, "cause") else error
            if isinstance(cause, DragomanError):
                raise cause from error
            raise TaskError(f"{type(cause).__name__}: {_first_line(cause)}") from error

    def close(self) -> None:
        """End the cluster and every process of it."""
        self._ray.shutdown()


class _Holder:
    """The actor around a worker object."""

    def __init__(self, factory: Callable[..., Any], arguments: Sequence[Any]) -> None:
        self._object = factory(*arguments)

    def call(self, method: str, *arguments: Any) -> Any:
        return getattr(self._object, method)(*arguments)


class _RayWorker(RemoteWorker):
    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray, self._actor = ray, actor

    def call(self, method: str, *arguments: Any) -> Ref:
        return self._actor.call.remote(method, *arguments)

    def kill(self) -> None:
        self._ray.kill(self._actor)


class LocalCluster(Cluster):
    """The same in this process, one call after another: for tests of what runs on a cluster."""

    def __init__(self, cpus: int = 2) -> None:
        self._cpus = cpus
        self._streams: dict[int, Iterator[Any]] = {}
        self._calls: dict[int, Callable[[], Any]] = {}
        self._next = 0

    @property
    def cpus(self) -> int:
        """As many as told."""
        return self._cpus

    def worker(self, factory: Callable[..., Any], *arguments: Any) -> RemoteWorker:
        """The object itself."""
        return _LocalWorker(self, factory(*arguments))

    def task(self, function: Callable[..., Any], *arguments: Any) -> Ref:
        """A call that is made when its result is taken."""
        self._next += 1
        self._calls[self._next] = lambda: function(*arguments)
        return self._next

    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any) -> Ref:
        """A generator that is advanced when its result is taken."""
        self._next += 1
        self._streams[self._next] = function(*arguments)
        return self._next

    def wait(self, refs: Collection[Ref], seconds: float) -> list[Ref]:
        """The oldest one: it is always ready to be done."""
        del seconds
        return sorted(refs)[:1]

    def result(self, ref: Ref) -> Any:
        """Do it now."""
        if ref in self._streams:
            return next(self._streams[ref])
        try:
            return self._calls.pop(ref)()
        except DragomanError:
            raise
        except Exception as error:
            raise TaskError(f"{type(error).__name__}: {_first_line(error)}") from error


class _LocalWorker(RemoteWorker):
    def __init__(self, cluster: LocalCluster, held: Any) -> None:
        self._cluster, self._held = cluster, held

    def call(self, method: str, *arguments: Any) -> Ref:
        return self._cluster.task(getattr(self._held, method), *arguments)

    def kill(self) -> None:
        self._held = None


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
