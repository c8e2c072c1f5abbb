"""Garbage collection: blobs that no cell refers to."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, select

from dragoman.store.blobs import StoredBlob
from dragoman.store.database.ids import chunks
from dragoman.store.schema import CellRow, TestRow
from dragoman.store.store import Store


def unreferenced(store: Store, older_than: timedelta) -> list[StoredBlob]:
    """The blobs no cell and no test set refers to, and temporary files of killed writers.

    Args:
        store: the store.
        older_than: younger ones are spared: the cells that will refer to them may be on their way.

    Raises:
        StoreError: the blobs can't be listed.
    """
    before = datetime.now(UTC) - older_than
    stored = [blob for blob in store.blobs.stored() if blob.written <= before]
    with store.database.reading() as connection:
        used = referenced(connection)
    return [blob for blob in stored if blob.address not in used]


def remove(store: Store, found: Sequence[StoredBlob]) -> Iterator[StoredBlob]:
    """Remove what `unreferenced` found, and yield each file that was removed.

    What has been written again or referred to since it was listed is spared: a cell's blobs are written before it is
    committed, which renews their modification time.

    Args:
        store: the store.
        found: the blobs.

    Raises:
        StoreError: one can't be removed.
    """
    for chunk in chunks(found):
        with store.database.reading() as connection:
            used = referenced(connection, [blob.address for blob in chunk])
        for blob in chunk:
            if blob.address not in used and store.blobs.remove(blob, unless_after=blob.written):
                yield blob


def referenced(connection: Connection, among: Sequence[str] | None = None) -> set[str]:
    """The addresses that cells and test sets refer to; all, or those among some."""
    used: set[str | None] = set()
    for column in (CellRow.hypotheses, TestRow.lines):
        query = select(column).distinct()
        used.update(connection.execute(query if among is None else query.where(column.in_(among))).scalars())
    return {address for address in used if address}
