"""What is known of a model's training text and a test set is kept by pair and side."""

from dragoman.pair import Pair
from dragoman.store.records import ContaminationRecord


def looked_at(pair: Pair, side: str, exact: int, near: int) -> ContaminationRecord:
    return ContaminationRecord(
        model="model1-a", test_set="test1-a", pair=pair, side=side,
        segments=100, sentences=50, exact=exact, near=near, similarity=0.75,
    )  # fmt: skip


def test_contamination_is_kept_by_model_pair_and_side(small):
    small.add()
    store, pair = small.store, Pair("de", "en")
    found = [looked_at(pair, "source", 2, 3), looked_at(pair, "target", 0, 0)]
    store.contamination.record("model1-a", "test1-a", found)
    assert store.contamination.of_grid("small") == store.contamination.of_grid("small", "model1-a") == found
    assert [record.rate for record in found] == [0.1, 0.0]
    assert [record.language for record in found] == ["de", "en"]
    assert store.contamination.of_grid("small", "model1-b") == []


def test_a_new_look_replaces_the_old_one(small):
    small.add()
    store, pair = small.store, Pair("de", "en")
    store.contamination.record("model1-a", "test1-a", [looked_at(pair, "source", 2, 3)])
    again = [looked_at(pair.reverse, "target", 1, 0)]
    store.contamination.record("model1-a", "test1-a", again)
    assert store.contamination.of_grid("small") == again


def test_what_an_earlier_search_found_gives_way_to_an_archive_of_this_one(small, tmp_path):
    """An archive without a version is of the first search, whose rates are lower bounds."""
    from dragoman.store.store import Store
    from dragoman.store.transfer.exporter import export_grid
    from dragoman.store.transfer.importer import import_grid

    small.add()
    new = looked_at(Pair("de", "en"), "source", 5, 3)
    small.store.contamination.record("model1-a", "test1-a", [new])
    export_grid(small.store, "small", tmp_path / "small.zip")
    other = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/blobs")
    import_grid(other, tmp_path / "small.zip")
    assert other.contamination.of_grid("small") == [new]
    assert not new.is_lower_bound
    old = looked_at(Pair("de", "en"), "source", 1, 0).model_copy(update={"search": 1})
    other.contamination.record("model1-a", "test1-a", [old])
    assert other.contamination.of_grid("small")[0].is_lower_bound
    assert other.contamination.measured() == {("model1-a", "test1-a"): 1}
    import_grid(other, tmp_path / "small.zip")
    assert other.contamination.of_grid("small") == [new]
    other.close()
