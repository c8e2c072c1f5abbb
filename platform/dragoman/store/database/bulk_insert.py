"""Many rows at once: the fast way into an empty place."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, Double, ForeignKeyConstraint, Integer, SmallInteger, UniqueConstraint
from sqlalchemy.schema import AddConstraint, DropConstraint

from dragoman.store.schema import Base

_FORMATS = {SmallInteger: ">i2", Integer: ">i4", Double: ">f8"}
"""The types of columns whose values are always as long, as NumPy writes them for PostgreSQL."""

LOADING_CACHE = 512 * 2**20
"""Bytes of SQLite's cache while many rows are inserted, and of PostgreSQL's memory while their keys are checked."""


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
    for memory in ("maintenance_work_mem", "work_mem"):
        connection.exec_driver_sql(f"SET LOCAL {memory} = '{LOADING_CACHE // 1024}kB'")
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
    binary = _binary(table, batch)
    with cursor.copy(
        f"COPY {table.__tablename__} ({names}) FROM STDIN (FORMAT {'binary' if binary else 'csv'})"
    ) as copy:
        copy.write(binary or _csv(batch))


def _csv(batch: pa.RecordBatch) -> bytes:
    # An unquoted empty field is NULL and a quoted one an empty text, to both.
    text = io.BytesIO()
    csv.write_csv(batch, text, csv.WriteOptions(include_header=False))
    return text.getvalue()


def _binary(table: type[Base], batch: pa.RecordBatch) -> bytes | None:
    """The rows as PostgreSQL's binary COPY takes them, at half the time of text; None where a value is no number.

    Of each row the number of its fields, and of each field its length and bytes, the high one first (PostgreSQL
    documentation, COPY, "Binary Format").
    """
    kinds = {
        column.name: _FORMATS.get(type(column.type)) for column in Base.metadata.tables[table.__tablename__].columns
    }
    names = batch.schema.names
    if not all(kinds[name] and batch.column(name).null_count == 0 for name in names):
        return None
    layout = [
        ("fields", ">i2"),
        *((part, kind) for name in names for part, kind in ((f"length {name}", ">i4"), (name, kinds[name]))),
    ]
    rows = np.empty(batch.num_rows, np.dtype(layout))
    rows["fields"] = len(names)
    for name in names:
        rows[f"length {name}"] = rows.dtype[name].itemsize
        rows[name] = batch.column(name).to_numpy()
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _values(column: pa.Array) -> list[Any]:
    # Arrow makes an object of its own for each value first; numpy does not.
    plain = column.null_count == 0 and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type))
    values: list[Any] = column.to_numpy().tolist() if plain else column.to_pylist()
    return values
