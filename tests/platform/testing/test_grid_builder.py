"""Grids that tests fill: what a driver would have left in the store."""

from pathlib import Path

import pytest

from dragoman import CellState, Pair, Segment, TrainingGraph, Unscorable
from dragoman.analysis import ScoreQuestion, partition_table
from dragoman.store import ModelRecord, Store
from dragoman.testing import GridBuilder, SmallGrid, random_score


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")


def test_a_small_grid_answers_questions(store: Store) -> None:
    SmallGrid(store).add().fill()
    rows = {row.scope: row for row in partition_table(store, ScoreQuestion("small", "bleu"), model="a")}
    assert (rows["seen"].pairs, rows["all"].pairs, rows["all"].done) == (2, 12, 12)
    assert rows["all"].mean == pytest.approx(sum(range(12, 24)) / 12)


def test_cells_are_in_every_state_that_a_run_leaves(store: Store) -> None:
    en_de, de_en, fr_en = Pair("en", "de"), Pair("de", "en"), Pair("fr", "en")
    models = [ModelRecord(id="base", name="base", graph=TrainingGraph())]
    lines = {pair: [Segment("one", "eins"), Segment("two", "zwei")] for pair in (en_de, de_en)}
    grid = GridBuilder(store, models, [en_de, de_en, fr_en], metrics=("bleu",), lines=lines).add()
    first, second, third = (record.cell for record in grid.cells)
    assert [grid.state(cell) for cell in (first, second, third)] == ["planned", "planned", "missing"]
    grid.start(first)
    assert grid.state(first) is CellState.RUNNING
    texts = [("eins", "stop", 2), ("zwei", "length", 3)]
    grid.translate(first, [], hypotheses=texts, unscorable=[Unscorable("bleu", "no tokeniser")])
    grid.fail(second, "out of memory")
    assert [grid.state(cell) for cell in (first, second, third)] == ["unscorable", "failed", "missing"]
    (record,) = store.cells.of_grid("small", pair=en_de)
    assert (record.segments, record.tokens, record.reason) == (2, 5, "bleu: no tokeniser")
    assert store.blobs.translation(str(record.hypotheses)) == texts
    assert store.blobs.test(str(record.test)) == (["one", "two"], ["eins", "zwei"])


def test_random_scores_are_the_same_for_the_same_arguments() -> None:
    one, again = (
        random_score("bleu", "a", Pair("de", "en"), segments=5, quality=0.6, signature="v1") for _ in range(2)
    )
    assert one == again
    assert 0 < one.value < 100 and one.statistics
