"""A process in an isolated environment, asked over a pipe; its death, by memory or a signal, is named as that."""

import atexit
import json
import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, ClassVar

from dragoman.environments.out_of_memory import kills, says_so
from dragoman.environments.workers import channel
from dragoman.errors import DragomanError, first_line
from dragoman.redaction import masked

START_SECONDS = 300.0
"""How long a process may take to import its worker, from a cold network disk too."""

_LAST_LINES = 200
"""Lines of standard error that are kept."""

_CLOSE_SECONDS = 5.0

_UNSET = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_PRELOAD")
"""Variables that belong to this process's environment, not to the isolated one."""


class WorkerError(DragomanError):
    """A request that failed in an isolated process."""

    exit_code: ClassVar[int] = 1


class WorkerRefusedError(WorkerError):
    """A request that can't be met: a mistake that the user can mend."""

    exit_code: ClassVar[int] = 2


class WorkerMissingError(WorkerRefusedError):
    """A request that could be met if something were there: a file to fetch, a device."""

    exit_code: ClassVar[int] = 1


class WorkerMemoryError(WorkerError):
    """A request for which memory ran out, in a process that lives on or was killed."""


class WorkerDiedError(WorkerError):
    """A process that ended, or was ended, before it had answered."""


class PipeWorker:
    """One process of an environment's Python, which serves one request at a time.

    It ends when this process ends, however that goes. `close` ends it before.
    """

    def __init__(
        self,
        python: Path,
        file: Path,
        *,
        name: str,
        threads: int = 1,
        variables: Mapping[str, str] | None = None,
        start_seconds: float = START_SECONDS,
    ) -> None:
        """Start it, and wait for its greeting.

        Args:
            python: the environment's Python.
            file: the worker file, which has a class `Worker` (see `workers.channel`).
            name: of the environment, for messages.
            threads: that its libraries compute with.
            variables: of its environment, besides those of this process.
            start_seconds: how long it may take until it greets.

        Raises:
            WorkerError: it can't be started, ended at once, or speaks another version of the protocol.
        """
        self.name = name
        self._lock = threading.Lock()
        self._number = 0
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._kills_before = kills()
        try:
            self._process = subprocess.Popen(  # noqa: S603 (a file of ours, or of a plugin)
                [str(python), "-I", "-X", "utf8", channel.__file__, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(threads, variables or {}),
                start_new_session=True,  # an interrupt of the terminal is this process's affair
            )
        except OSError as error:
            raise WorkerError(
                f"{python}, the Python of the environment {name}, can't be started ({error.strerror}): remove the "
                f"environment and install it again (`dragoman env remove {name}`, `dragoman env install {name}`)."
            ) from error
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._threads = [self._read_in_background(self._receive), self._read_in_background(self._hear)]
        atexit.register(self.close)  # threads that still read when this process ends would make it crash
        try:
            self._greet(start_seconds)
        except BaseException:
            self.close()
            raise

    @property
    def packages(self) -> Mapping[str, str]:
        """Versions of the worker's packages."""
        return self._packages

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked."""
        return self._process.poll() is None

    def stream(self, kind: str, body: Any = None, *, silence_seconds: float | None = None) -> Iterator[Any]:
        """The answers to a request, each as soon as it is there.

        What is not read to the end is computed all the same, before anything else is.

        Args:
            kind: of the request.
            body: what JSON can hold.
            silence_seconds: how long it may go without an answer; by default as long as it likes.

        Raises:
            WorkerRefusedError: it can't be met; a `WorkerMissingError` where something that it needs is not there.
            WorkerMemoryError: memory ran out.
            WorkerDiedError: the process ended, or took too long and was ended.
            WorkerError: anything else went wrong.
        """
        with self._lock:
            self._number += 1
            self._send({"id": self._number, "kind": kind, "body": body})
            while True:
                message = self._next(silence_seconds)
                if message.get("id") != self._number:
                    continue  # of a request that nobody read to the end
                if "error" in message:
                    raise self._error(message)
                if "end" in message:
                    return
                yield message["answer"]

    def ask(self, kind: str, body: Any = None, *, silence_seconds: float | None = None) -> Any:
        """The one answer to a request, the last where there are several, None where there is none; see `stream`."""
        answer = None
        for each in self.stream(kind, body, silence_seconds=silence_seconds):
            answer = each
        return answer

    def close(self) -> None:
        """End it, with all that it started."""
        atexit.unregister(self.close)
        with suppress(OSError):  # it is gone
            self._pipe(self._process.stdin).close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self._kill()
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        for pipe in (self._process.stdout, self._process.stderr):
            self._pipe(pipe).close()

    def __enter__(self) -> "PipeWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _greet(self, seconds: float) -> None:
        message = self._next(seconds)
        if "failure" in message:
            raise WorkerError(
                f"The environment {self.name} can't run its worker ({first_line(Exception(message['failure']))}): "
                f"`dragoman doctor` says whether it is whole; else remove it and install it again."
            )
        hello = message.get("hello") or {}
        if hello.get("protocol") != channel.PROTOCOL:
            raise WorkerError(
                f"The worker of the environment {self.name} speaks version {hello.get('protocol')} of the protocol, "
                f"and this Dragoman version {channel.PROTOCOL}: install versions that belong together."
            )
        self._packages: Mapping[str, str] = {"python": hello["python"], **hello["packages"]}

    def _send(self, message: Mapping[str, Any]) -> None:
        pipe = self._pipe(self._process.stdin)
        try:
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()
        except (OSError, ValueError) as error:  # it is gone, or closed
            raise self._death() from error

    def _next(self, seconds: float | None) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            self._kill()
            raise WorkerDiedError(
                f"The process of the environment {self.name} said nothing for {seconds:g} s, and was ended: look at "
                "what else this machine does, or raise the setting metric_seconds (DRAGOMAN_METRIC_SECONDS)."
            ) from None
        if message is None:
            self._messages.put(None)
            raise self._death()
        return message

    def _error(self, message: Mapping[str, Any]) -> WorkerError:
        said = str(message["error"])
        if message["cause"] == channel.REFUSED:
            return WorkerRefusedError(said)
        if message["cause"] == channel.MISSING:
            return WorkerMissingError(said)
        if message["cause"] == channel.MEMORY:
            return WorkerMemoryError(self._for_want_of_memory(first_line(Exception(said))))
        return WorkerError(f"The process of the environment {self.name} failed ({first_line(Exception(said))}).")

    def _death(self) -> WorkerError:
        """What ended the process."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_SECONDS)
        self._kill()
        for thread in self._threads:
            thread.join(_CLOSE_SECONDS)
        code, last = self._process.returncode, self._said[-1] if self._said else ""
        name = _signal(code)
        if code == -signal.SIGKILL and kills() > self._kills_before:
            return WorkerMemoryError(self._for_want_of_memory("the system killed it"))
        if says_so(self._said):
            return WorkerMemoryError(self._for_want_of_memory(f"it ended with {name}"))
        if code == -signal.SIGKILL:
            return WorkerDiedError(
                f"The process of the environment {self.name} was killed ({name}): by somebody, or by the system for "
                "want of memory; run the same again, with less at once if it is killed again."
            )
        said = f"; its last words: {first_line(Exception(last))}" if last else ""
        return WorkerDiedError(f"The process of the environment {self.name} ended with {name}{said}.")

    def _for_want_of_memory(self, how: str) -> str:
        return (
            f"The process of the environment {self.name} ran out of memory ({how}): run fewer of them at once, choose "
            "a smaller model, or give it a machine or a GPU with more memory."
        )

    def _kill(self) -> None:
        """End it and what it started, which is of its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _read_in_background(self, target: Any) -> threading.Thread:
        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        return thread

    def _receive(self) -> None:
        with suppress(ValueError, OSError):  # closed
            for line in self._pipe(self._process.stdout):
                self._messages.put(json.loads(line))
        self._messages.put(None)

    def _hear(self) -> None:
        with suppress(ValueError, OSError):
            for line in self._pipe(self._process.stderr):
                if text := line.decode(errors="replace").strip():
                    self._said.append(masked(text))

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ValueError("there is no such pipe")
        return pipe


def _signal(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _environment(threads: int, variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in _UNSET}
    one = {name: str(threads) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return {**inherited, **one, "TOKENIZERS_PARALLELISM": "false", **variables}
