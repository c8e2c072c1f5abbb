"""How far a grid has come is counted right, whether or not its models have cells elsewhere."""

import pytest

from dragoman.cell import CellState
from dragoman.pair import Pair
from dragoman.store import records
from dragoman.store.jobs.progress import progress

DONE, PLANNED, FAILED = CellState.DONE, CellState.PLANNED, CellState.FAILED


@pytest.fixture
def begun(small):
    """The small grid with two cells of the base done and one of model b failed."""
    for record in small.cells[:2]:
        small.commit(record.cell, 10)
    small.store.cells.advance(failed=[records.Untranslated(small.cells[-1].cell.id, "out of memory")])
    return small


def test_the_cells_of_each_model_are_counted_by_state(begun):
    assert progress(begun.store, "small") == {
        "base": {DONE: 2, PLANNED: 10}, "a": {PLANNED: 12}, "b": {FAILED: 1, PLANNED: 11}
    }  # fmt: skip


def test_cells_outside_the_grid_are_not_counted(begun):
    pair = begun.cells[0].cell.pair
    fewer = [record for record in begun.cells if record.cell.pair == pair]
    begun.store.grids.add(begun.grid.model_copy(update={"name": "one-pair"}), fewer)
    assert progress(begun.store, "one-pair") == {"base": {DONE: 1}, "a": {PLANNED: 1}, "b": {PLANNED: 1}}
    assert sum(progress(begun.store, "small")["base"].values()) == 12


def test_a_model_that_lacks_a_prompt_here_and_has_as_many_cells_of_it_elsewhere(begun):
    """Equal numbers of cells are then not equal cells."""
    store, other = begun.store, records.PromptRecord(id="prompt1-b", template="<{source}>")
    store.conditions.add_prompt(other)

    def asked(pairs, models):
        return [
            record.model_copy(update={"cell": record.cell.model_copy(update={"prompt": other.id})})
            for record in begun.cells
            if record.cell.pair in pairs and record.cell.model in models
        ]

    here, there = [Pair("de", "en")], [Pair("en", "de")]
    plain = [record for record in begun.cells if record.cell.pair in here]
    both = begun.grid.model_copy(update={"name": "both"})
    store.grids.add(both, [*plain, *asked(here, ["model1-a", "model1-b"])])
    store.grids.add(begun.grid.model_copy(update={"name": "elsewhere"}), asked(there, begun.grid.models))
    assert {model: sum(states.values()) for model, states in progress(store, "both").items()} == {
        "base": 1, "a": 2, "b": 2
    }  # fmt: skip


def test_a_grid_without_cells_has_no_progress(begun):
    begun.store.grids.add(begun.grid.model_copy(update={"name": "empty"}), [])
    assert progress(begun.store, "empty") == {}
