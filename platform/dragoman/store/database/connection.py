"""A SQLAlchemy engine on SQLite or PostgreSQL, with read and write transactions."""

import os
import random
import sqlite3
import time
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Select, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dragoman.errors import StoreError, StoreUnusableError
from dragoman.store.database import errors, sqlite_file
from dragoman.store.database.write_queue import NOTICE_SECONDS, Writers

POOL_SECONDS = 300.0
"""Timeout of a thread that waits for a connection."""

SWITCH_SECONDS = 60.0
"""Timeout of switching an SQLite file to write-ahead logging."""

_PAUSES = (0.05, 0.2, 0.8, 2.0)
"""Seconds after which a transaction that conflicted with another is repeated."""

_SHOWN = "shown"
"""Key of a connection's notes: the moment that it shows, where the store can only be read."""

_KNOWN = "known"
"""Execution option of a reading connection: the cache of `once` in its transaction."""

Result = TypeVar("Result")

WRITERS_LOCK = 0x647261676F6D616E
"""PostgreSQL advisory lock: shared by writers of cells, exclusive for recomputing sums."""


class Database:
    """Short transactions on one database; safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, reads_only: bool = False) -> None:
        """Prepare the connections; none is opened yet.

        Args:
            url: a SQLAlchemy URL of SQLite (`sqlite:///file`) or PostgreSQL (`postgresql://user@host/name`).
            reads_only: SQLite's files stay as they are, where even to open them would move the log.

        Raises:
            StoreError: it is no such URL.
        """
        self.url = _parse(url)
        self._pid = os.getpid()
        self.refusal: str | None = None
        """Why nothing may be written through it, as a sentence; None where that is allowed."""
        self._writers = Writers(Path(self.url.database or "")) if self.is_sqlite else None
        self.engine = _postgresql(self.url) if self._writers is None else _sqlite(self.url, self._writers, reads_only)
        # SQLite moves its log into the file when the last connection is closed, which a process's end does not do
        weakref.finalize(self, _close, self.engine, self._pid)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """SQLite's file; None on PostgreSQL."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """Exceptions for rows that break a constraint of the schema, or hold values the database can't."""
        driver: Any = self.engine.dialect.dbapi
        return IntegrityError, DataError, driver.IntegrityError, driver.DataError

    def checkpoint(self) -> None:
        """Have SQLite's file hold what its log does, so that a copy of the file alone is a store; waits for nobody."""
        if self.file is not None:
            sqlite_file.checkpoint(self.file)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read-only transaction on one snapshot of the store, unaffected by concurrent writes."""
        with self.readable_errors(), self._connect(writes=False) as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self, alone: bool = False, sums: bool = True) -> Iterator[Connection]:
        """A transaction that is all or nothing; on SQLite it queues for the write lock.

        Args:
            alone: no other writer runs beside it, on PostgreSQL either; for what recomputes sums.
            sums: whether it may touch cells, scores or sums; what does not need not wait there for who is alone.

        Raises:
            StoreError: nothing may be written through it.
        """
        if self.refusal is not None:
            raise StoreError(self.refusal)
        with self.readable_errors(), self._write_turn(), self._connect(writes=True) as connection, connection.begin():
            if sums and not self.is_sqlite:
                lock = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
                connection.execute(text(f"SELECT {lock}({WRITERS_LOCK})"))
            yield connection

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run a repeatable function in a transaction of its own, and repeat it if it conflicted with another.

        Writers lock rows in one order, so that seldom happens; here it never reaches a user.
        """
        for seconds in (*_PAUSES, None):
            try:
                with self.writing() as connection:
                    return work(connection)
            except StoreError as error:
                if seconds is None or not _is_conflict(error.__cause__):
                    raise
            time.sleep(seconds * random.uniform(0.5, 1.5))  # random, so that the two don't collide again
        raise AssertionError("the last attempt returns or raises")

    def _write_turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self._writers is None else self._writers.turn()

    def _connect(self, writes: bool) -> Connection:
        if os.getpid() != self._pid:
            # A forked child must leave its parent's connections alone.
            self.engine.dispose(close=False)
            self._pid = os.getpid()
        options: dict[str, Any] = {"writes": writes} if writes else {"writes": writes, **remembering()}
        if not (writes or self.is_sqlite):
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        return self.engine.connect().execution_options(**options)

    @contextmanager
    def readable_errors(self) -> Iterator[None]:
        """Turn a database's errors into sentences."""
        driver: Any = self.engine.dialect.dbapi
        try:
            yield
        except (DBAPIError, driver.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if (sentence := errors.sentence(cause, self.shown)) is not None:
                raise StoreUnusableError(sentence) from error
            raise
        except ValueError as error:
            if not (self.is_sqlite and errors.is_of_a_value(error)):
                raise
            raise StoreUnusableError(errors.damaged(self.shown, f"a value can't be read: {error}")) from error
        except PoolTimeoutError as error:
            raise StoreUnusableError(
                f"The store {self.shown} was busy for {POOL_SECONDS:.0f} seconds: try again, or ask less of it at once."
            ) from error


def _is_conflict(error: BaseException | None) -> bool:
    """Whether a transaction failed only because of another one."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) in errors.AGAIN


def remembering() -> dict[str, Any]:
    """The execution options of a reading connection, for `once`."""
    return {_KNOWN: {}}


def once(connection: Connection, key: Hashable, read: Callable[[], Result]) -> Result:
    """Memoise a query within a reading transaction, whose snapshot is constant; a writing one reads again."""
    known: dict[Hashable, Any] | None = connection.get_execution_options().get(_KNOWN)
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    found: Result = known[key]
    return found


def fetched(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows as the driver of the database has them: SQLAlchemy's own take three times as long to make."""
    cursor = connection.execute(query).cursor
    return [] if cursor is None else list(cursor.fetchall())


def insert(connection: Connection, table: type[Any]) -> Any:
    """The dialect's INSERT, which has ON CONFLICT; both dialects have the same syntax."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: type[Any]) -> Any:
    """The same, by the dialect's name, for statements that are built once."""
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[dialect](table)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "The store's URL can't be read: write sqlite:///FILE or postgresql://USER@HOST/NAME."
        ) from error
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise StoreError(
            f"A store can't be kept in {parsed.get_backend_name()}: write sqlite:///FILE or postgresql://USER@HOST/NAME."
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError("A store in memory would be gone at once: give a file, as in sqlite:///store.db.")
    return parsed


def _sqlite(url: URL, writers: Writers, reads_only: bool) -> Engine:
    # a server's threads queue for a connection rather than fail: some forty may need one at once
    engine = create_engine(
        url, connect_args={"timeout": NOTICE_SECONDS}, pool_size=5, max_overflow=15, pool_timeout=POOL_SECONDS
    )

    file = Path(url.database or "")

    @event.listens_for(engine, "do_connect")
    def _open(_dialect: object, record: Any, _words: object, options: dict[str, Any]) -> Any:
        is_kept = reads_only or _is_read_only(file)
        sqlite_file.check(file, reads_only=is_kept)
        if not is_kept:
            return None  # SQLAlchemy connects
        connection, record.info[_SHOWN] = sqlite_file.connect_to_read(file, **options)
        return connection

    @event.listens_for(engine, "checkout")
    def _refuse_former(_connection: object, record: Any, _proxy: object) -> None:
        if _is_former(file, record.info):
            raise DisconnectionError  # the pool opens another

    @event.listens_for(engine, "commit")
    def _refuse_mixture(connection: Connection) -> None:
        if _is_former(file, connection.info):
            raise StoreUnusableError(f"The store {file} was written to while it was read: try it again.")

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver's own transaction control is turned off
        # not before there are tables: a log alone is easily lost
        if _SHOWN not in record.info and connection.execute("PRAGMA page_count").fetchone() != (0,):
            _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can't queue: it fails when another wrote in between.
        writes = connection.get_execution_options().get("writes", True)
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        driver: Any = connection.connection.driver_connection
        while True:
            try:
                driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
                return
            except sqlite3.OperationalError as error:
                if not errors.is_busy(error):
                    raise
                writers.say()  # a writer that does not queue, such as sqlite3's shell

    return engine


def _is_read_only(file: Path) -> bool:
    """Whether a store lies where this process can make no log."""
    return file.exists() and not os.access(file.parent, os.W_OK)


def _is_former(file: Path, notes: Mapping[Any, Any]) -> bool:
    """Whether a connection shows one moment only, and the store was written to since."""
    return notes.get(_SHOWN) not in (None, sqlite_file.moment(file))


def _close(engine: Engine, pid: int) -> None:
    if os.getpid() == pid:
        engine.dispose()


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch a file to write-ahead logging: readers never wait for the writer, and a killed process loses nothing.

    SQLite may find the file in use, perhaps by a process about to make the same change: it is retried.
    """
    begun = time.monotonic()
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return  # also where a file system doesn't support it, and nothing has changed
        except sqlite3.OperationalError as error:
            if not errors.is_busy(error) or time.monotonic() - begun > SWITCH_SECONDS:
                raise
            time.sleep(0.01)


def _postgresql(url: URL) -> Engine:
    # A worker killed in mid-transaction leaves a dead connection: it is noticed when it is next taken from the pool.
    try:
        return create_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=15, pool_timeout=POOL_SECONDS)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"A store on PostgreSQL needs the Python package '{error.name}': `pip install 'dragoman[postgres]'`."
        ) from error
