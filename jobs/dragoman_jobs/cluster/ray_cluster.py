"""The cluster interface on Ray: an embedded Ray on this machine, or the cluster that this process runs in."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from dragoman import telemetry
from dragoman.disk import DiskError, told_apart
from dragoman.environment import restored
from dragoman.errors import DragomanError, first_line
from dragoman.marked_processes import marked
from dragoman.redaction.process import mask_output
from dragoman.scratch_folder import PREFIX
from dragoman.watchdog import Watchdog
from dragoman_jobs.cluster.base import (
    ONE_CORE,
    ONE_THREAD,
    Cluster,
    ClusterError,
    NodeEndedError,
    Ref,
    RemoteWorker,
    Share,
    TaskError,
    WorkerDiedError,
)

_JOINED = {
    **ONE_THREAD,
    **telemetry.OFF,
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",  # or a worker that holds no GPU could still see them all
}
"""Of every worker. Ray itself shows each the GPUs it holds: where CUDA_VISIBLE_DEVICES is said, only what of those
stands there."""

_OWN_HANDLERS = {"RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1"}
"""Of this process: or Ray's own handler, which aborts, takes a SIGTERM that comes while Ray starts."""

_EMBEDDED = {
    **_JOINED,
    **_OWN_HANDLERS,
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # every listener binds to 127.0.0.1 only
}
"""Of the embedded Ray's processes, whose workers inherit it: with a runtime environment Ray would start every worker
anew, and only when an agent is up that makes environments."""

_SOCKET_BYTES = 103 if sys.platform == "darwin" else 107
"""The longest path of a socket: `sun_path` of `sys/un.h`, less the zero at its end."""

_VITAL = frozenset({"raylet", "gcs_server"})
"""Names of the processes without which a Ray does nothing any more."""

_RAYS = "r"
"""Name of Ray's folder in the watchdog's: short, for the paths of its sockets."""

STARTS = 5
"""How often an embedded Ray is started that does not come up."""

_NODES_SECONDS = 5.0
"""How long the nodes are taken to be what they were: asking costs milliseconds."""

_ENDED = "terminated expectedly"
"""What Ray says of a node that was drained or told to end (`NodeDeathInfo` in Ray's `gcs.proto`), not of one that was
lost."""


class _Nodes(NamedTuple):
    """The nodes of a cluster at a moment."""

    asked: float
    """When, by the monotonic clock."""
    sizes: tuple[tuple[float, float], ...] = ()
    """Cores and GPUs of each that takes work."""
    draining: frozenset[str] = frozenset()
    """Ids of those that take no more."""


logger = logging.getLogger(__name__)


def require_short_temporary_folder() -> None:
    """See that an embedded Ray's sockets have room in their names, before anything else is begun.

    Raises:
        ClusterError: the folder for temporary files is too deep.
    """
    _, folder = _temporary_folder()
    # as Ray 2 calls it: the day, the time with microseconds, and the process
    session = f"{PREFIX}12345678/{_RAYS}/session_2026-01-01_00-00-00_000000_{os.getpid()}"
    if len(os.fsencode(f"{folder}/{session}/sockets/plasma_store")) > _SOCKET_BYTES:
        raise ClusterError(_too_long())


def _temporary_folder() -> tuple[str, str]:
    """The folder in which Ray keeps its sockets, and the variable that names it."""
    named = [name for name in ("RAY_TMPDIR", "TMPDIR") if name in os.environ]
    return (named[0], os.environ[named[0]]) if named else ("TMPDIR", "/tmp")  # noqa: S108


def _too_long() -> str:
    variable, folder = _temporary_folder()
    return (
        f"Ray's sockets can't be made below {folder}, as the path of a socket has at most {_SOCKET_BYTES} bytes: set "
        f"{variable} to a shorter path, such as /tmp."
    )


class RayCluster(Cluster):
    """Ray with one thread for each worker and task, unless it holds more cores."""

    def __init__(self, cpus: int = 0, address: str | None = None, grows: bool = False) -> None:
        """Start an embedded Ray, loopback only, or join a cluster.

        Args:
            cpus: cores the embedded Ray may use; 0 is all of them.
            address: the cluster to join instead, as `ray.init` takes it.
            grows: whether that cluster starts nodes for what waits.

        Raises:
            ClusterError: there is no cluster at the address, it refuses the token, or an embedded Ray does not come up.
        """
        if address is None:
            os.environ.update(_EMBEDDED)  # before ray is imported
        else:
            os.environ.update({**_JOINED, **_OWN_HANDLERS})
        import ray

        self._ray = ray
        self.grows = grows
        self._holder: Any = ray.remote(_Holder)  # once: to pack a class for the way takes milliseconds
        self._seen = _Nodes(0.0)
        self._watchdog: Watchdog | None = None
        self._vital: list[psutil.Process] = []
        context: Any = self._start(cpus or os.cpu_count() or 1) if address is None else self._join(address)
        if self._watchdog is not None:
            self._vital = [each for each in marked(self._watchdog.folder) if each.name() in _VITAL]
        page = None if address is None else context.dashboard_url
        self.dashboard: str | None = f"http://{page}" if page else None
        """Address of the dashboard of a cluster that was joined."""

    def _start(self, cpus: int) -> Any:
        """Start an embedded Ray; one that does not come up, as on a busy machine within Ray's 30 seconds, anew."""
        for attempt in range(1, STARTS + 1):
            self._watchdog = Watchdog(Path(_temporary_folder()[1]))
            folder = str(self._watchdog.folder)  # readable by this user alone, while Ray's in it is open to all
            try:
                # Ray alone ends its agents late, or not at all where the driver was killed
                variables = {**self._watchdog.environment, "TMPDIR": folder}
                with restored(variables):
                    os.environ.update(variables)
                    # a bare init would attach to whatever cluster runs here
                    return self._init(
                        address="local", num_cpus=cpus, include_dashboard=False, _temp_dir=f"{folder}/{_RAYS}"
                    )
            except BaseException as error:  # of any kind: Ray raises a bare one where a node comes up too slowly
                self.close()
                if not isinstance(error, Exception):
                    raise
                if "AF_UNIX path" in str(error):
                    raise ClusterError(_too_long()) from error
                if attempt == STARTS:
                    raise ClusterError(
                        f"Ray does not come up on this machine ({first_line(error)}), tried {STARTS} times: see that "
                        "there are memory and processors left for it."
                    ) from error
                logger.warning("Ray did not come up (%s): it is started anew.", first_line(error))
        raise AssertionError  # the last attempt returns or raises

    def _join(self, address: str) -> Any:
        try:
            return self._init(address=address, runtime_env={"env_vars": _JOINED})
        except Exception as error:  # of any kind: Ray raises a bare one
            raise ClusterError(
                f"Ray can't be used at {address} ({first_line(error)}): check that it runs, and RAY_AUTH_TOKEN."
            ) from error

    def _init(self, **how: Any) -> Any:
        with _own_signals():
            return self._ray.init(**how, job_config=_job_config(), log_to_driver=False, logging_level=logging.ERROR)

    def room(self, share: Share, besides: Collection[Share] = ()) -> int:
        """By what each node has in all, but for nodes that are being drained: who waits for what is Ray's business."""
        nodes = self._nodes().sizes
        rest = share.fits(
            sum(cpus for cpus, _ in nodes) - sum(other.cpus for other in besides),
            sum(gpus for _, gpus in nodes) - sum(other.gpus for other in besides),
        )
        return min(rest, sum(share.fits(*node) for node in nodes))

    @property
    def draining(self) -> Collection[str]:
        """Ids of the nodes that take no more work, as they will end soon."""
        return self._nodes().draining

    def _nodes(self) -> _Nodes:
        now = time.monotonic()
        if now - self._seen.asked > _NODES_SECONDS or not self._seen.sizes:
            ray: Any = self._ray  # its own annotations stop here
            is_embedded = self._watchdog is not None
            draining = frozenset[str]() if is_embedded else frozenset(ray._private.state.state.get_draining_nodes())
            there = [each for each in ray.nodes() if each["Alive"] and each["NodeID"] not in draining]
            sizes = [(each["Resources"].get("CPU", 0.0), each["Resources"].get("GPU", 0.0)) for each in there]
            self._seen = _Nodes(now, tuple(sizes), draining)
        return self._seen

    def worker(self, factory: Callable[..., Any], *arguments: Any, share: Share = ONE_CORE) -> RemoteWorker:
        """An actor with depth one: killed, it loses the call in flight and nothing else."""
        options = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_restarts": 0}
        return _RayWorker(self, self._ray, self._holder.options(**options).remote(factory, arguments))

    def task(self, function: Callable[..., Any], *arguments: Any) -> Ref:
        """A plain Ray task; retries are the driver's, which counts them."""
        options: Any = {"num_cpus": 1, "max_retries": 0}
        return self._ray.remote(**options)(_call).options(name=function.__name__).remote(function, *arguments)

    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any, share: Share = ONE_CORE) -> Ref:
        """A streaming generator task."""
        options: Any = {"num_cpus": share.cpus, "num_gpus": share.gpus, "max_retries": 0, "num_returns": "streaming"}
        return self._ray.remote(**options)(_stream).options(name=function.__name__).remote(function, *arguments)

    def wait(self, refs: Collection[Ref], seconds: float) -> list[Ref]:
        """`ray.wait`, for generators and plain futures alike."""
        if not refs:
            time.sleep(seconds)
            return []
        ready, _ = self._ray.wait(list(refs), num_returns=1, timeout=seconds, fetch_local=False)
        self._check()
        if ready:  # take what else has come in the meantime
            ready, _ = self._ray.wait(list(refs), num_returns=len(refs), timeout=0, fetch_local=False)
        return list(ready)

    def _check(self) -> None:
        """See that the embedded Ray is there: without it every cell and finetuning would count as failed.

        Raises:
            ClusterError: it is not.
        """
        for process in self._vital:
            if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
                raise ClusterError(
                    "Ray died on this machine (killed, or out of memory): nothing that was done is lost, and the same "
                    "command again does the rest."
                )

    def result(self, ref: Ref) -> Any:
        """`ray.get`, with Ray's exceptions told apart: a dead process, a sentence, a fault of ours."""
        errors = self._ray.exceptions
        try:
            if isinstance(ref, self._ray.ObjectRefGenerator):
                return self._ray.get(next(ref))
            return self._ray.get(ref)
        except StopIteration:
            raise
        except errors.RayTaskError as error:
            cause = error.cause if hasattr(error, "cause") else error
            if isinstance(cause, DragomanError):
                raise cause from error
            if isinstance(cause, errors.RayError):
                raise _death(cause) from error
            raise TaskError(f"{type(cause).__name__}: {first_line(cause)}") from error
        except errors.OutOfDiskError as error:
            raise DiskError(
                f"Ray's folder for temporary files is on a disk that is full ({_temporary_folder()[1]} of `dragoman "
                "run`): make room there, or set RAY_TMPDIR to another, then run the same command again; what was "
                "finished is kept."
            ) from error
        except errors.RayError as error:
            # a process or its node died, what it had made was lost, or it never came up
            raise _death(error) from error

    def close(self) -> None:
        """End the embedded cluster and every process of it, or leave the one that was joined."""
        self._ray.shutdown()
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's handler of SIGTERM: Ray puts one there that cuts the clean-up short.

    Raises:
        KeyboardInterrupt: a SIGTERM came while Ray had its own.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    except SystemExit as ended:
        raise KeyboardInterrupt from ended
    finally:
        signal.signal(signal.SIGTERM, before)


def _job_config() -> Any:
    """Ray's settings of a job, whose workers import what this process imports.

    Ray has them look into the current folder before all else, where a file `random.py` would pass for the module.
    """
    from ray.job_config import JobConfig

    class JobImportingAsHere(JobConfig):
        def _serialize(self) -> Any:  # annotated as text, but bytes
            paths: list[str] = self._py_driver_sys_path
            paths[:] = [path for path in paths if path in {os.path.abspath(each) for each in sys.path}]  # noqa: PTH100
            return super()._serialize()

    return JobImportingAsHere()


def _death(error: Exception) -> WorkerDiedError:
    said = str(error)
    if _ENDED in said:
        return NodeEndedError(first_line(Exception(said.strip().rpartition("\n")[2].strip())))
    return WorkerDiedError(first_line(error))


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    mask_output()  # what a worker logs, Ray keeps in files
    with told_apart():
        return function(*arguments)


def _stream(function: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
    mask_output()
    with told_apart():
        yield from function(*arguments)


class _Holder:
    """The actor around a worker object."""

    def __init__(self, factory: Callable[..., Any], arguments: Sequence[Any]) -> None:
        mask_output()
        self._object = factory(*arguments)

    def call(self, method: str, *arguments: Any) -> Any:
        with told_apart():
            return getattr(self._object, method)(*arguments)

    def stream(self, method: str, *arguments: Any) -> Iterator[Any]:
        with told_apart():
            yield from getattr(self._object, method)(*arguments)

    def node(self) -> str:
        import ray

        return str(ray.get_runtime_context().get_node_id())


class _RayWorker(RemoteWorker):
    def __init__(self, cluster: RayCluster, ray: Any, actor: Any) -> None:
        self._cluster, self._ray, self._actor = cluster, ray, actor
        self._node_told = actor.node.remote()
        self._node = ""

    @property
    def is_leaving(self) -> bool:
        draining = self._cluster.draining
        if draining and not self._node and self._ray.wait([self._node_told], timeout=0)[0]:
            with suppress(self._ray.exceptions.RayError):  # of its death its calls tell
                self._node = self._ray.get(self._node_told)
        return self._node in draining

    def call(self, method: str, *arguments: Any) -> Ref:
        return self._actor.call.remote(method, *arguments)

    def stream(self, method: str, *arguments: Any) -> Ref:
        return self._actor.stream.options(num_returns="streaming").remote(method, *arguments)

    def kill(self) -> None:
        self._ray.kill(self._actor)
