"""What an MLflow database is: empty, current, half-made or of another version; read without importing MLflow."""

import re
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from enum import StrEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

LOCK_SECONDS = 20.0
"""How long a reader waits for another process's lock, as MLflow itself does."""

VERSIONS = "alembic_version"
"""The table of the schema's version."""

_REVISION = re.compile(r"""^(revision|down_revision)\s*=\s*["'](\w+)["']""", re.MULTILINE)
"""A migration's own version, and the one it comes after."""


class State(StrEnum):
    """What an MLflow database is."""

    EMPTY = "empty"
    """There is no file, or no table in it."""
    CURRENT = "current"
    """It is at the schema of the installed MLflow."""
    HALF_MADE = "half-made"
    """Its first migrations were cut short: nothing was ever written to it."""
    OTHER = "other"
    """It has another schema version, or none, and holds experiments."""


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite URL; None for servers and other databases."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:")
    return Path(str(parsed.database)) if is_file else None


def head_revision() -> str:
    """The schema version of the installed MLflow."""
    before = schema_versions()
    (head,) = before.keys() - set(before.values())
    return head


@cache
def schema_versions() -> Mapping[str, str | None]:
    """Every schema version that the installed MLflow knows, with the one before it.

    Read from the text of its migrations: to import them, as Alembic does, takes seconds.
    """
    package = find_spec("mlflow")
    (folder,) = package.submodule_search_locations if package and package.submodule_search_locations else ("",)
    texts = (file.read_text(encoding="utf-8") for file in Path(folder, "store/db_migrations/versions").glob("*.py"))
    found = (dict(_REVISION.findall(text)) for text in texts)
    return {each["revision"]: each.get("down_revision") for each in found if each}


def state(file: Path, head: str) -> State:
    """What the database in a file is.

    Args:
        file: the file, which need not be there.
        head: the schema version of the installed MLflow.

    Raises:
        sqlite3.Error: it can't be read.
    """
    if not file.exists():
        return State.EMPTY
    with closing(connected(file)) as connection:
        tables = tables_of(connection)
        version = version_of(connection, tables)
        if version == head:
            return State.CURRENT
        if not tables - {VERSIONS}:
            return State.EMPTY
        # whoever has finished making one writes the experiment `Default` next
        is_used = "experiments" in tables and connection.execute("SELECT 1 FROM experiments LIMIT 1").fetchone()
    return State.OTHER if is_used else State.HALF_MADE


def are_finished(file: Path, keys: Collection[str]) -> bool:
    """Whether runs of all these keys, which are values of tags, are in a current database, finished and not deleted.

    Args:
        file: the file, at the schema of the installed MLflow.
        keys: the keys.

    Raises:
        sqlite3.Error: it can't be read.
    """
    query = (
        "SELECT DISTINCT tags.value FROM runs JOIN tags ON tags.run_uuid = runs.run_uuid "
        "WHERE runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active' AND tags.value = ?"
    )
    with closing(connected(file)) as connection:
        return all(connection.execute(query, (key,)).fetchone() for key in keys)


def is_locked(error: BaseException | None) -> bool:
    """Whether an exception comes of another process's lock on MLflow's database, here or at its server."""
    if (cause := of_sqlite(error)) is not None:
        return sqlite_code(cause) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error, "error_code", None) == "TEMPORARILY_UNAVAILABLE"


def of_sqlite(error: BaseException | None) -> Exception | None:
    """The exception with a code of SQLite's that another comes of, or is."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, Exception) and sqlite_code(error) is not None:
            return error
        error = error.__cause__ or error.__context__
    return None


def connected(file: Path) -> sqlite3.Connection:
    """A connection that waits as long for a lock as MLflow does."""
    return sqlite3.connect(file, timeout=LOCK_SECONDS)


def tables_of(connection: sqlite3.Connection) -> set[str]:
    """The names of the tables."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def version_of(connection: sqlite3.Connection, tables: set[str]) -> str | None:
    """The schema version that is written there, if there is one."""
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone() if VERSIONS in tables else None
    return None if found is None else str(found[0])


def sqlite_code(error: Exception) -> int | None:
    """SQLite's code of an error, without what it adds to it; None for one that is not SQLite's."""
    code = getattr(getattr(error, "orig", None) or error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
