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
