"""Many rows at once: the fast way into an empty place."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.schema import AddConstraint, DropConstraint

from dragoman.store.schema import Base

LOADING_CACHE = 512 * 2**20
"""Bytes of SQLite's cache while many rows are inserted."""


@contextmanager
def loading(connection: Connection, *tables: type[Base]) -> Iterator[None]:
    """Check keys once over all rows at the end, instead of at every row.

    That is worth it on PostgreSQL from about a million rows on; until the transaction ends nobody else
    can read these tables there. SQLite checks as it goes, which costs it little, and gets a larger cache: identities
    come in no order, so every page of their index is written to again and again.

    Args:
        connection: a writing transaction.
        tables: the tables that are filled.
    """
    if connection.dialect.name == "sqlite":
        before = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
        connection.exec_driver_sql(f"PRAGMA cache_size = -{LOADING_CACHE // 1024}")
        yield
        connection.exec_driver_sql(f"PRAGMA cache_size = {before}")
        return
    keys = [key for table in tables for key in _keys(table)]
    for key in keys:
        connection.execute(DropConstraint(key))
    yield
    for key in reversed(keys):
        connection.execute(AddConstraint(key))


def _keys(table: type[Base]) -> list[ForeignKeyConstraint | UniqueConstraint]:
    kinds = (UniqueConstraint, ForeignKeyConstraint)
    keys = [key for key in Base.metadata.tables[table.__tablename__].constraints if isinstance(key, kinds)]
    return sorted(keys, key=lambda key: str(key.name))


def insert_batch(connection: Connection, table: type[Base], batch: pa.RecordBatch) -> None:
    """Insert rows that are not there yet, with COPY on PostgreSQL and prepared statements on SQLite.

    Args:
        connection: a writing transaction.
        table: where they go.
        batch: the rows; its columns have the names of the table's. Columns of bytes are not taken.
    """
    names = ", ".join(batch.schema.names)
    cursor: Any = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * batch.num_columns)
        rows = zip(*(_values(column) for column in batch.columns), strict=True)
        cursor.executemany(f"INSERT INTO {table.__tablename__} ({names}) VALUES ({places})", rows)  # noqa: S608
        return
    # An unquoted empty field is NULL and a quoted one an empty text, to both.
    text = io.BytesIO()
    csv.write_csv(batch, text, csv.WriteOptions(include_header=False))
    with cursor.copy(f"COPY {table.__tablename__} ({names}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(text.getvalue())


def _values(column: pa.Array) -> list[Any]:
    # Arrow makes an object of its own for each value first; numpy does not.
    plain = column.null_count == 0 and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
    values: list[Any] = column.to_numpy().tolist() if plain else column.to_pylist()
    return values
