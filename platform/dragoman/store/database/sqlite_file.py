"""The files of an SQLite store as they lie on disk: what a lost or a foreign write-ahead log looks like.

SQLite applies whatever log lies beside a file, and takes a file without its log for all there is. So a store's file is
never without tables, carries a number of its own, and both are looked at before SQLite opens it.
"""

import secrets
import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

from sqlalchemy import Connection

from dragoman.errors import StoreUnusableError

APPLICATION_ID = 0x44524147
"""`DRAG`: the application id of a store (https://www.sqlite.org/fileformat2.html#application_id)."""

_MAGIC = b"SQLite format 3\0"
_NUMBER = slice(60, 64)
"""Where the first page has the user version, which is a number of its own for each store."""
_LOG_HEADER, _FRAME_HEADER = 32, 24
"""Bytes of the write-ahead log's header, and of each frame's (https://www.sqlite.org/fileformat2.html#walformat)."""

_CHECKED: set[Path] = set()
_CHECKING = threading.Lock()


def mark(connection: Connection) -> None:
    """Give a new store, in the transaction that makes it, the application id and a number of its own."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {secrets.randbelow(2**31 - 1) + 1}")


def check(file: Path) -> None:
    """Look at a store's file and the log beside it, once in each process and before SQLite opens either.

    Later it must not be done: to close a file that SQLite has open takes its locks away
    (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).

    Raises:
        StoreUnusableError: the log is of another store, or without its store, or the store without its log.
    """
    with _CHECKING:
        if file.absolute() in _CHECKED:
            return
        with suppress(OSError):  # SQLite says it in its own words
            _look(file, file.with_name(f"{file.name}-wal"))
        _CHECKED.add(file.absolute())


def _look(file: Path, log: Path) -> None:
    page = _start(file)
    has_log = log.exists() and log.stat().st_size > _LOG_HEADER
    if not page:
        if has_log:
            raise StoreUnusableError(
                f"The log {log} lies there without its store {file}: put the store's file back beside it, or move the "
                "log away."
            )
        return
    if not page.startswith(_MAGIC):
        return
    is_logged, has_no_table = page[18:20] == b"\2\2", page[100] == 13 and page[103:105] == b"\0\0"
    if is_logged and has_no_table and not has_log:
        raise StoreUnusableError(
            f"The store {file} has no tables: what was written to it was in its log {log.name}, which is not there. "
            "Copy both from where the store was (`dragoman backup` makes one file of them), or restore a backup; where "
            "no grid was ever run, remove the file."
        )
    number = _number_in(log) if has_log else None
    if number is not None and number != page[_NUMBER]:
        raise StoreUnusableError(
            f"The log {log} is of another store than {file}: put the log that belongs to it in its place, or move the "
            "log away. Nothing was opened or changed."
        )


def checkpoint(file: Path) -> None:
    """Move what the log holds into the file itself, as far as nobody reads the older state; waits for nobody."""
    if not file.exists():
        return  # to connect would make it
    with suppress(sqlite3.Error), closing(sqlite3.connect(file, timeout=0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _start(file: Path) -> bytes:
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        return opened.read(512)


def _number_in(log: Path) -> bytes | None:
    """The store's number in the first page, where the log has a copy of that."""
    with log.open("rb") as frames:
        header = frames.read(_LOG_HEADER)
        size = int.from_bytes(header[8:12], "big")
        while size and len(frame := frames.read(_FRAME_HEADER)) == _FRAME_HEADER:
            if frame[8:16] != header[16:24]:
                return None  # left over from before the log was begun anew
            if int.from_bytes(frame[:4], "big") == 1:
                return frames.read(_NUMBER.stop)[_NUMBER]
            frames.seek(size, 1)
    return None
