"""A Ray cluster of one node on this machine, as `ray start --head` makes it: with a token, loopback only."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import requests

TOKEN = secrets.token_hex(32)


class Head:
    """Started, killed and started again at the same address."""

    def __init__(self, folder: Path, python_path: Path) -> None:
        self.address = f"http://127.0.0.1:{_free_port()}"
        self.token_file = folder / "token"
        self.token_file.write_text(TOKEN)
        self._log = (folder / "head.log").open("w")
        # the paths of its sockets must be short
        self._temporary = Path(tempfile.mkdtemp(prefix="dr"))
        self._environment = {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token_file),
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(python_path), os.environ.get("PYTHONPATH")))),
            # a server that is away is given up after one more try
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        for _ in range(3):  # a port of the agent may have been taken since it was chosen, and the agent then ends
            agent = self._start()
            if self._has_agent(agent):
                return
            self.kill()
        raise AssertionError("the head has no agent that starts jobs")

    @staticmethod
    def _has_agent(port: int) -> bool:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                return True
            time.sleep(0.5)
        return False

    def _start(self) -> int:
        """Start it, and wait for its dashboard; returns the port of its agent."""
        agent = _free_port()
        port = self.address.rpartition(":")[2]
        others = [f"--dashboard-agent-listen-port={agent}", f"--ray-client-server-port={_free_port()}"]
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--port=0", "--num-cpus=2", *others,
             # a GPU by word alone: to be given it, a worker needs none
             "--num-gpus=1", f"--dashboard-port={port}", "--disable-usage-stats", f"--temp-dir={self._temporary}"],
            env=self._environment, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 400
        while time.monotonic() < deadline:
            try:
                answer = requests.get(
                    f"{self.address}/api/v0/nodes", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=5
                )
                if answer.ok and answer.json()["data"]["result"]["result"]:
                    return agent
            except (requests.RequestException, ValueError, KeyError, TypeError):
                pass
            time.sleep(0.5)
        raise AssertionError("the head did not come up")

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        assert self._process is not None
        mine = [psutil.Process(self._process.pid), *psutil.Process(self._process.pid).children(recursive=True)]
        mine += [each for each in psutil.process_iter(["cmdline"]) if str(self._temporary) in _words(each)]
        for process in mine:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        self._process.wait()

    def workers(self, what: str) -> list[psutil.Process]:
        """The processes that Ray calls so, such as `_Holder` or `train`."""
        assert self._process is not None
        return [each for each in psutil.Process(self._process.pid).children(recursive=True) if what in _words(each)]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _free_port() -> int:
    """A port outside the ranges that Ray gives to its workers."""
    while True:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
        if port > 20_000:
            return port
