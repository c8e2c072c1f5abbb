"""A fair queue of the writers of one SQLite file: a lock file beside it, on which they block until their turn.

SQLite itself has them poll: who polls at the right moment gets the lock, and who has waited longest may starve or time
out. Here each has its turn, so that a driver's heartbeat does not starve; to hand the lock from one process to the next
costs a third of the writes a second where eight want to write all the time.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

NOTICE_SECONDS = 60.0
"""Seconds of waiting after which a message is logged."""

_LOG = logging.getLogger(__name__)


class Writers:
    """The writers of one file: threads of this process and of others."""

    def __init__(self, database: Path) -> None:
        """Take the database's file; the lock lies beside it."""
        self._database = database
        self._lock = database.with_name(f"{database.name}-writer")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Acquire the write lock for the block; a killed process releases it."""
        try:
            # Only to be locked: read permission is enough to queue.
            descriptor = os.open(self._lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            yield  # a folder that can't be written to: SQLite reports that
            return
        try:
            self._wait(descriptor)
            yield
        finally:
            with suppress(OSError):  # where there are no locks
                fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough: a forked child may have it open too
            os.close(descriptor)

    def say(self) -> None:
        """Log that the wait is long, so that it isn't taken for a hang."""
        _LOG.warning("Still waiting for another process to finish writing to %s.", self._database)

    def _wait(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        except OSError:
            return  # no locks on this file system: SQLite's own waiting has to do
        notice = Timer(NOTICE_SECONDS, self.say)
        notice.daemon = True
        notice.start()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        finally:
            notice.cancel()
