"""Background thread that writes to MLflow, with retries: a slow or unreachable server doesn't delay the grid."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from dragoman.errors import first_line
from dragoman.redaction import masked
from dragoman.tracking.mlflow import Tracker, answers
from dragoman.tracking.mlflow_database import TrackingError, require_whole, sentence
from dragoman.tracking.mlflow_schema import is_locked

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""Attempts of a write on a server that responds; an unreachable one is waited for."""

AWAY_SECONDS = 15.0
"""How long the end of a grid waits for a server that does not respond."""

BUSY_SECONDS = 300.0
"""How long it waits for a single write."""

_PAUSES = (1.0, 10.0)
"""Seconds between two attempts to reach a server: at first, and at most."""


class BackgroundTracker:
    """Writes queued calls in order, each until it succeeds.

    Creating MLflow's database takes seconds, which the grid does not wait for. MLflow itself is imported before the
    thread starts (`tracking.import_mlflow`): two threads must not import it at once.
    """

    def __init__(self, make: Callable[[], Tracker], uri: str, say: Callable[[str], None] = logger.info) -> None:
        """Start the thread.

        Args:
            make: creates the tracker; retried if it fails.
            uri: where MLflow is.
            say: called with a line for the log, on that thread.
        """
        self._make, self._uri, self._say = make, uri, say
        self._tracker: Tracker | None = None
        self._jobs: queue.SimpleQueue[Callable[[Tracker], None] | None] = queue.SimpleQueue()
        self._failures: list[str] = []
        self._told = self._over = self._lost = 0
        self._moved = time.monotonic()
        self._away = self._locked = self._refused = False
        self._given_up = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlflow", daemon=True)
        self._thread.start()

    def tell(self, job: Callable[[Tracker], None]) -> None:
        """Queue a write, which must be idempotent: it is repeated where only the response was lost."""
        self._told += 1
        self._jobs.put(job)

    @property
    def unwritten(self) -> int:
        """The number of queued calls that are not written."""
        return self._told - self._over

    def close(self, away: float = AWAY_SECONDS, busy: float = BUSY_SECONDS) -> list[str]:
        """Wait until all is written, or MLflow was unreachable for too long; returns what went wrong, as sentences.

        Args:
            away: seconds to wait for a server that does not respond.
            busy: seconds to wait for a single write to a server that responds.
        """
        self._jobs.put(None)
        begun = time.monotonic()
        while self._thread.is_alive():
            if time.monotonic() - max(begun, self._moved) > (away if self._away else busy):
                self._given_up.set()
                break
            self._thread.join(0.2)
        if self.unwritten or self._lost:
            self._failures.append(
                f"MLflow at {masked(self._uri)} was not told everything: what is missing there is in the store, and "
                f"the next `dragoman resume` of the grid writes it{' once that is mended' if self._refused else ''}."
            )
        return self._failures

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not self._write(job):
                return
            self._over += 1
            self._moved = time.monotonic()

    def _write(self, job: Callable[[Tracker], None]) -> bool:
        """Whether to go on: not without a tracker, nor after it was given up."""
        attempts, pause = 0, _PAUSES[0]
        while not self._given_up.is_set():
            try:
                if self._tracker is None:
                    self._tracker = self._make()
                job(self._tracker)
            except Exception as error:  # whatever MLflow or its server raises must not reach the grid
                if is_locked(error):
                    self._say_once_locked()
                elif isinstance(error, TrackingError):
                    self._refused = True
                    self._failures.append(masked(str(error)))
                    return False
                elif answers(self._uri):
                    attempts += 1
                    if attempts == ATTEMPTS:
                        return self._goes_on_after(error)
                elif not self._away:
                    self._away = True
                    self._say(f"MLflow at {masked(self._uri)} does not answer: what is to be written there waits.")
                self._given_up.wait(pause)
                pause = min(2 * pause, _PAUSES[1])
            else:
                if self._away or self._locked:
                    self._away = self._locked = False
                    self._say("MLflow answers again.")
                return True
        return False

    def _goes_on_after(self, error: Exception) -> bool:
        """Give a write up; returns whether others may go better: not without a tracker, or on a broken database."""
        try:
            told = sentence(error, self._uri)
            if told is None:
                require_whole(self._uri)  # values of a damaged page may be anything
        except TrackingError as damaged:
            told = str(damaged)
        if told is not None:
            self._refused = True
        else:
            what = "can't be used" if self._tracker is None else "refused a write"
            told = f"MLflow {what}: {first_line(error)}"
        self._failures.append(masked(told))
        if self._refused or self._tracker is None:
            return False
        self._lost += 1
        return True

    def _say_once_locked(self) -> None:
        if not self._locked:
            self._locked = True
            self._say(
                f"MLflow's database {masked(self._uri)} is locked by another process: what is to be written waits."
            )
