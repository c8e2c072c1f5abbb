"""A job: one run of a grid, with its heartbeat, log and state in the store."""

import logging
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

from dragoman import logs, signals
from dragoman.errors import DragomanError, StoreError
from dragoman.redaction import masked
from dragoman.store.heartbeat import BEAT_SECONDS, driver_name
from dragoman.store.jobs import control
from dragoman.store.records import JobLine, JobState, LineKind
from dragoman.store.repositories.jobs import SUPERSEDED
from dragoman.store.store import Store
from dragoman.store.training_records import TrainingReport
from dragoman_jobs.driver.retry import SECONDS, with_retries

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 60.0
"""How often what SQLite's log holds is moved into the store's file."""

_FAREWELL_SECONDS = 5.0
"""How long a job that broke off tries to write that to a store that is unreachable."""


class StoppedError(DragomanError):
    """Somebody stopped the grid."""


class Job:
    """Holds a grid for this driver while its block runs; a thread writes a heartbeat every two seconds.

    The driver's log lines go to the store with it, without secrets: `dragoman status` and `logs` read it there,
    whatever became of the process, its machine and Ray.
    """

    def __init__(self, store: Store, grid: str, queued: int | None = None) -> None:
        """Prepare a job.

        Args:
            store: where it is kept.
            grid: name of the grid, which is in the store.
            queued: number of the job it was submitted as.
        """
        self._store, self._grid, self._queued = store, grid, queued
        self.number = 0
        """Its number in the store, once it has begun."""
        self._lines: list[JobLine] = []
        self._progress: Mapping[str, Any] | None = None
        self._trainings: dict[str, TrainingReport] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._stopped_by: str | None = None
        self._thread = threading.Thread(target=self._beat_on, name="job", daemon=True)
        self._about = ExitStack()

    def __enter__(self) -> Self:
        self.number = self._store.jobs.start(self._grid, driver_name(), self._queued)
        control.forsake(self._store, self._grid, self.number)
        self._about.enter_context(logs.about(grid=self._grid, job=str(self.number)))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        state, reason = JobState.DONE, None
        if isinstance(error, StoppedError | KeyboardInterrupt):
            state, reason = JobState.STOPPED, str(error) or f"interrupted on {driver_name()}"
            self.say(reason)
        elif error is not None:
            state, reason = JobState.FAILED, masked(str(error)) or type(error).__name__
            if isinstance(error, DragomanError):  # the command ends with it
                self._add(JobLine(kind=LineKind.FAILURE, text=reason))
            else:
                self.failed(reason, "".join(traceback.format_exception(error)))
        try:
            # who interrupts it is not kept waiting for a store that is away
            with_retries(partial(self._end, state, reason), SECONDS if error is None else _FAREWELL_SECONDS)
        except StoreError as away:
            if error is None:
                raise
            logger.error("the store does not know that the job is over: %s", away)
        self._store.database.checkpoint()
        logger.info("the job is over: %s", state.value)
        self._about.close()

    def _end(self, state: JobState, reason: str | None) -> None:
        self._beat()
        if self._stopped_by != SUPERSEDED:
            control.forsake(self._store, self._grid, self.number)
        self._store.jobs.end(self.number, state, reason)

    def say(self, text: str) -> None:
        """Add a line to the log."""
        logger.info(text)
        self._add(JobLine(text=masked(text)))

    def failed(self, text: str, detail: str | None = None) -> None:
        """Add a failure to the log, with its traceback or other detail."""
        logger.error("%s%s", text, f"\n{detail}" if detail else "")
        self._add(JobLine(kind=LineKind.FAILURE, text=masked(text), detail=detail and masked(detail)))

    def show(self, progress: Mapping[str, Any]) -> None:
        """Set the progress that is written with the next heartbeat."""
        with self._lock:
            self._progress = progress

    def report(self, training: TrainingReport) -> None:
        """Set how far a finetuning is, which is written with the next heartbeat."""
        with self._lock:
            self._trainings[training.model] = training

    def check(self) -> None:
        """Go on, unless somebody wants it to stop.

        Raises:
            StoppedError: somebody does.
            KeyboardInterrupt: this process was interrupted.
        """
        signals.check()
        if self._stopped_by is not None:
            raise StoppedError(f"stopped by {self._stopped_by}")

    def _add(self, line: JobLine) -> None:
        with self._lock:
            self._lines.append(line)

    def _beat_on(self) -> None:
        due = time.monotonic() + CHECKPOINT_SECONDS
        while not self._over.wait(BEAT_SECONDS):
            try:
                self._beat()
                if time.monotonic() > due:
                    self._store.database.checkpoint()
                    due = time.monotonic() + CHECKPOINT_SECONDS
            except Exception as error:  # of any kind: silent, the driver would count as lost. What it says waits
                logger.warning("the store was not told that the driver is alive: %s", error)

    def _beat(self) -> None:
        with self._lock:
            lines, progress, trainings = list(self._lines), self._progress, list(self._trainings.values())
        self._stopped_by = self._store.jobs.beat(self.number, progress, lines, trainings) or self._stopped_by
        with self._lock:
            del self._lines[: len(lines)]
            for each in trainings:
                if self._trainings[each.model] is each:
                    del self._trainings[each.model]
