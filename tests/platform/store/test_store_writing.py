"""What is written comes back; what is repeated changes nothing."""

import numpy as np
import pytest

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics.serialization import pack
from dragoman.pair import Pair
from dragoman.store import records
from dragoman.store.jobs import control

pytestmark = pytest.mark.fast_twin


def test_a_grid_comes_back_as_it_was_added(small, in_step):
    assert small.store.grids.get("small") == small.grid.model_copy(
        update={"names": {"model1-base": "base", "model1-a": "a", "model1-b": "b"}}
    )
    cells = small.store.cells.of_grid("small")
    assert [(record.cell, record.state, record.segments) for record in cells] == [
        (record.cell, CellState.PLANNED, 3) for record in small.cells
    ]
    assert [model.name for model in small.store.models.of_grid("small")] == ["base", "a", "b"]
    in_step(small.store)


def test_cells_of_one_pair_one_model_or_one_state(small):
    small.commit(small.cells[13].cell, 30)
    store, every = small.store, small.store.cells.of_grid("small")
    for name in small.grid.models:
        assert (
            store.cells.of_grid("small", model=name) == [record for record in every if record.cell.model == name] != []
        )
    pair, done = Pair("en", "de"), CellState.DONE
    assert store.cells.of_grid("small", pair) == [record for record in every if record.cell.pair == pair] != []
    assert store.cells.of_grid("small", state=done) == [record for record in every if record.state is done] != []
    assert store.cells.of_grid("small", model="no such id") == []


def test_a_committed_cell_keeps_its_outcome(small, in_step):
    cell = small.cells[13].cell
    small.store.cells.advance(started=[cell.id], worker="worker-1")
    assert small.state(cell) is CellState.RUNNING
    small.commit(cell, 30)
    small.commit(cell, 99)
    small.store.cells.advance(failed=[records.Untranslated(cell.id, "too late")])
    small.store.cells.advance(started=[cell.id], worker="worker-2")
    [record] = [record for record in small.store.cells.of_grid("small") if record.cell == cell]
    assert (record.state, record.reason, record.tokens, record.attempts) == (CellState.DONE, None, 12, 1)
    bleu, chrf = small.store.cells.scores(cell.id)
    assert bleu == records.StoredScore(
        metric="bleu", signature="BLEU|v1", value=30, low=29, high=31, statistics=pack(np.ones((3, 2)))
    )
    assert (chrf.value, chrf.low) == (60, None)
    assert [line.text for line in small.store.blobs.translation(record.hypotheses)][1] == f"{cell.id} 1"
    in_step(small.store)


def test_a_cell_no_metric_can_score_is_unscorable_until_one_can(small, in_step):
    cell = small.cells[0].cell
    translation = records.Translation(
        cell_id=cell.id, hypotheses="h", segments=3, tokens=0, cut=0, engine="e", seconds=1, worker="w"
    )
    small.store.cells.advance(
        translated=[records.CellOutcome(translation=translation, unscorable=[("bleu", "no tokeniser for sw")])]
    )
    [record] = [record for record in small.store.cells.of_grid("small") if record.cell == cell]
    assert (record.state, record.reason) == (CellState.UNSCORABLE, "bleu: no tokeniser for sw")
    small.store.cells.add_scores(cell.id, [records.StoredScore(metric="bleu", signature="BLEU|v2", value=1)])
    assert small.state(cell) is CellState.DONE
    in_step(small.store)


def test_a_failed_cell_can_be_tried_again_and_a_running_one_planned_again(small, in_step):
    failed, running = small.cells[0].cell, small.cells[1].cell
    small.store.cells.advance(started=[failed.id], worker="w")
    small.store.cells.advance(failed=[records.Untranslated(failed.id, "out of memory")])
    small.store.cells.advance(started=[running.id], worker="w")
    assert control.forsake(small.store, "small") == 1
    assert (small.state(failed), small.state(running)) == (CellState.FAILED, CellState.PLANNED)
    small.commit(failed, 3)
    assert small.state(failed) is CellState.DONE
    in_step(small.store)


def test_a_new_signature_is_added_and_an_old_one_stays(small, in_step):
    cell = small.cells[0].cell
    small.commit(cell, 10)
    for value in (12, 13):
        small.store.cells.add_scores(cell.id, [records.StoredScore(metric="bleu", signature="BLEU|v2", value=value)])
    assert [(score.signature, score.value) for score in small.store.cells.scores(cell.id)] == [
        ("BLEU|v1", 10),
        ("BLEU|v2", 12),
        ("chrF2++|v1", 20),
    ]
    in_step(small.store)


def test_a_cell_without_translation_is_not_scored(small):
    with pytest.raises(StoreError, match="is planned and has no translation"):
        small.store.cells.add_scores(
            small.cells[0].cell.id, [records.StoredScore(metric="bleu", signature="s", value=1)]
        )


def test_adding_a_grid_again_keeps_the_state_of_its_cells(small):
    small.commit(small.cells[0].cell, 10)
    small.add()
    assert small.state(small.cells[0].cell) is CellState.DONE
    assert len(small.store.cells.of_grid("small")) == 36


def test_another_spec_under_the_same_name_replaces_the_grid_and_keeps_scores(small, in_step):
    small.fill()
    pair = Pair("de", "en")
    fewer = [record for record in small.cells if record.cell.pair == pair]
    small.store.grids.add(small.grid.model_copy(update={"spec_hash": "spec1-b"}), fewer)
    assert {record.cell.pair for record in small.store.cells.of_grid("small")} == {pair}
    assert {record.state for record in small.store.cells.of_grid("small")} == {CellState.DONE}
    in_step(small.store)


def test_a_cell_may_belong_to_several_grids(small, in_step):
    other = small.grid.model_copy(update={"name": "other", "names": {"model1-a": "renamed"}})
    small.store.grids.add(other, small.cells)
    small.commit(small.cells[15].cell, 10)
    assert [model.name for model in small.store.models.of_grid("other")] == ["base", "renamed", "b"]
    assert sum(record.state is CellState.DONE for record in small.store.cells.of_grid("other")) == 1
    assert {grid for grid, *_ in in_step(small.store)} == {"small", "other"}


def test_text_that_changes_under_the_same_revision_is_another_cell(small, in_step):
    small.fill()
    changed = [
        record.model_copy(update={"cell": record.cell.model_copy(update={"content": "other"})})
        if record.cell.pair == Pair("de", "en")
        else record
        for record in small.cells
    ]
    small.store.grids.add(small.grid, changed)
    cells = small.store.cells.of_grid("small")
    assert {record.cell for record in cells} == {record.cell for record in changed}
    assert sum(record.state is CellState.PLANNED for record in cells) == 3
    assert small.store.cells.scores(small.cells[0].cell.id)
    in_step(small.store)


def test_training_and_jobs_come_back(small):
    assert small.store.models.training("model1-a") is None
    small.store.models.add_training("model1-a", {"loss": 1.0})
    small.store.models.add_training("model1-a", {"loss": 0.5})
    assert small.store.models.training("model1-a") == {"loss": 0.5}
    first = small.store.jobs.start("small", "host-1")
    small.store.jobs.end(first, records.JobState.FAILED, "out of disk")
    second = small.store.jobs.start("small", "host-1")
    later, earlier = small.store.jobs.of_grid("small")
    assert (later.id, later.state, later.ended) == (second, records.JobState.RUNNING, None)
    assert (earlier.state, earlier.reason) == (records.JobState.FAILED, "out of disk")
    assert earlier.ended is not None and earlier.ended >= earlier.started
    assert earlier.ended.utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda store: store.grids.get("smal"), "no grid 'smal': did you mean 'small'"),
        (lambda store: store.models.get("model1-c"), "no model model1-c"),
        (lambda store: store.cells.scores("cell1-x"), "no cell cell1-x"),
        (lambda store: store.jobs.end(99, records.JobState.DONE), "no job 99"),
        (lambda store: store.models.add(records.ModelRecord(id="m", name="m", parent="nobody")), "no model nobody"),
    ],
)
def test_what_is_not_there_is_a_sentence(small, ask, sentence):
    with pytest.raises(StoreError, match=sentence):
        ask(small.store)


def test_models_of_a_grid_must_share_its_pairs(small):
    with pytest.raises(StoreError, match="11 cells of model1-b and 12 pairs"):
        small.store.grids.add(small.grid, small.cells[:-1])
    assert len(small.store.cells.of_grid("small")) == 36


def test_names_in_a_grid_differ(small):
    with pytest.raises(StoreError, match="calls model1-a and another model 'b'"):
        small.store.grids.add(small.grid.model_copy(update={"names": {"model1-a": "b"}}), small.cells)
