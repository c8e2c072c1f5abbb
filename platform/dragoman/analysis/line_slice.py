"""Slices of a test set: the scores of the lines of some domain, document or original language, as a store of its own.

A score is a function of summed statistics of segments (`metrics.base`), which are stored. For a question about some of
the test lines, the rows of its grids are copied into a database in memory, with the statistics of the chosen lines in
the place of all, and the scores and intervals that follow from these: every analysis is then what it always is.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, StaticPool, create_engine, func, select

from dragoman.analysis.grid_copy import Asked, GridCopy
from dragoman.analysis.line_labels import moment_of_labels
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import SLICED
from dragoman.analysis.systems import System
from dragoman.line_filter import LineFilter
from dragoman.store.database.connection import remembering
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grids import grid_models
from dragoman.store.schema import Base, CellRow, GridModelRow, GridRow, PartitionSumRow, UnscorableRow
from dragoman.store.store import Store

_KEPT = 8
"""Slices that are kept in memory."""


@contextmanager
def reading(store: Store, question: ScoreQuestion, *systems: str) -> Iterator[Connection]:
    """A read-only transaction on what a question is about: the store, or a slice of its test set.

    Args:
        store: the store.
        question: the question.
        systems: names of systems that it is also about, which may be of other grids (`GRID/MODEL`).

    Raises:
        StoreError: there is no such grid, label or line, or too many scores for a slice.
        LineFilterError: the filter of the lines can't be read.
    """
    if question.lines is None:
        with store.database.reading() as connection:
            yield connection
        return
    filtered = LineFilter.parse(question.lines)
    with store.database.reading() as connection:
        models = grid_models(connection, grid_number(connection, question.grid))
        named = (System.parse(name, question.grid, models).grid for name in systems)
        names = dict.fromkeys([question.grid, *named])
        asked = Asked({name: grid_number(connection, name) for name in names}, question.metric, filtered)
        content = _content(_Source(connection, store, asked))
    engine = _memory()
    try:
        with engine.connect() as opened:
            _driver(opened).deserialize(content)
            with opened.execution_options(**remembering(), **{SLICED: question.lines}).begin():
                yield opened
    finally:
        engine.dispose()


class _Source:
    """The key of a slice, equal while the store holds the same for it, with the connection to read it from."""

    def __init__(self, connection: Connection, store: Store, asked: Asked) -> None:
        """Take the transaction, the store, and what the slice is of."""
        self.connection: Connection | None = connection
        self.asked = asked
        grids = tuple(asked.grids.items())
        self._key = (store, grids, asked.metric, asked.lines, _moment(connection, tuple(asked.grids.values())))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Source) and self._key == other._key

    def take(self) -> Connection:
        """Return the connection and drop it; called once."""
        taken, self.connection = self.connection, None
        assert taken is not None  # noqa: S101 - a key that is kept is not read again
        return taken


def _moment(connection: Connection, grids: Sequence[int]) -> tuple[Any, ...]:
    """What changes whenever the cells, scores or labels of some grids do."""
    models = select(GridModelRow.model_id).where(GridModelRow.grid_id.in_(grids))
    sums = PartitionSumRow
    queries = (
        select(GridRow.id, GridRow.updated).where(GridRow.id.in_(grids)).order_by(GridRow.id),
        select(func.max(CellRow.updated), func.count(), func.count(CellRow.reason)).where(CellRow.model_id.in_(models)),
        select(func.sum(sums.scores), func.sum(sums.scores * sums.partition_id), func.sum(sums.total))
        .add_columns(func.max(sums.signature_id))
        .where(sums.grid_id.in_(grids)),
        select(func.count()).select_from(UnscorableRow).where(UnscorableRow.model_id.in_(models)),
    )
    found = [tuple(map(tuple, connection.execute(query))) for query in queries]
    return *found, moment_of_labels(connection, grids)


@lru_cache(maxsize=_KEPT)
def _content(source: _Source) -> bytes:
    """The database of a slice, as SQLite serialises it."""
    connection, engine = source.take(), _memory()
    try:
        with engine.connect() as made:
            Base.metadata.create_all(made)
            GridCopy(connection, made, source.asked).make()
            made.commit()
            content: bytes = _driver(made).serialize()
            return content
    finally:
        engine.dispose()


def _memory() -> Engine:
    """An empty database in memory, of one connection."""
    return create_engine("sqlite://", poolclass=StaticPool)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.driver_connection
    found: sqlite3.Connection = driver
    return found
