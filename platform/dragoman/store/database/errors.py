"""Translation of database errors into sentences."""

import sqlite3
from json import JSONDecodeError

AGAIN = ("40001", "40P01")
"""PostgreSQL's names for transactions that got into each other's way; one of them goes through when repeated."""

_SQLITE = {
    sqlite3.SQLITE_NOTADB: "{shown} is not a Dragoman store ({reason}): give another URL, or restore the store from a "
    "backup (`dragoman restore`) if it was one.",
    sqlite3.SQLITE_CORRUPT: "The store {shown} is damaged ({reason}): `dragoman doctor` says where. Restore it from a "
    "backup (`dragoman restore`), or save what can be read (`sqlite3 store.db .recover | sqlite3 new.db`).",
    sqlite3.SQLITE_CANTOPEN: "The store {shown} can't be opened ({reason}): see that you may read its file and log and "
    "write to their folder, where SQLite needs an index of the log; or copy both to where you may.",
    sqlite3.SQLITE_FULL: "The store {shown} can't grow ({reason}): make room on its disk, and run the same "
    "command again; what was finished is kept.",
    sqlite3.SQLITE_READONLY: "The store {shown} may not be written to ({reason}): see to the rights of "
    "the file and its folder.",
}

_POSTGRESQL = {
    "28": "The store {shown} can't be used ({reason}): check user and password.",
    "42501": "The store {shown} denies its user that ({reason}): have the right granted, or give another user's URL.",
    "25006": "The store {shown} may not be written to ({reason}): give the URL of the primary server.",
    "53100": "The store {shown} can't grow ({reason}): make room on its server's disk, and run the same command again; "
    "what was finished is kept.",
    "40": "Others wrote to the same rows of the store {shown} ({reason}): nothing was written, so try it again.",
    "XX00": "The store {shown} is damaged ({reason}): restore it from a backup (`dragoman restore`); PostgreSQL's "
    "`pg_amcheck` says where.",
}

_UNUSABLE = "The store {shown} can't be used ({reason}): check that it is there and not full."


def sentence(error: BaseException | None, shown: str) -> str | None:
    """What is wrong with a database, and what to do; None for a bug of the program.

    Args:
        error: what the driver raised.
        shown: the database's URL without a password.
    """
    pattern = _pattern(error)
    if error is None or pattern is None:
        return None
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return pattern.format(shown=shown, reason=reason)


def damaged(shown: str, reason: str) -> str:
    """The sentence of an SQLite store that is damaged.

    Args:
        shown: its URL without a password.
        reason: what was found.
    """
    return _SQLITE[sqlite3.SQLITE_CORRUPT].format(shown=shown, reason=reason)


def is_of_a_value(error: ValueError) -> bool:
    """Whether an error is that of a stored value that is no text, JSON or moment, which SQLite does not check."""
    is_no_moment = str(error).startswith(("Couldn't parse", "Invalid isoformat string"))
    return is_no_moment or isinstance(error, UnicodeDecodeError | JSONDecodeError)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether the error is only SQLite's busy status."""
    return _primary(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _pattern(error: BaseException | None) -> str | None:
    if isinstance(error, sqlite3.Error):
        is_text_damaged = _primary(error) is None and "decode to UTF-8" in str(error)
        if is_text_damaged or str(error) == "malformed JSON":
            return _SQLITE[sqlite3.SQLITE_CORRUPT]
        # ERROR is a mistake in a statement, or a table that isn't there.
        usable = not isinstance(error, sqlite3.OperationalError) or _primary(error) in (None, sqlite3.SQLITE_ERROR)
        return _SQLITE.get(_primary(error) or 0, None if usable else _UNUSABLE)
    state = getattr(error, "sqlstate", None) or ""
    known = next((pattern for start, pattern in _POSTGRESQL.items() if state.startswith(start)), None)
    return known or (_UNUSABLE if _is_operational(error) else None)


def _primary(error: sqlite3.Error) -> int | None:
    """The code of an error without what SQLite adds to it."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_operational(error: BaseException | None) -> bool:
    return any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)
