"""Change token of a database: while it is equal, nothing in the database has changed."""

import sqlite3
from secrets import token_hex
from threading import Lock

from sqlalchemy import text

from dragoman.store.database.connection import Database

_WAL = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END"


class Stamp:
    """Reads change tokens, in microseconds, to validate cached answers; threads may share one."""

    def __init__(self, database: Database) -> None:
        """Open an existing database."""
        self._database = database
        self._lock = Lock()
        self._nonce = token_hex(8)
        # SQLite counts other connections' changes for each connection, so this one must stay the same
        self._watcher = None if database.file is None else sqlite3.connect(database.file, check_same_thread=False)

    def now(self) -> str:
        """The current change token.

        SQLite has a counter of changes (https://www.sqlite.org/pragma.html#pragma_data_version), which starts anew with
        each connection: tokens of different processes, or from before a restart, are never equal. PostgreSQL's
        write-ahead log position moves with everything that any database of the server writes, so it may change when
        nothing here did.
        """
        if self._watcher is not None:
            with self._lock, self._database.readable_errors():
                return f"{self._nonce} {self._watcher.execute('PRAGMA data_version').fetchone()[0]}"
        with self._database.reading() as connection:
            return str(connection.execute(text(f"SELECT {_WAL}")).scalar_one())
