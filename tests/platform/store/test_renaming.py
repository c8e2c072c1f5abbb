"""A renamed grid is the grid that it was, for all that refers to it by either name."""

import pytest

from dragoman.errors import StoreError
from dragoman.store.maintenance.deletion import delete_grid, planned_deletion
from dragoman.store.maintenance.renaming import rename
from dragoman.store.records import JobState


def renamed(store, new, **options):
    return rename(store, "small", new, candidates=f"{new}-dev", **options)


def test_all_that_a_grid_has_is_there_under_both_names(small):
    store = small.add().fill().store
    store.jobs.end(store.jobs.start("small", "elsewhere-1"), JobState.DONE)
    store.annotations.tag("small", ["paper"])
    before, cells = store.grids.get("small"), store.cells.of_grid("small")
    assert renamed(store, "large") == {"small": "large"}
    for name in ("large", "small"):
        after = store.grids.get(name)
        assert after == before.model_copy(update={"name": "large", "spec": {**before.spec, "name": "large"}})
        assert store.cells.of_grid(name) == cells and len(store.jobs.of_grid(name)) == 1
        assert store.annotations.of(name).tags == ("paper",)
    assert store.grids.names() == ["large"]
    assert store.annotations.of("large").former_names == ("small",)
    renamed(store, "small")  # and back
    assert store.annotations.of("small").former_names == ("large",)
    assert planned_deletion(store, "large").grids == ("small",)


def test_a_name_that_was_another_grids_is_not_given_away(small):
    store = small.add().store
    renamed(store, "large")
    with pytest.raises(StoreError, match="was that of the grid large, which is still found by it"):
        store.grids.add(small.grid, small.cells)
    store.grids.add(small.grid.model_copy(update={"name": "third"}), small.cells)
    with pytest.raises(StoreError, match="small was the name of the grid large"):
        rename(store, "third", "small", candidates="x")
    delete_grid(store, "large")
    store.grids.add(small.grid, small.cells)  # with the grid go its names
    assert "small" in store.grids.names()


@pytest.mark.parametrize(
    ("new", "sentence"),
    [
        ("other", "Another grid is called other"),
        ("sweep", "A campaign is called sweep"),
        ("a/b", "can't be the name of a grid"),
        ("x" * 231, "can't be the name of a grid"),
    ],
)
def test_what_can_not_be_its_name_is_refused_and_nothing_changes(small, new, sentence):
    store = small.add().store
    spec = {"name": "other", "campaign": "sweep"}
    store.grids.add(small.grid.model_copy(update={"name": "other", "spec": spec}), small.cells)
    with pytest.raises(StoreError, match=sentence):
        renamed(store, new)
    assert sorted(store.grids.names()) == ["other", "small"]


def test_a_grid_that_a_driver_works_at_keeps_its_name(small):
    store = small.add().store
    store.jobs.start("small", "elsewhere-1")
    with pytest.raises(StoreError, match="is being run by elsewhere-1"):
        renamed(store, "large")
    assert store.grids.names() == ["small"]


def test_where_others_do_not_follow_nothing_is_renamed(small):
    store = small.add().store

    def refuse(before, after):
        assert (before, after) == ("small", "large")
        raise StoreError("MLflow is away.")

    with pytest.raises(StoreError, match="MLflow is away"):
        renamed(store, "large", also=refuse)
    assert store.grids.names() == ["small"] and store.annotations.of("small").former_names == ()


def test_the_grid_of_its_candidates_follows(small):
    store = small.add().store
    spec = {"name": "small-dev", "candidates_of": "small"}
    store.grids.add(small.grid.model_copy(update={"name": "small-dev", "spec": spec}), small.cells)
    assert renamed(store, "large") == {"small": "large", "small-dev": "large-dev"}
    assert store.grids.get("large-dev").spec == {"name": "large-dev", "candidates_of": "large"}
