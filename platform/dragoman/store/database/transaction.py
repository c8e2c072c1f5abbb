"""A database seen through one transaction, which every read and write joins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Self

from sqlalchemy import Connection

from dragoman.store.database.connection import Database, Result


class Transaction(Database):
    """One transaction with the interface of a database: whatever uses a `Database` joins it, and reads one snapshot.

    It belongs to the thread that opened it, and ends with the block that opened it.
    """

    def __init__(self, database: Database, connection: Connection, *, writes: bool, alone: bool = False) -> None:
        """Join a connection's transaction; `snapshot` and `write_in_one` open one."""
        # The engine and its error handling are the database's own: nothing is opened here.
        self.__dict__.update(database.__dict__)
        self._connection = connection
        self._writes, self._alone = writes, alone
        self._thread = get_ident()

    @classmethod
    @contextmanager
    def snapshot(cls, database: Database) -> Iterator[Self]:
        """A reading transaction: SQLite's deferred one, PostgreSQL's REPEATABLE READ; one that is open is joined."""
        with database.reading() as connection:
            yield cls(database, connection, writes=False)

    @classmethod
    @contextmanager
    def write_in_one(cls, database: Database, *, alone: bool) -> Iterator[Self]:
        """A writing transaction, all or nothing; `alone` as for `Database.writing`."""
        with database.writing(alone=alone) as connection:
            yield cls(database, connection, writes=True, alone=alone)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The transaction itself."""
        if get_ident() != self._thread:
            raise RuntimeError("a transaction of the store belongs to the thread that opened it")
        with self.readable_errors():
            yield self._connection

    @contextmanager
    def writing(self, alone: bool = False, sums: bool = True) -> Iterator[Connection]:
        """The transaction itself; a snapshot can't be written to."""
        del sums
        if not self._writes:
            raise RuntimeError("a snapshot of the store can't be written to")
        if alone and not self._alone:
            raise RuntimeError("what recomputes sums needs a transaction beside which no other writer runs")
        with self.reading() as connection:
            yield connection

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run it once: only the whole transaction can be repeated."""
        with self.writing() as connection:
            return work(connection)
