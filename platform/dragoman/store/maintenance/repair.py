"""Repair of cells whose hypotheses are lost: planned again, and the scores of the lost text removed."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, tuple_, update

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store.blobs import BlobStore, check_blob
from dragoman.store.database.ids import CHUNK
from dragoman.store.records import now
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.cells import TRANSLATED
from dragoman.store.schema import CellRow, ScoreRow, SpansRow, StatisticsRow, UnscorableRow
from dragoman.store.store import Store


class Damage(NamedTuple):
    """The texts of a grid that are missing, or don't match their address."""

    cells: list[str]
    """Ids of the translated cells whose hypotheses are."""
    texts: int
    """How many pairs' source and reference lines are; they are written anew when the grid is resumed."""


def find_damage(store: Store, grid: str) -> Damage:
    """Read every hypothesis and every text of a grid.

    Raises:
        StoreError: there is no such grid, or the blobs can't be read at all.
    """
    store.grids.get(grid)
    records = store.cells.of_grid(grid)
    translated = [record for record in records if record.state.is_translated]
    lost = _lost(store.blobs, {record.hypotheses for record in translated if record.hypotheses})
    texts = _lost(store.blobs, {record.test for record in records if record.test})
    return Damage([record.cell.id for record in translated if record.hypotheses in lost], len(texts))


def plan_damaged(store: Store, grid: str) -> Damage:
    """Plan the cells of a grid again whose hypotheses are lost, and delete their scores; returns what was found.

    Raises:
        StoreError: there is no such grid, or the blobs can't be read at all.
    """
    found = find_damage(store, grid)
    if found.cells:
        with store.database.writing(alone=True) as connection:
            changed = set()
            for begin in range(0, len(found.cells), CHUNK):
                changed |= _reset(connection, found.cells[begin : begin + CHUNK])
            for model_id in sorted(changed):
                aggregates.recompute_model(connection, model_id)
            aggregates.recount(connection, changed)
    return found


def _lost(blobs: BlobStore, addresses: Collection[str]) -> set[str]:
    there = {blob.address for blob in blobs.stored()}  # blobs that can't be listed don't count as lost
    return {address for address in addresses if address not in there or not is_whole(blobs, address)}


def is_whole(blobs: BlobStore, address: str) -> bool:
    """Whether a blob matches its address.

    Raises:
        StoreError: it can't be read.
    """
    data = blobs.read(address)
    try:
        check_blob(address, data)
    except StoreError:
        return False
    return True


def _reset(connection: Connection, cells: Sequence[str]) -> set[int]:
    """Set cells back to planned and delete their scores; returns the numbers of their models."""
    key = (CellRow.model_id, CellRow.condition_id, CellRow.pair_id)
    states = [state.value for state in TRANSLATED]
    chosen = select(*key).where(CellRow.identity.in_(cells), CellRow.state.in_(states))
    models = set(connection.execute(chosen.with_only_columns(CellRow.model_id)).scalars())
    for table in (SpansRow, StatisticsRow, ScoreRow, UnscorableRow):
        of_cell = tuple_(table.model_id, table.condition_id, table.pair_id)
        connection.execute(delete(table).where(table.model_id.in_(models), of_cell.in_(chosen)))
    outcome = dict.fromkeys(
        ("reason", "hypotheses", "segments", "tokens", "cut", "too_long", "engine", "seconds", "worker")
    )
    again = update(CellRow).where(CellRow.identity.in_(cells), CellRow.state.in_(states))
    connection.execute(again.values(state=CellState.PLANNED.value, updated=now(), **outcome))
    return models
