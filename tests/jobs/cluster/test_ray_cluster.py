"""What Ray raises, told apart; no Ray is started."""

import os
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import ray
import ray.exceptions
from ray import ObjectRef
from ray._private.utils import validate_socket_filepath
from ray.core.generated.common_pb2 import JobConfig
from ray.exceptions import RayTaskError

from dragoman import marked_processes
from dragoman.errors import DragomanError, ModelError
from dragoman_jobs.cluster.base import ClusterError, TaskError, WorkerDiedError
from dragoman_jobs.cluster.ray_cluster import (
    STARTS,
    RayCluster,
    _job_config,
    _own_signals,
    require_short_temporary_folder,
)


def _raised_by(cluster_error: Exception) -> type[BaseException]:
    """What `result` makes of an error of `ray.get`."""

    def get(_: Any) -> Any:
        raise cluster_error

    cluster = RayCluster.__new__(RayCluster)
    cluster._ray = SimpleNamespace(exceptions=ray.exceptions, get=get, ObjectRefGenerator=ray.ObjectRefGenerator)
    with pytest.raises(DragomanError) as caught:
        cluster.result(ObjectRef.nil())
    return caught.type


@pytest.mark.parametrize(
    "error",
    [
        ray.exceptions.ObjectLostError("00", None, ""),
        ray.exceptions.OwnerDiedError("00", None, ""),
        ray.exceptions.LocalRayletDiedError(),
        ray.exceptions.NodeDiedError("its node died"),
        ray.exceptions.ActorDiedError(),
        ray.exceptions.ActorUnavailableError("away", b"0" * 16),
        ray.exceptions.OutOfMemoryError("too little memory"),
        ray.exceptions.RuntimeEnvSetupError("no environment"),
        RayTaskError("task", "Traceback", ray.exceptions.ObjectFetchTimedOutError("00", None, "")),
    ],
)
def test_what_is_gone_with_a_process_or_its_node_is_tried_again(error: Exception) -> None:
    assert _raised_by(error) is WorkerDiedError


@pytest.mark.parametrize(
    ("cause", "expected"), [(ModelError("no such model."), ModelError), (ValueError("a fault"), TaskError)]
)
def test_what_a_task_raises_is_its_own_sentence_or_a_fault_of_ours(cause: Exception, expected: type[Exception]) -> None:
    assert _raised_by(RayTaskError("task", "Traceback", cause)) is expected


@pytest.mark.parametrize("variable", ["TMPDIR", "RAY_TMPDIR"])
def test_a_temporary_folder_too_deep_for_sockets_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/tmp")
    require_short_temporary_folder()
    deep = tmp_path / "a/very/long/folder/of/more/than/sixty/letters/as/batch/systems/make/them"
    deep.mkdir(parents=True)
    monkeypatch.setenv(variable, str(deep))
    sentence = f"set {variable} to a shorter path"
    with pytest.raises(ClusterError, match=sentence):
        require_short_temporary_folder()
    # and Ray itself refuses it, before it starts a process
    with pytest.raises(ClusterError, match=sentence):
        RayCluster(1)


def test_the_bound_is_rays_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    # what becomes of it: a scratch folder, Ray's session of 34 letters and the process's number, and a socket in it
    rest = len(f"/dr-12345678/r/session_2026-11-30_01-00-00_123456_{os.getpid()}/sockets/plasma_store")
    for length, fits in ((107 - rest, True), (108 - rest, False)):
        monkeypatch.setenv("TMPDIR", "/" + "t" * (length - 1))
        path = f"/{'t' * (length - 1)}{'x' * rest}"
        with nullcontext() if fits else pytest.raises(OSError, match="AF_UNIX"):
            validate_socket_filepath(path)
        with nullcontext() if fits else pytest.raises(ClusterError, match="shorter path"):
            require_short_temporary_folder()


def test_workers_do_not_look_for_modules_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "installed")])
    config = _job_config()
    config._py_driver_sys_path.extend([str(tmp_path / "installed"), str(tmp_path)])  # as `ray.init` does
    sent = JobConfig.FromString(config._serialize())
    assert list(sent.py_driver_sys_path) == [str(tmp_path / "installed")]
    monkeypatch.setattr(sys, "path", [""])  # a driver that does look there has workers that do
    config = _job_config()
    config._py_driver_sys_path.append(str(tmp_path))
    assert list(JobConfig.FromString(config._serialize()).py_driver_sys_path) == [str(tmp_path)]


def test_a_sigterm_while_ray_starts_is_an_interrupt_and_the_handler_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), _own_signals():
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(number))  # as `ray.init` does
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 5)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("failures", [1, STARTS])
def test_an_embedded_ray_that_does_not_come_up_is_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    folders: list[Path] = []

    def init(**how: Any) -> SimpleNamespace:
        Path(how["_temp_dir"]).mkdir()
        Path(how["_temp_dir"]).chmod(0o777)  # as Ray does
        folders.append(Path(how["_temp_dir"]).parent)
        assert os.environ["TMPDIR"] == str(folders[-1])
        assert folders[-1].stat().st_mode & 0o777 == 0o700
        if len(folders) <= failures:
            raise Exception("The current node timed out during startup. This could happen")
        return SimpleNamespace(dashboard_url="")

    monkeypatch.setattr(ray, "init", init)
    before = dict(os.environ)
    if failures == STARTS:
        with pytest.raises(ClusterError, match=r"does not come up .* \(The current node .*tried 5 times"):
            RayCluster(1)
    else:
        RayCluster(1).close()
    assert len({*folders}) == min(failures + 1, STARTS)
    assert list(tmp_path.iterdir()) == []
    changed = {name for name in {*before, *os.environ} if before.get(name) != os.environ.get(name)}
    assert not changed & {"TMPDIR", marked_processes.MARK, "SPT_NOENV"}


def test_a_ray_that_died_is_no_failure_of_cells() -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    ready = ObjectRef.nil()
    cluster = RayCluster.__new__(RayCluster)
    cluster._ray = SimpleNamespace(wait=lambda refs, **_: (refs, []))
    cluster._vital = [psutil.Process(process.pid)]
    try:
        assert cluster.wait([ready], 0.1) == [ready]
        process.kill()
        with pytest.raises(ClusterError, match=r"Ray died on this machine .* the same command again does the rest"):
            while True:  # until the kernel has ended it
                cluster.wait([ready], 0.1)
    finally:
        process.kill()
        process.wait()


HANDLERS = """
import ctypes, signal, threading, time
from dragoman_jobs.cluster.ray_cluster import RayCluster

libc, handlers, ended = ctypes.CDLL(None), set(), threading.Event()

def look():
    while not ended.is_set():
        action = (ctypes.c_ulong * 32)()
        libc.sigaction(signal.SIGTERM, None, action)
        handlers.add(action[0])
        time.sleep(0.0005)

signal.signal(signal.SIGTERM, lambda *_: None)
threading.Thread(target=look, daemon=True).start()
cluster = RayCluster(cpus=1)
cluster.close()
ended.set()
print(len(handlers))
"""


@pytest.mark.slow
def test_a_sigterm_is_pythons_at_every_moment_of_rays_start() -> None:
    """Ray's own handler for faults, at the level of the operating system, takes SIGTERM too and aborts the process."""
    ran = subprocess.run([sys.executable, "-c", HANDLERS], capture_output=True, text=True, timeout=120, check=True)
    assert ran.stdout.split() == ["1"]
