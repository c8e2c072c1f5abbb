"""Deletion of grids: what is theirs alone goes, what others have stays."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from dragoman.errors import StoreError
from dragoman.partition import TrainingGraph
from dragoman.store.maintenance.deletion import OwnModel, delete_grid, planned_deletion
from dragoman.store.maintenance.garbage_collection import remove_models, unknown_models, unreferenced
from dragoman.store.records import GridRecord, JobState, ModelRecord
from dragoman.store.schema import CellRow, ModelRow


def everything(store):
    """All rows of all tables."""
    with store.database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in ModelRow.metadata.sorted_tables
        }


def other_grid(small, name="other", **fields):
    """A second grid of the same base and model `a`, whose cells are the first one's."""
    store, first = small.store, small.grid
    record = GridRecord(
        **{
            **first.model_dump(),
            "name": name,
            "spec": {"name": name},
            "models": first.models[:2],
            "names": {},
            **fields,
        }
    )
    store.grids.add(record, [each for each in small.cells if each.cell.model in record.models])
    return record


@pytest.mark.fast_twin
def test_a_grid_that_shares_nothing_goes_whole(small):
    small.add().fill()
    job = small.store.jobs.start("small", "elsewhere-1")
    small.store.jobs.end(job, JobState.DONE)
    found = delete_grid(small.store, "small")
    assert (found.grids, found.cells, found.shared_cells, found.jobs) == (("small",), 36, 0, 1)
    assert [model.name for model in found.models] == ["a", "b", "base"]
    left = {table for table, rows in everything(small.store).items() if rows}
    # what is small and of no grid in particular
    assert left <= {"language", "pair", "partition", "metric", "signature", "test_set", "test", "test_keys", "prompt",
                    "decoding", "condition"}  # fmt: skip
    assert unreferenced(small.store, timedelta(0))
    with pytest.raises(StoreError, match="no grid 'small'"):
        delete_grid(small.store, "small")


@pytest.mark.fast_twin
def test_what_another_grid_has_stays_to_the_last_row(small, in_step):
    store = small.store
    small.add().fill()
    other_grid(small)
    planned = planned_deletion(store, "small")
    assert planned.models == (OwnModel("model1-b", "b"),)
    assert (planned.kept_models, planned.cells, planned.shared_cells) == (("base", "a"), 12, 24)
    before = everything(store)
    assert planned_deletion(store, "small") == planned and everything(store) == before  # nothing is changed
    values = {cell.cell.id: cell for cell in store.cells.of_grid("other")}
    assert delete_grid(store, "small") == planned
    assert {cell.cell.id: cell for cell in store.cells.of_grid("other")} == values
    after = everything(store)
    assert set(after["score"]) < set(before["score"]) and len(after["score"]) == 48
    in_step(store)
    delete_grid(store, "other")
    assert everything(store)["cell"] == []


def test_a_grid_that_is_run_is_refused_and_nothing_changes(small):
    small.add()
    small.store.jobs.start("small", "elsewhere-1")
    before = everything(small.store)
    with pytest.raises(StoreError, match="is being run by elsewhere-1"):
        delete_grid(small.store, "small")
    assert everything(small.store) == before


def test_a_running_grid_keeps_the_cells_that_it_shares_with_a_deleted_one(small):
    store = small.add().store
    other_grid(small)
    store.jobs.start("other", "elsewhere-1")
    cell = small.cells[0].cell
    small.start(cell)
    delete_grid(store, "small")
    small.grid = store.grids.get("other")
    small.commit(cell, 30)
    assert small.state(cell).is_translated


def test_the_parent_of_a_model_elsewhere_stays(small):
    small.add()
    store = small.store
    store.models.add(ModelRecord(id="model1-child", name="child", parent="model1-a", base="model1-base", recipe={}))
    store.models.record_graph("model1-child", TrainingGraph())
    found = delete_grid(store, "small")
    assert [model.id for model in found.models] == ["model1-b"] and found.kept_models == ("base", "a")


def test_the_grid_that_candidates_were_chosen_on_goes_too(small):
    store = small.add().store
    other_grid(small, name="small-dev", spec={"name": "small-dev", "candidates_of": "small"})
    found = delete_grid(store, "small")
    assert found.grids == ("small", "small-dev") and len(found.models) == 3
    assert store.grids.names() == []


def test_cells_that_the_grid_had_under_another_spec_keep_their_model(small):
    store = small.add().store
    kept = [each for each in small.cells if each.cell.pair.source != "de"]
    store.grids.add(small.grid, kept)
    found = delete_grid(store, "small")
    assert found.models == () and found.cells == len(kept)
    with store.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(CellRow)).scalar() == len(small.cells) - len(kept)


def test_folders_of_unknown_models_are_freed(small, tmp_path):
    store, models = small.store, tmp_path / "models"
    store.models.add(ModelRecord(id="model1-0a", name="a", recipe={}))
    for name in ("model1-0a", "model1-0b", "digests"):
        (models / name).mkdir(parents=True)
        (models / name / "weights").write_bytes(b"12345")
    assert unknown_models(store, [models, tmp_path / "none"], timedelta(hours=1)) == []  # young
    found = unknown_models(store, [models], timedelta(0))
    assert [folder.path.name for folder in found] == ["model1-0b"] and found[0].size >= 5
    store.models.add(ModelRecord(id="model1-0b", name="b", recipe={}))
    assert list(remove_models(store, found)) == []  # it has become known
    assert sorted(path.name for path in models.iterdir()) == ["digests", "model1-0a", "model1-0b"]


def test_garbage_collection_after_a_deletion_frees_what_nobody_else_has_and_nothing_more(small, tmp_path):
    store, models = small.store, tmp_path / "models"
    small.add().fill()
    other_grid(small)
    for name in ("model1-a", "model1-b"):
        (models / name).mkdir(parents=True)
    delete_grid(store, "small")
    kept = {cell.hypotheses for cell in store.cells.of_grid("other")} | {
        cell.test for cell in store.cells.of_grid("other")
    }
    free = {blob.address for blob in unreferenced(store, timedelta(0))}
    assert free.isdisjoint(kept)
    assert [folder.path.name for folder in unknown_models(store, [models], timedelta(0))] == ["model1-b"]
    delete_grid(store, "other")
    assert len(unknown_models(store, [models], timedelta(0))) == 2
