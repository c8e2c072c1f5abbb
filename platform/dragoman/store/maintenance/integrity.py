"""Damage in an SQLite store: what SQLite's own check of every page and index finds, in a bounded time."""

import re
import sqlite3
import time
from typing import Any, NamedTuple

from dragoman.errors import StoreError
from dragoman.store.database import errors
from dragoman.store.database.connection import Database

_MOST = 20
"""Complaints that are asked for."""

_STEPS = 20_000
"""SQLite's instructions between two looks at the clock: some milliseconds."""

_OF_INDEX = re.compile(r"(?:missing from|entries in) index (?P<name>\S+)")
_OF_TREE = re.compile(r"^Tree (?P<root>\d+)\b")


class Damage(NamedTuple):
    """What the check found."""

    complaints: tuple[str, ...]
    """In SQLite's words, the trees named."""
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
    found: list[str] = []
    is_finished = True
    with database.reading() as connection:
        driver: Any = connection.connection.driver_connection
        deadline = time.monotonic() + seconds
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        try:
            for (line,) in driver.execute(f"PRAGMA integrity_check({_MOST})"):
                found += [each for each in str(line).splitlines() if each != "ok" and not each.startswith("***")]
        except sqlite3.Error as error:
            is_finished = error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT
            found += [str(error)] if is_finished else []
        except UnicodeDecodeError:
            found.append("it holds names that are no text")
        finally:
            driver.set_progress_handler(None, 0)
        trees = _trees(driver)
    indexes = {name for kind, name in trees.values() if kind == "index"}
    complaints = tuple(_named(line, trees) for line in found)
    places = [_place(line, trees) for line in found]
    return Damage(complaints, is_finished, bool(found) and all(place in indexes for place in places))


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


def _trees(driver: sqlite3.Connection) -> dict[int, tuple[str, str]]:
    """Kind and name of what begins at each page."""
    try:
        rows = driver.execute("SELECT rootpage, type, name FROM sqlite_master").fetchall()
    except (sqlite3.Error, UnicodeDecodeError):
        return {}
    return {int(root): (str(kind), str(name)) for root, kind, name in rows if root}


def _place(line: str, trees: dict[int, tuple[str, str]]) -> str | None:
    """The table or index that a complaint is about."""
    if match := _OF_INDEX.search(line):
        return match["name"]
    match = _OF_TREE.match(line)
    return trees.get(int(match["root"]), ("", None))[1] if match else None


def _named(line: str, trees: dict[int, tuple[str, str]]) -> str:
    match = _OF_TREE.match(line)
    kind, name = trees.get(int(match["root"]), ("", "")) if match else ("", "")
    return f"{kind} {name}: {line}" if name else line
