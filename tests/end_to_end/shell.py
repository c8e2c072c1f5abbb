"""A user's shell on a cluster: a folder of its own, and the commands run in it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import MINI, Home
from tests.end_to_end.head import Head

from dragoman.cell import CellState
from dragoman.store.records import CellRecord, JobState

SPEC: dict[str, Any] = {
    **MINI,
    "models": [{**MINI["models"][0], "method": {**MINI["models"][0]["method"], "steps": 30}}],
    "evaluation": {"sentences": 6, "engine": "echo", "metrics": ["bleu"]},
}


class Shell(Home):
    """A folder of its own, with everything `dragoman` needs to know of the cluster in the environment."""

    def __init__(self, folder: Path, head: Head, python_path: Path, **environment: str) -> None:
        folder.mkdir()
        super().__init__(folder, SPEC)
        self.environment |= {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(head.token_file),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(python_path), os.environ.get("PYTHONPATH")))),
            "USER": "ada",
            **environment,
        }

    def ok(self, *arguments: str) -> str:
        done = self.dragoman(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str, **environment: str) -> str:
        """The one sentence a command ends with."""
        done = subprocess.run(
            [Path(sys.executable).with_name("dragoman"), *arguments], cwd=self.folder, text=True, capture_output=True,
            env={**self.environment, **environment}, timeout=240,
        )  # fmt: skip
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr

    def wait(self, what: Callable[[], Any], seconds: float = 400) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := what():
                return found
            time.sleep(0.1)
        raise AssertionError(f"waited in vain:\n{self.ok('status', 'mini')}\n{self.ok('logs', 'mini')}")

    def state(self) -> JobState:
        return self.store.jobs.of_grid("mini")[0].state

    def cells(self) -> list[CellRecord]:
        return self.store.cells.of_grid("mini")

    def done(self) -> int:
        return sum(cell.state is CellState.DONE for cell in self.cells())

    def until_over(self) -> JobState:
        ended = (JobState.DONE, JobState.FAILED, JobState.STOPPED)
        self.wait(lambda: self.state() in ended)
        return self.state()

    def scores(self) -> dict[str, Any]:
        """Everything that is measured, by cell."""
        store = self.store
        return {
            cell.cell.id: (cell.hypotheses, store.cells.scores(cell.cell.id)) for cell in store.cells.of_grid("mini")
        }
