"""Damage in an SQLite store: what SQLite's own check of every page and index finds, in a bounded time."""

import re
import sqlite3
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from dragoman.errors import StoreError, first_line
from dragoman.store.database import errors
from dragoman.store.database.connection import Database

_MOST = 5
"""Complaints about one table."""

_OF_AN_INDEX = re.compile(r"(missing from|of entries in|entry in) index \S+$")
"""SQLite's complaints about an index that does not match its table, where both can be read."""

_STEPS = 20_000
"""SQLite's instructions between two looks at the clock: some milliseconds."""


class Damage(NamedTuple):
    """What the check found."""

    complaints: tuple[str, ...]
    """Each a table, and what SQLite says of it or its indexes."""
    is_finished: bool
    """Whether everything was looked at before the time was over."""
    is_of_indexes: bool
    """Whether only indexes are damaged, which hold nothing that the tables don't."""


def damage(database: Database, seconds: float) -> Damage:
    """Check an SQLite store (https://www.sqlite.org/pragma.html#pragma_integrity_check); nothing is written.

    Args:
        database: an SQLite database.
        seconds: after which the check is broken off.

    Raises:
        StoreUnusableError: it can't be opened at all.
    """
    with database.readable_errors():
        connection = database.engine.raw_connection()
    driver: Any = connection.driver_connection
    deadline = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
    found: list[str] = []
    try:
        whole = _complaints(driver, "PRAGMA integrity_check(1)")
        if not whole:
            return Damage((), True, False)
        for table in list(_column(driver, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")):
            found += [f"{table}: {each}" for each in _complaints(driver, f'PRAGMA integrity_check("{table}")')]
    except _Interrupted:
        return Damage(tuple(found), False, False)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        return Damage((f"the list of its tables: {first_line(error)}",), True, False)
    finally:
        driver.set_progress_handler(None, 0)
        connection.invalidate()  # what it read may fail again when the pool takes it back
    # what is wrong with no table alone is wrong with the list of free pages, or with two tables' shares of the file
    is_of_indexes = bool(found) and all(map(_OF_AN_INDEX.search, found))
    return Damage(tuple(found) or (f"its pages: {whole[0]}",), True, is_of_indexes)


def sentence_of_damage(url: str, seconds: float = 5.0) -> str | None:
    """What is wrong with the store at a URL, for whoever met values that make no sense; None where nothing is found.

    SQLite reads a damaged page as long as its form allows, and what is read then may be anything.

    Args:
        url: the store's URL.
        seconds: after which the search is broken off.
    """
    database = Database(url)
    try:
        if database.file is None or not database.file.exists():
            return None
        found = damage(database, seconds)
    except StoreError as error:
        return str(error)
    finally:
        database.engine.dispose()
    return errors.damaged(database.shown, found.complaints[0]) if found.complaints else None


class _Interrupted(Exception):  # noqa: N818
    """The time is over."""


def _complaints(driver: sqlite3.Connection, check: str) -> list[str]:
    """What SQLite says is wrong."""
    try:
        lines = [line for text in _column(driver, check) for line in text.splitlines()]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # a page that is nothing at all
        lines = [first_line(error)]
    return [line for line in lines[:_MOST] if line != "ok" and not line.startswith("***")]


def _column(driver: sqlite3.Connection, query: str) -> Iterator[str]:
    try:
        for row in driver.execute(query):
            yield str(row[0])
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise _Interrupted from error
        raise
