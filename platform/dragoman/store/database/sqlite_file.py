"""The files of an SQLite store as they lie on disk: what a lost, foreign or damaged write-ahead log looks like.

SQLite applies whatever log lies beside a file, and takes a file without its log for all there is. So a store's file is
never without tables, carries a number of its own, and both are looked at before SQLite opens it.
"""

import logging
import secrets
import shutil
import sqlite3
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection

from dragoman.errors import StoreUnusableError
from dragoman.store.database import write_ahead_log
from dragoman.store.database.write_ahead_log import WriteAheadLog

APPLICATION_ID = 0x44524147
"""`DRAG`: the application id of a store (https://www.sqlite.org/fileformat2.html#application_id)."""

_MAGIC = b"SQLite format 3\0"
_START = 512
"""Bytes of the smallest page that there is."""
_PAGES, _NUMBER = slice(28, 32), slice(60, 64)
"""Where the first page has the number of pages, and the user version, which is a number of its own for each store."""

_CHECKED: set[Path] = set()
_CHECKING = threading.Lock()

_LOG = logging.getLogger(__name__)


def mark(connection: Connection) -> None:
    """Give a store that has none, in the transaction that makes or migrates it, the application id and a number."""
    if not connection.exec_driver_sql("PRAGMA user_version").scalar():
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version = {secrets.randbelow(2**31 - 1) + 1}")


def check(file: Path, *, reads_only: bool = False) -> None:
    """Look at a store's file and the log beside it, once in each process and before SQLite opens either.

    Later it must not be done: to close a file that SQLite has open takes its locks away
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
    Of a log that SQLite will not read all of, a warning is logged, and a copy is kept, as SQLite forgets the rest.

    Args:
        file: the store's file.
        reads_only: no copy is kept.

    Raises:
        StoreUnusableError: the log is of another store, or without its store, or the store without its log.
    """
    with _CHECKING:
        if file.absolute() in _CHECKED:
            return
        with suppress(OSError):  # SQLite says it in its own words
            _look(file, reads_only)
        _CHECKED.add(file.absolute())


def _look(file: Path, reads_only: bool) -> None:
    page, log = _start(file), _log_of(file)
    if not page:
        if _is_used(log):
            raise StoreUnusableError(
                f"The log {log} lies there without its store {file}: put the store's file back beside it, or move the "
                "log away."
            )
        return
    if not page.startswith(_MAGIC) or len(page) < _START:
        return
    if not _is_used(log):
        if page[18:20] == b"\2\2":
            _look_for_a_lost_log(file, has_tables=page[100] != 13 or page[103:105] != b"\0\0")
        return
    # asked twice, as another process may begin the log anew between page and log
    if all(_is_foreign(write_ahead_log.read(log), _start(file)) for _ in range(2)):
        raise StoreUnusableError(
            f"The log {log} is of another store than {file}: put the log that belongs to it in its place, or move the "
            "log away. Nothing was opened or changed."
        )
    if (told := log_damage(file)) and not reads_only:
        kept = log.with_name(f"{log.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
        _LOG.warning("%s", told)
        shutil.copyfile(log, kept)
        _LOG.warning("The damaged log is kept as %s.", kept)


def _is_foreign(log: WriteAheadLog, page: bytes) -> bool:
    """Whether a log is of another store than the one that begins with a page."""
    if log.number is None:  # a log without the first page has not changed what that says
        return log.pages not in (None, int.from_bytes(page[_PAGES], "big"))
    number = int.from_bytes(page[_NUMBER], "big")
    return 0 not in (number, log.number) and number != log.number


def _look_for_a_lost_log(file: Path, *, has_tables: bool) -> None:
    log, index = _log_of(file), file.with_name(f"{file.name}-shm")
    if not has_tables:
        raise StoreUnusableError(
            f"The store {file} has no tables: what was written to it was in its log {log.name}, which is not there. "
            "Copy both from where the store was (`dragoman backup` makes one file of them), or restore a backup; where "
            "no grid was ever run, remove the file."
        )
    # SQLite removes a log after its index, so who asks twice is not misled by another process that opens or closes it
    if index.exists() and not log.exists() and index.exists():
        raise StoreUnusableError(
            f"The log of the store {file} is gone: {index.name}, SQLite's index of it, lies there without it. Put "
            f"{log.name} back; to go on without what was written last, remove {index.name}, after which `dragoman "
            "resume GRID` does again what is missing."
        )


def log_damage(file: Path) -> str | None:
    """The sentence of a log of which SQLite reads only the beginning; None for one that is whole, or not there.

    Raises:
        OSError: it can't be read.
    """
    log = _log_of(file)
    found = _settled(log) if _is_used(log) else WriteAheadLog()
    if found.damage is None:
        return None
    return (
        f"The log {log} is damaged ({found.damage}), so the store lacks what was written last: put the log back from "
        "a copy, or go on without: `dragoman resume GRID` does again what is missing."
    )


def _log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def checkpoint(file: Path) -> None:
    """Move what the log holds into the file itself, as far as nobody reads the older state; waits for nobody."""
    if not file.exists():
        return  # to connect would make it
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def connect_to_read(file: Path, **options: Any) -> tuple[sqlite3.Connection, object]:
    """A connection that changes nothing, and the moment that it shows (`moment`), if it shows but one.

    Without a log SQLite would make one to read the file, so it is told that nobody writes to it.
    """
    shown = None if _is_used(_log_of(file)) else moment(file)
    how = "mode=ro" if shown is None else "mode=ro&immutable=1"
    return sqlite3.connect(f"file:{quote(str(file.absolute()))}?{how}", uri=True, **options), shown


def moment(file: Path) -> object:
    """A value that another process changes by writing to the database."""
    found = file.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino, _is_used(_log_of(file))


def _start(file: Path) -> bytes:
    if not file.is_file():
        return b""
    with file.open("rb") as opened:
        return opened.read(_START)


def _is_used(log: Path) -> bool:
    return log.is_file() and log.stat().st_size > write_ahead_log.HEADER


def _settled(log: Path) -> WriteAheadLog:
    """What a log holds; one that looks damaged may be in the writing, and is looked at again."""
    for _ in range(3):
        found = write_ahead_log.read(log)
        if found.damage is None:
            break
        time.sleep(0.05)
    return found
