"""Primary keys of rows by their natural keys, found or inserted."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute

from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.script import likely_script
from dragoman.store.database.connection import fetched, insert
from dragoman.store.schema import FormerNameRow, GridRow, LanguageRow, MetricRow, ModelRow, PairRow, SignatureRow

Item = TypeVar("Item")

CHUNK = 5_000
"""Rows of one statement; a name at a time would be slow and everything at once would be large."""


def number(connection: Connection, identity: InstrumentedAttribute[str], value: str, noun: str) -> int:
    """The number of the row with an identity.

    Raises:
        StoreError: there is none.
    """
    table = identity.class_
    found: int | None = connection.execute(select(table.id).where(identity == value)).scalar()
    if found is None:
        raise StoreError(f"The store has no {noun} {value}: add it first.")
    return found


def number_or_add(connection: Connection, table: type[Any], row: Mapping[str, Any]) -> int:
    """The number of the row that equals this one, which is made if it isn't there."""
    query = _number_of(table, tuple(row))  # type: ignore[arg-type]  # a class can be hashed
    if (found := connection.execute(query, row).scalar()) is None:
        connection.execute(insert(connection, table).values(**row).on_conflict_do_nothing())
        found = connection.execute(query, row).scalar_one()
    return int(found)


@cache
def _number_of(table: type[Any], columns: tuple[str, ...]) -> Select[int]:
    """The query, built once: it is run for every score."""
    query: Select[int] = select(table.id).where(*(getattr(table, column) == bindparam(column) for column in columns))
    return query


def metric_number(connection: Connection, name: str) -> int:
    """The number of a metric."""
    return number_or_add(connection, MetricRow, {"name": name})


def signature_number(connection: Connection, metric_id: int, text: str) -> int:
    """The number of a metric's signature."""
    return number_or_add(connection, SignatureRow, {"metric_id": metric_id, "text": text})


def add_pairs(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Add the pairs that the store lacks, with their languages."""
    new = sorted(set(pairs).difference(fetched(connection, select(PairRow.source, PairRow.target))))
    if not new:
        return
    tags = sorted({tag for pair in new for tag in pair})
    scripts = [{"tag": tag, "script": likely_script(tag)} for tag in tags]
    connection.execute(insert(connection, LanguageRow).on_conflict_do_nothing(), scripts)
    for chunk in chunks({"source": pair.source, "target": pair.target} for pair in new):
        connection.execute(insert(connection, PairRow).on_conflict_do_nothing(), chunk)


def pair_numbers(connection: Connection, pairs: Iterable[Pair]) -> dict[Pair, int]:
    """The numbers of these pairs (and of others in the store); new ones are added, with their languages."""
    add_pairs(connection, pairs)
    rows = fetched(connection, select(PairRow.source, PairRow.target, PairRow.id))
    return {Pair(source, target): pair_id for source, target, pair_id in rows}


def grid_number(connection: Connection, name: str) -> int:
    """The number of a grid, by its name or by one that it had.

    Raises:
        StoreError: there is none of that name.
    """
    found: int | None = connection.execute(select(GridRow.id).where(GridRow.name == name)).scalar()
    if found is None:
        found = connection.execute(select(FormerNameRow.grid_id).where(FormerNameRow.name == name)).scalar()
    if found is None:
        names = connection.execute(select(GridRow.name)).scalars()
        raise StoreError(f"The store has no grid '{name}': {nearest(name, names)}")
    return found


def model_number(connection: Connection, identity: str) -> int:
    """The number of a model.

    Raises:
        StoreError: there is none of that identity.
    """
    return number(connection, ModelRow.identity, identity, "model")


def chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The items in order, as many at a time as one statement takes."""
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
