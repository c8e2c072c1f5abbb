"""Consistent snapshot of a database, dumped and restored by SQLite's backup API or pg_dump."""

import os
import shutil
import sqlite3
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import URL, Connection, NullPool, create_engine, inspect
from sqlalchemy.exc import DBAPIError

from dragoman.errors import DragomanError, first_line
from dragoman.redaction import masked
from dragoman.store.database.connection import Database


class BackupError(DragomanError):
    """A backup that can't be made, or is not whole, or has no place to be put."""


class Snapshot(ABC):
    """A snapshot of a database, fixed at `__enter__`; writers go on."""

    suffix: str
    """Suffix of the file it is dumped to."""

    def __init__(self, url: URL) -> None:
        """Prepare the connection; nothing is opened yet."""
        self.url = url
        self._engine = create_engine(url, poolclass=NullPool)
        self.connection: Connection

    def __enter__(self) -> Self:
        with self._sentences():
            self.connection = self._engine.connect()
            self._fix()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    @abstractmethod
    def _fix(self) -> None:
        """Begin the transaction whose snapshot is dumped."""

    @abstractmethod
    def dump(self, file: Path) -> None:
        """Dump the snapshot to a file."""

    @abstractmethod
    def restore(self, file: Path) -> None:
        """Put a dump into this database, which is empty; all of it, or nothing."""

    def is_empty(self) -> bool:
        """Whether the database has no table; one that is not there has none."""
        with self._sentences(), self._engine.connect() as connection:
            return not inspect(connection).get_table_names()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            shown = self.url.render_as_string()
            raise BackupError(
                f"The database {shown} can't be read ({first_line(error.orig or error)}): `dragoman doctor` says more."
            ) from error


class SqliteSnapshot(Snapshot):
    """SQLite's backup API (https://www.sqlite.org/backup.html), in a read transaction of our own."""

    suffix = ".sqlite"

    def _fix(self) -> None:
        self.connection.exec_driver_sql("BEGIN")
        self.connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")  # a transaction sees from its first read

    def dump(self, file: Path) -> None:
        """Dump to a file, which needs no journal beside it, and check every page of that."""
        source = self.connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)  # noqa: S101
        try:
            with closing(sqlite3.connect(file)) as target:
                source.backup(target)
                target.execute("PRAGMA journal_mode = DELETE")
                (found,) = target.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.Error as error:
            if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise BackupError(
                    f"The snapshot of {self._file()} can't be written to {file} ({error}): make room there, or see to "
                    "its rights, remove the folder, and do it again."
                ) from error
            found = first_line(error)
        if found != "ok":
            raise BackupError(
                f"The database {self._file()} is damaged ({' '.join(found.split())}), so no backup of it is made: "
                "`dragoman doctor` says where. Keep the backups that you have, and copy the file as it is."
            )

    def restore(self, file: Path) -> None:
        """The file under its own name, by a rename."""
        final = self._file()
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{final.name}.{os.getpid()}")
        shutil.copyfile(file, partial)
        partial.replace(final)

    def is_empty(self) -> bool:
        """Checked by the files first: connecting would create it, and the log of another would be applied to it."""
        file = self._file()
        if file.exists() and file.stat().st_size > 0:
            return super().is_empty()
        return not any(file.with_name(f"{file.name}{ending}").exists() for ending in ("-wal", "-shm", "-journal"))

    def _file(self) -> Path:
        return Path(str(self.url.database))


class PostgresSnapshot(Snapshot):
    """pg_dump and pg_restore, at a snapshot that a transaction of ours holds open."""

    suffix = ".dump"

    def _fix(self) -> None:
        self.connection = self.connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._id = str(self.connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one())

    def dump(self, file: Path) -> None:
        """A dump in PostgreSQL's custom format, compressed."""
        words = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={self._id}"]
        self._run([*words, f"--file={file}"])

    def restore(self, file: Path) -> None:
        """In one transaction."""
        words = ["pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
        self._run([*words, f"--dbname={self.url.database}", str(file)])

    def _run(self, words: list[str]) -> None:
        program = shutil.which(words[0])
        if program is None:
            raise BackupError(f"{words[0]} is not installed: install PostgreSQL's client programs (postgresql-client).")
        done = subprocess.run(  # noqa: S603
            [program, *words[1:]],
            env=os.environ | self._variables(),
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
        )
        if done.returncode != 0:
            said = masked(done.stderr.strip().splitlines()[0] if done.stderr.strip() else "it does not say why")
            raise BackupError(f"{words[0]} failed at {self.url.render_as_string()} ({said}): nothing else was done.")

    def _variables(self) -> dict[str, str]:
        """Variables of libpq: other users of the machine see a command's words, not these."""
        url = self.url
        host = url.host or url.query.get("host")
        values = {"PGHOST": host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
        return {name: str(value) for name, value in {**values, "PGDATABASE": url.database}.items() if value}


def snapshot(url: str) -> Snapshot:
    """A snapshot of the database at a SQLAlchemy URL.

    Raises:
        StoreError: it is neither SQLite nor PostgreSQL.
    """
    database = Database(url)
    return SqliteSnapshot(database.url) if database.is_sqlite else PostgresSnapshot(database.url)
