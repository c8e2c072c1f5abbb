"""The usage log of a paid endpoint: tokens and cost of every answer, by every worker in every run; budgets count it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from dragoman_jobs.engines.appended_lines import AppendedLines


class UsageLog:
    """A file of JSON lines that several processes add to; nothing in it can be made again, so it is no cache."""

    def __init__(self, path: Path) -> None:
        """Take the file; it need not be there."""
        self.path = path
        self._lines = AppendedLines(path)
        self._spent = self._dearest = 0.0

    @property
    def spent(self) -> float:
        """What everything in it cost together."""
        self._catch_up()
        return self._spent

    @property
    def dearest(self) -> float:
        """What the dearest line cost; 0 where there is none."""
        self._catch_up()
        return self._dearest

    def _catch_up(self) -> None:
        costs = [json.loads(line)["cost"] for line in self._lines.new()]
        self._spent += sum(costs)
        self._dearest = max([self._dearest, *costs])

    def book(self, line: Mapping[str, Any]) -> None:
        """Add a line, which has a `cost`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_suffix(".lock")), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
