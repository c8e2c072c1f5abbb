"""Base class of repositories: reads and writes of one kind of record on one database."""

from dragoman.store.database.connection import Database


class Repository:
    """Reads and writes one kind of record. Every call is one short transaction, every write may be repeated.

    On a database that is one transaction (`Database.snapshot`, `Database.transaction`) every call joins that one.
    """

    def __init__(self, database: Database) -> None:
        """Take the database whose tables it reads and writes."""
        self._database = database
