"""Alembic migrations of the store's schema."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from dragoman.errors import StoreError
from dragoman.store.database import sqlite_file
from dragoman.store.database.connection import Database

HEAD = max(path.name[:4] for path in (Path(__file__).parent / "versions").glob("[0-9]*.py"))
"""The schema version of this program: its last revision, since revisions are numbered in order."""

TABLE = "schema_version"
"""Where a store keeps its version."""


def exists(database: Database) -> bool:
    """Whether there is a store, of any version; nothing is created by asking."""
    return found(database) is not None


def found(database: Database) -> str | None:
    """The version of a store, None where there is none; nothing is created by asking.

    Raises:
        StoreError: it is newer than this program knows, or holds other tables.
    """
    if database.file is not None and not database.file.exists():
        sqlite_file.check(database.file)
        return None
    with database.reading() as connection:
        return version(connection, database.shown)


def upgrade(database: Database) -> None:
    """Create the tables of an empty store, or bring an older one to this program's version, with all it holds.

    Processes that open a store at once take turns; one that is killed at it leaves the store as it was.

    Raises:
        StoreError: the store was written by a newer program.
    """
    with database.reading() as connection:
        if version(connection, database.shown) == HEAD:
            return
    with database.writing(alone=True) as connection:
        found = version(connection, database.shown)
        if found != HEAD:
            if database.is_sqlite:
                sqlite_file.mark(connection)
            run(connection, HEAD)
    database.engine.dispose()  # the connections to a file that was empty are without SQLite's log


def version(connection: Connection, shown: str) -> str | None:
    """The version of a store; None for one that is empty.

    Raises:
        StoreError: it is newer than this program knows, or holds other tables.
    """
    tables = inspect(connection).get_table_names()
    if TABLE not in tables:
        if tables:
            raise StoreError(
                f"{shown} holds other tables ({', '.join(tables[:3])}): give the store a database of its own."
            )
        return None
    found: str = connection.execute(text(f"SELECT version_num FROM {TABLE}")).scalar_one()  # noqa: S608
    if found > HEAD:
        raise StoreError(
            f"The store {shown} was written by a newer Dragoman (schema {found}; this one knows {HEAD}): "
            "upgrade Dragoman."
        )
    return found


def run(connection: Connection, revision: str) -> None:
    """Bring the tables to a revision, in the connection's transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
