"""Progress bars of a running grid: finetunings by step, cells by state, and the time left."""

import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from dragoman.control_characters import LINES, visible
from dragoman.redaction import masked
from dragoman.store.training_records import TrainingReport
from dragoman.tables.durations import duration
from dragoman_jobs.driver.job import Job
from dragoman_jobs.driver.throughput import Rates

LOG_WIDTH = 160
"""Columns of what is not printed on a terminal: a table there is not broken in the middle of its lines."""


def log_console(quiet: bool = False) -> Console:
    """Where a person looks: as wide as the terminal, or as a log."""
    return Console(quiet=quiet, width=None if sys.stdout.isatty() else LOG_WIDTH)


LINE_SECONDS = 60.0
"""The longest that a log says nothing of a bar that moves."""


class _NoteColumn(ProgressColumn):
    """The loss of a finetuning, or the cells that failed and are missing."""

    def render(self, task: Task) -> Text:
        return Text(str(task.fields.get("note", "")), style="dim")


class ProgressDisplay:
    """Live bars in a terminal; in a log, a line for the first step, each tenth and each minute.

    All of it goes to the job's log.
    """

    def __init__(self, console: Console, job: Job | None = None) -> None:
        """Prepare.

        Args:
            console: where a person looks.
            job: what keeps the log, and is asked whether to go on.
        """
        self._console, self._job = console, job
        self._live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            _NoteColumn(),
            console=console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._tenths: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    @property
    def job_number(self) -> int:
        """Number of the job in the store; 0 where there is none."""
        return self._job.number if self._job else 0

    def say(self, line: str) -> None:
        """Print a line above the bars, and log it."""
        self._print(line)
        if self._job:
            self._job.say(line)

    def failed(self, line: str, detail: str | None = None) -> None:
        """Print a failure above the bars, and log it with its detail."""
        self._print(line)
        if self._job:
            self._job.failed(line, detail)

    def show(self, measured: Mapping[str, Any]) -> None:
        """Write what is measured to the store, where `dragoman status` reads it.

        Raises:
            StoppedError: somebody wants the grid to stop.
        """
        if self._job:
            self._job.show(measured)
            self._job.check()

    def report(self, training: TrainingReport) -> None:
        """Write how far a finetuning is to the store, where every page and command reads it."""
        if self._job:
            self._job.report(training)

    def _print(self, line: str) -> None:
        # on a cluster it ends in Ray's log, which others may read
        self._bars.console.print(visible(masked(line), LINES), highlight=False, markup=False)

    def status(self, line: str) -> AbstractContextManager[object]:
        """A line that goes when its block ends; in a log, it stays."""
        if self._live:
            return self._bars.console.status(line)
        self.say(line)
        return nullcontext()

    def bar(self, name: str, total: int, done: int = 0) -> None:
        """Start a bar; what was done before this run counts as done, not as speed."""
        self._tasks[name] = self._bars.add_task(name, total=total, completed=done)
        self._begin(name, total, done)

    def restart(self, name: str, done: int) -> None:
        """Have a bar go on from elsewhere than where it stood: what was done before is not its speed."""
        self._bars.reset(self._tasks[name], completed=done)
        self._begin(name, self._total(name), done)

    def _begin(self, name: str, total: int, done: int) -> None:
        self._tenths[name] = 10 * done // max(total, 1)
        self._said.pop(name, None)

    def _total(self, name: str) -> int:
        return int(self._bars.tasks[self._tasks[name]].total or 1)

    def update(self, name: str, done: int, note: str = "", seconds_left: float | None = None) -> None:
        """Move a bar.

        Args:
            name: its name.
            done: how much is done.
            note: what stands after it.
            seconds_left: the time left, for the log; a terminal's bar tells it by itself.
        """
        task = self._bars.tasks[self._tasks[name]]
        has_moved = done > task.completed
        self._bars.update(task.id, completed=done, note=note)
        total, now = self._total(name), time.monotonic()
        tenth = 10 * done // total
        is_due = has_moved and now - self._said.get(name, -LINE_SECONDS) >= LINE_SECONDS
        if tenth > self._tenths[name] or is_due:
            self._tenths[name], self._said[name] = tenth, now
            left = "" if seconds_left is None else f"{duration(seconds_left)} left"
            line = ", ".join(filter(None, (f"{name}: {done} of {total}", note, left)))
            if not self._live:
                self._print(line)
            if self._job:
                self._job.say(line)


def cell_note(failed: int, missing: int, running: int, pace: Rates, busy: float | None) -> str:
    """The note at the end of the cells' bar."""
    parts: Iterable[tuple[int, str]] = ((failed, "failed"), (missing, "missing"), (running, "running"))
    words = [f"{count} {word}" for count, word in parts if count]
    if pace.tokens_per_second is not None:
        words.append(f"{pace.tokens_per_second:,.0f} tokens/s")
    if busy is not None:
        words.append(f"workers {busy:.0%} busy")
    return ", ".join(words)
