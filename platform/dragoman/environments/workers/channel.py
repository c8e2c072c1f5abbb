"""The end of the pipe in an isolated environment: it runs a worker file, which answers requests.

`python -I channel.py WORKER_FILE`, with that environment's Python. It needs the standard library alone. A message is a
JSON object on a line. The first goes out, `{"hello": {"protocol": 1, "python": ..., "packages": {...}}}`, or
`{"failure": SENTENCE}`. Then requests come in, `{"id": 1, "kind": "load", "body": ...}`, and of each go out any number
of `{"id": 1, "answer": ...}`, and at last `{"id": 1, "end": true}`, or `{"id": 1, "error": SENTENCE, "cause": CAUSE}`.

Whatever libraries print goes to standard error. When the process at the other end is gone, this one ends with all that
it started, in the middle of a computation too.
"""

import importlib.util
import json
import os
import queue
import select
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Protocol

PROTOCOL = 1
"""Version of the messages."""

PACKAGE = "dragoman.environments.workers"
"""The package of these files, under which a worker file imports what lies beside this one."""

REFUSED, MISSING, MEMORY, FAILED = "refused", "missing", "memory", "failed"
"""Causes of an error: the request can't be met, something that it needs is not there, memory ran out, or anything else
went wrong."""

_LOOK_SECONDS = 1.0
"""How often it is seen whether the process at the other end is there, where others hold the pipe open as well."""


class Refusal(Exception):  # noqa: N818 (no fault of the program)
    """A request that can't be met; its text is a sentence for people."""


class Missing(Refusal):
    """A request that could be met if something were there: a file to fetch, a device."""


class Worker(Protocol):
    """What a worker file has under the name `Worker`, a class that is made without arguments."""

    packages: Sequence[str]
    """Distributions whose versions are told at the start."""

    def answers(self, kind: str, body: Any) -> Iterator[Any]:
        """The answers to a request, each as soon as it is there.

        Raises:
            Refusal: it can't be met, or not as things are (`Missing`).
        """


def main(file: Path) -> None:
    """Serve the worker of a file until the other end closes."""
    incoming, outgoing = _private_pipes()
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(incoming, requests), daemon=True).start()
    _announce_package()
    try:
        worker: Worker = _module(file).Worker()
        hello = {"protocol": PROTOCOL, "python": sys.version.split()[0], "packages": _versions(worker.packages)}
    except Exception as error:
        traceback.print_exc()
        _send(outgoing, {"failure": f"{type(error).__name__}: {error}"})
        return
    _send(outgoing, {"hello": hello})
    while True:
        _answer(worker, json.loads(requests.get()), outgoing)


def _answer(worker: Worker, request: dict[str, Any], outgoing: BinaryIO) -> None:
    number = request["id"]
    try:
        for answer in worker.answers(request["kind"], request["body"]):
            _send(outgoing, {"id": number, "answer": answer})
        _send(outgoing, {"id": number, "end": True})
    except Refusal as refusal:
        _send(
            outgoing,
            {"id": number, "error": str(refusal), "cause": MISSING if isinstance(refusal, Missing) else REFUSED},
        )
    except BrokenPipeError:
        _end()
    except Exception as error:
        traceback.print_exc()
        cause = MEMORY if is_out_of_memory(error) else FAILED
        _send(outgoing, {"id": number, "error": f"{type(error).__name__}: {error}", "cause": cause})


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, of the machine or of a GPU."""
    # torch says so of a CPU in a RuntimeError
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    )


def _send(outgoing: BinaryIO, message: dict[str, Any]) -> None:
    outgoing.write(json.dumps(message, allow_nan=True).encode() + b"\n")
    outgoing.flush()


def _private_pipes() -> tuple[int, BinaryIO]:
    """The two pipes under numbers of their own, so that nothing else reads or prints there."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return incoming, os.fdopen(outgoing, "wb")


def _receive(incoming: int, requests: "queue.SimpleQueue[bytes]") -> None:
    """Pass on each line that comes in, and end this process when no more can come."""
    parent, rest = os.getppid(), b""
    while True:
        if not select.select([incoming], [], [], _LOOK_SECONDS)[0]:
            if os.getppid() != parent:
                _end()
            continue
        block = os.read(incoming, 1 << 16)
        if not block:
            _end()
        *lines, last = block.split(b"\n")
        for line in lines:
            requests.put(rest + line)
            rest = b""
        rest += last


def _end() -> None:
    """End this process, and, as it leads a group of its own, what it started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def _announce_package() -> None:
    """Make the files beside this one importable under their own names, without the packages that they lie in."""
    for name in ("dragoman", "dragoman.environments", PACKAGE):
        module = ModuleType(name)
        module.__path__ = [str(Path(__file__).parent)] if name == PACKAGE else []
        sys.modules[name] = module
    sys.modules[f"{PACKAGE}.channel"] = sys.modules["__main__"]


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("dragoman_worker", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _versions(names: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError as error:
            raise ImportError(f"the package {name} is not installed in {sys.prefix}") from error
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
