"""Hypotheses that are lost can be had again: their cells are planned, and nothing is left of their scores."""

from pathlib import Path

import pytest

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store.maintenance.repair import Damage, plan_damaged


def spoil(store, address):
    [path] = [Path(blob.path) for blob in store.blobs.stored() if blob.address == address]
    path.write_bytes(path.read_bytes()[:-9])


def test_cells_of_lost_hypotheses_are_planned_again(small, in_step):
    store = small.store
    for number, record in enumerate(small.cells[:4]):
        small.commit(record.cell, float(number))
    by_id = {record.cell.id: record for record in store.cells.of_grid("small")}
    gone, spoilt, whole = (small.cells[place].cell.id for place in (0, 1, 2))
    store.blobs.remove(next(blob for blob in store.blobs.stored() if blob.address == by_id[gone].hypotheses))
    spoil(store, by_id[spoilt].hypotheses)
    kept = store.cells.scores(whole)
    assert set(plan_damaged(store, "small").cells) == {gone, spoilt}
    by_id = {record.cell.id: record for record in store.cells.of_grid("small")}
    assert [by_id[cell].state for cell in (gone, spoilt, whole)] == [CellState.PLANNED] * 2 + [CellState.DONE]
    assert (by_id[gone].hypotheses, store.cells.scores(gone), store.cells.scores(spoilt)) == (None, [], [])
    assert store.cells.scores(whole) == kept
    in_step(store)
    for record in small.cells[:2]:
        small.commit(record.cell, 7.0)
    assert [score.value for score in store.cells.scores(gone)] == [7.0, 14.0]
    assert plan_damaged(store, "small") == Damage([], 0)
    in_step(store)


def test_lost_texts_are_counted(small):
    store = small.store
    address = store.blobs.put_test(["a"] * 3, ["b"] * 3)
    store.grids.add(small.grid, [record.model_copy(update={"test": address}) for record in small.cells])
    assert plan_damaged(store, "small") == Damage([], 0)
    spoil(store, address)
    assert plan_damaged(store, "small") == Damage([], 1)


def test_an_unknown_grid_is_a_sentence(small):
    with pytest.raises(StoreError, match="no grid 'smal'"):
        plan_damaged(small.store, "smal")
