"""A worker for tests of the protocol: it answers, prints, fails, dies and hangs as it is asked to."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from dragoman.environments.workers.channel import Missing, Refusal


class Worker:
    packages = ()

    def answers(self, kind: str, body: Any) -> Iterator[Any]:
        print("a library prints to standard output")
        subprocess.run(["echo", "and so does a process that it starts"], check=True)
        if kind == "echo":
            yield body
        elif kind == "count":
            yield from range(body)
        elif kind == "refuse":
            raise Refusal("That can't be had: ask for something else.")
        elif kind == "missing":
            raise Missing("That is not there: fetch it.")
        elif kind == "fail":
            raise ValueError("no such value")
        elif kind == "signal":
            os.kill(os.getpid(), body)
        elif kind == "exit":
            print("the reason for it", file=sys.stderr, flush=True)
            os._exit(body)
        elif kind == "sleep":
            time.sleep(body)
        elif kind == "child":
            child = subprocess.Popen(["sleep", "600"])
            yield {"own": os.getpid(), "child": child.pid}
        elif kind == "fill":
            resource.setrlimit(resource.RLIMIT_AS, (body, body))
            held = [bytearray(body)]
            yield len(held)
        elif kind == "environment":
            yield {name: os.environ.get(name) for name in body}
        elif kind == "modules":
            yield sorted(name for name in sys.modules if name.startswith("dragoman"))
