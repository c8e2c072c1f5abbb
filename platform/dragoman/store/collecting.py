"""Garbage collection: blobs that no cell refers to."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from dragoman.store.blobs import StoredBlob
from dragoman.store.schema import CellRow, TestRow
from dragoman.store.store import Store


def unreferenced(store: Store, older_than: timedelta) -> list[StoredBlob]:
    """The blobs no cell and no test set refers to, and what killed writers left.

    Args:
        store: the store.
        older_than: younger ones are spared: the cells that will refer to them may be on their way.
    """
    before = datetime.now(UTC) - older_than
    stored = [blob for blob in store.blobs.stored() if blob.written <= before]
    with store.database.reading() as connection:
        used = referenced(connection)
    return [blob for blob in stored if blob.address not in used]


def referenced(connection: Connection) -> set[str]:
    """The addresses that cells and test sets refer to."""
    used = set(connection.execute(select(CellRow.hypotheses).distinct()).scalars())
    used |= set(connection.execute(select(TestRow.lines).distinct()).scalars())
    return {str(address) for address in used if address}
