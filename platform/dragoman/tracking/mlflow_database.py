"""MLflow's SQLite database, whole or not at all: made and migrated in a file beside it, which then takes its place.

A new one is made by a script where that is of the installed MLflow (`prepared_database`), else by MLflow's migrations.
These run statement by statement, and SQLite keeps each: a process killed among them would leave tables that no later
one can finish. PostgreSQL undoes them by itself, so nothing is done there.
"""

import fcntl
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from dragoman.errors import DragomanError, StoreError, first_line
from dragoman.settings import sqlite_url
from dragoman.store.database.connection import Database
from dragoman.store.maintenance.integrity import damage
from dragoman.tracking.mlflow_schema import (
    VERSIONS,
    State,
    connected,
    head_revision,
    is_locked,
    of_sqlite,
    sqlite_code,
    sqlite_file,
    state,
    tables_of,
    version_of,
)
from dragoman.tracking.prepared_database import make

QUIET_SECONDS = 3.0
"""A half-made database that is written to within these seconds is in the making by another program."""

_COMPANIONS = ("", "-journal", "-wal", "-shm")
"""Endings of the files that SQLite keeps of one database."""

_OF_THE_FILE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
)
"""SQLite's codes of what is wrong with a file and not with a statement."""

_DAMAGED = "is damaged ({reason}): restore it from a backup, or move it away and `dragoman resume` each grid"

CHECK_SECONDS = 5.0
"""How long the pages of a database are looked at before a grid is written to it."""

_LOG = logging.getLogger(__name__)


class TrackingError(DragomanError):
    """A write that MLflow refuses until something is changed there."""


def prepare(url: str) -> None:
    """Make MLflow's database at a URL, migrate it, or mend it where that was cut short; does nothing where it is whole.

    Processes take turns. What can neither be used nor migrated is kept beside it under another name, with a warning.

    Args:
        url: MLflow's tracking URI; only SQLite's files are looked at.

    Raises:
        TrackingError: it is damaged or locked, was written by a newer MLflow, can't be written, or is half-migrated and
            holds registered models.
    """
    file = sqlite_file(url)
    if file is None:
        return
    with _sentences(file):
        if state(file, head_revision()) is not State.CURRENT:
            file.parent.mkdir(parents=True, exist_ok=True)
            with _turn(file):
                _bring_up(file)


def require_whole(url: str) -> None:
    """See that SQLite finds no damage in MLflow's database, as far as a few seconds go.

    A damaged page shows only where it is read, and what is written to a damaged database may damage more of it.

    Args:
        url: MLflow's tracking URI; only SQLite's files are looked at.

    Raises:
        TrackingError: it is damaged.
    """
    file = sqlite_file(url)
    if file is None or not file.exists():
        return
    database = Database(sqlite_url(file.resolve()), reads_only=True)
    try:
        complaints = damage(database, CHECK_SECONDS).complaints
    except StoreError:
        return  # whoever opens it next says so
    finally:
        database.engine.dispose()
    if complaints:
        raise TrackingError(f"MLflow's database {file} {_DAMAGED.format(reason=complaints[0])}.")


def sentence(error: BaseException, url: str) -> str | None:
    """What is wrong with the file of MLflow's database and what to do, if that is what an exception comes of."""
    file, cause = sqlite_file(url), of_sqlite(error)
    if file is None or cause is None or sqlite_code(cause) not in _OF_THE_FILE:
        return None
    return f"MLflow's database {file} {_what(cause)}."


def quieten() -> None:
    """Keep MLflow's log to warnings, without its report of a database error, of which whoever calls MLflow tells."""
    for chatty in ("mlflow", "alembic"):  # they report every step, in the middle of the progress bars
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # a traceback for each attempt


def _bring_up(file: Path) -> None:
    """Make, migrate or mend; this process's turn has come."""
    head = head_revision()
    found = _settled(file, head)
    if found is State.CURRENT:
        return
    aside = file.with_name(f"{file.name}.new")
    _remove(aside)
    try:
        if found is State.OTHER and _migrated(file, aside, head):
            return
        if not make(aside, head):
            _migrate(aside)
        if found is State.OTHER and _restamped(file, aside, head):
            return
        if found is State.OTHER:
            _keep(file)
        elif found is State.HALF_MADE:
            _LOG.warning("MLflow's database %s was left half-made and held nothing: it is made anew.", file)
        _put(aside, file)
    finally:
        _remove(aside)


def _settled(file: Path, head: str) -> State:
    """The state of a file; a half-made one is watched until nobody writes to it any more, whatever the clock says."""
    written = None
    while (found := state(file, head)) is State.HALF_MADE and written != (written := file.stat().st_mtime_ns):
        time.sleep(QUIET_SECONDS)
    return found


def _migrated(file: Path, aside: Path, head: str) -> bool:
    """Migrate a copy and put it in the place of the original; False where it has no version that leads to this one.

    Raises:
        TrackingError: a newer MLflow wrote it.
    """
    from alembic.util import CommandError
    from sqlalchemy.exc import SQLAlchemyError

    with closing(connected(file)) as original:
        tables = tables_of(original)
        version = version_of(original, tables)
        if version is None:
            return False
        before = original.execute("PRAGMA data_version").fetchone()
        _copy(original, aside)
        try:
            _migrate(aside)
        except CommandError as error:
            raise TrackingError(
                f"MLflow's database {file} has the schema {version}, which the installed MLflow does not know: install "
                "the MLflow that wrote it."
            ) from error
        except SQLAlchemyError as error:
            if sqlite_code(error) not in (None, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT):
                raise  # a full disk, for one: the database itself is well
            _remove(aside)
            return False
        if original.execute("PRAGMA data_version").fetchone() != before:
            raise TrackingError(
                f"MLflow's database {file} was written to while it was migrated: end what uses it (`dragoman ui`, "
                "`mlflow server`, runs), and try again."
            )
    _put(aside, file)
    _LOG.info("MLflow's database %s was migrated from schema %s to %s.", file, version, head)
    return True


def _restamped(file: Path, fresh: Path, head: str) -> bool:
    """Write the version into a database that has lost it and whose tables are those of a fresh one."""
    with closing(connected(file)) as found, closing(connected(fresh)) as made:
        if version_of(found, tables_of(found)) is not None or _columns(found) != _columns(made):
            return False
        with found:
            found.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            found.execute("INSERT INTO alembic_version VALUES (?)", (head,))
    _LOG.warning("MLflow's database %s had lost its schema version, which is written again.", file)
    return True


def _keep(file: Path) -> None:
    """Keep what can't be used beside the database, before a new one takes its place.

    Raises:
        TrackingError: it holds registered models, which no grid writes again.
    """
    kept = file.with_name(f"{file.name}.unusable-{time.strftime('%Y%m%dT%H%M%S')}")
    with closing(connected(file)) as connection:
        models = "registered_models"
        if models in tables_of(connection) and connection.execute(f"SELECT 1 FROM {models} LIMIT 1").fetchone():  # noqa: S608
            raise TrackingError(
                f"MLflow's database {file} is half-migrated and holds registered models: restore it from a backup "
                "(`dragoman restore`), or move it away and `dragoman resume` each grid."
            )
        _copy(connection, kept)
    _flush(kept)
    _LOG.warning(
        "MLflow's database %s can neither be used nor migrated: it is kept as %s, and a new one is made. "
        "`dragoman resume GRID` writes the runs of a grid again.",
        file,
        kept,
    )


def _migrate(file: Path) -> None:
    """Make or migrate the tables in a file that nobody else uses."""
    from mlflow.store.db import utils

    quieten()
    database: Any = utils
    engine = database.create_sqlalchemy_engine(sqlite_url(file.resolve()))
    try:
        database._initialize_tables(engine)
    finally:
        engine.dispose()


def _put(made: Path, file: Path) -> None:
    """Have a finished database take the place of another, in one step whoever has that one open."""
    _flush(made)
    if not file.exists():
        made.replace(file)
        _flush(file.parent)
        return
    with closing(connected(made)) as source, closing(connected(file)) as target:
        source.backup(target)  # one transaction of the target's, which a killed process leaves to be rolled back


def _copy(source: sqlite3.Connection, file: Path) -> None:
    _remove(file)
    with closing(sqlite3.connect(file)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


def _columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """The columns of each table."""
    return {
        table: {str(row[1]) for row in connection.execute(f'PRAGMA table_info("{table}")')}
        for table in tables_of(connection) - {VERSIONS}
    }


def _remove(file: Path) -> None:
    for ending in _COMPANIONS:
        file.with_name(file.name + ending).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Have the disk keep a file, or a folder's names."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _turn(file: Path) -> Iterator[None]:
    """One process at a time makes or migrates a file; a killed one ends its turn."""
    descriptor = os.open(file.with_name(f"{file.name}-making"), os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


@contextmanager
def _sentences(file: Path) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (sqlite3.Error, SQLAlchemyError, OSError) as error:
        raise TrackingError(f"MLflow's database {file} {_what(error)}.") from error


def _what(error: Exception) -> str:
    """What is wrong and what to do, as the end of a sentence."""
    reason = _reason(error)
    if is_locked(error):
        return f"is locked by another process ({reason}): end that process, or try again later"
    if sqlite_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _DAMAGED.format(reason=reason)
    return f"can't be made or written to ({reason}): see that its disk has room and that its folder may be written to"


def _reason(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return str(getattr(cause, "strerror", None) or first_line(cause))
