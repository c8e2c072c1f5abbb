"""A grid travels whole: what comes in is what went out, and nothing here is overwritten."""

import json

import numpy as np
import pytest
from sqlalchemy import text

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.serialization import pack
from dragoman.metrics.span_serialization import unpack_spans
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.store import records
from dragoman.store.line_keys import pack as pack_keys
from dragoman.store.line_keys import unpack as unpack_keys
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import import_grid


@pytest.fixture
def exported(small, fill_and_export, tmp_path):
    """A grid with translated, unscorable, failed, running and planned cells, in a file."""
    fill_and_export(small, tmp_path / "small.zip")
    return small


@pytest.fixture
def other(request, store_url, tmp_path):
    """Another store, on the other database."""
    to_postgres = store_url.startswith("sqlite")
    url = request.getfixturevalue("new_postgres")() if to_postgres else f"sqlite:///{tmp_path}/other/store.db"
    store = Store.open(url, f"file://{tmp_path}/other/blobs")
    yield store
    store.close()


def everything(store, grid="small"):
    cells = {
        record.cell.id: record.model_copy(
            update={"state": CellState.PLANNED} if record.state is CellState.RUNNING else {}
        )
        for record in store.cells.of_grid(grid)
    }
    scores = {cell: store.cells.scores(cell) for cell in cells}
    models = store.models.of_grid(grid)
    trainings = [store.models.training(model.id) for model in models]
    translations = [store.blobs.translation(cell.hypotheses) for cell in cells.values() if cell.hypotheses]
    found = (store.grids.get(grid), cells, scores, models, trainings, translations, store.conditions.keys_of_grid(grid))
    judged = (store.judgements.of_grid(grid), store.judgements.campaigns_of_grid(grid))
    return judged, *found, store.conditions.labels_of_grid(grid), store.contamination.of_grid(grid)


def test_what_comes_in_is_what_went_out(exported, other, tmp_path, in_step):
    done = import_grid(other, tmp_path / "small.zip")
    assert (done.grid, done.cells, done.translations) == ("small", 36, 11)
    assert everything(other) == everything(exported.store)
    in_step(other)


def older(members):
    """An archive as it was written before contamination and the keys of test lines travelled with a grid."""
    del members["contamination.json"], members["keys.parquet"], members["labels.parquet"]
    manifest = json.loads(members["manifest.json"])
    del manifest["members"]["contamination.json"], manifest["members"]["keys.parquet"]
    del manifest["members"]["labels.parquet"]
    members["manifest.json"] = json.dumps(manifest | {"format": 1}).encode()


def test_a_file_of_an_earlier_version_comes_in(exported, other, tmp_path, rewrite):
    rewrite(tmp_path / "small.zip", older)
    import_grid(other, tmp_path / "small.zip")
    assert everything(other)[:-3] == everything(exported.store)[:-3]
    assert other.contamination.of_grid("small") == []
    assert other.conditions.keys_of_grid("small") == {}
    assert other.conditions.labels_of_grid("small") == {}


def test_keys_of_test_lines_travel_and_those_that_are_here_stay(exported, other, tmp_path):
    import_grid(other, tmp_path / "small.zip")
    ((test_set, pair, content), keys), *_ = other.conditions.keys_of_grid("small").items()
    assert unpack_keys(keys.corpus_rows).tolist() == [0, 1, 3]
    mine = keys._replace(corpus_rows=pack_keys(np.array([7, 8, 9], np.uint64)))
    other.conditions.add_keys(test_set, {(pair, content): mine})
    import_grid(other, tmp_path / "small.zip")
    assert other.conditions.keys_of_grid("small")[test_set, pair, content] == mine


def test_labels_of_test_lines_travel_and_those_that_are_here_stay(exported, other, tmp_path):
    import_grid(other, tmp_path / "small.zip")
    ((test_set, pair, content), labels), *_ = other.conditions.labels_of_grid("small").items()
    assert labels == {"domain": ("news", "", "chat")}
    mine = {"domain": ("speech",) * 3, "original": ("de", "en", "")}
    other.conditions.add_labels(test_set, {(pair, content): mine})
    import_grid(other, tmp_path / "small.zip")
    assert other.conditions.labels_of_grid("small")[test_set, pair, content] == mine


def test_error_spans_travel_and_an_earlier_file_has_none(exported, other, tmp_path, rewrite):
    cell = exported.cells[0].cell.id
    (score,) = (each for each in exported.store.cells.scores(cell) if each.metric == "gemba-mqm")
    assert unpack_spans(score.spans)[2] == (ErrorSpan(1, 3, "minor"),)
    import_grid(other, tmp_path / "small.zip")
    assert [each.spans for each in other.cells.scores(cell)].count(score.spans) == 1
    rewrite(tmp_path / "small.zip", without_spans)
    import_grid(other, tmp_path / "small.zip", "again")
    assert [each.spans for each in other.cells.scores(cell)].count(score.spans) == 1


def without_spans(members):
    manifest = json.loads(members["manifest.json"])
    del members["spans.parquet"], manifest["members"]["spans.parquet"]
    members["manifest.json"] = json.dumps(manifest).encode()


def test_judgements_travel_and_those_that_are_here_stay(exported, other, tmp_path):
    import_grid(other, tmp_path / "small.zip")
    (judgement,) = other.judgements.of_grid("small")
    mine = judgement.model_copy(update={"rating": judgement.rating.model_copy(update={"score": 9.0})})
    other.judgements.add([mine], replace=True)
    import_grid(other, tmp_path / "small.zip")
    assert other.judgements.of_grid("small") == [mine]


def test_contamination_that_is_known_here_stays(exported, looked_at, tmp_path):
    exported.store.contamination.record("model1-a", "test1-a", [looked_at(7)])
    import_grid(exported.store, tmp_path / "small.zip", name="copy")
    assert exported.store.contamination.of_grid("copy") == [looked_at(7)]


def test_importing_twice_changes_nothing(exported, other, tmp_path, in_step):
    import_grid(other, tmp_path / "small.zip")
    before = everything(other)
    assert import_grid(other, tmp_path / "small.zip").translations == 0
    assert everything(other) == before
    in_step(other)


def test_a_grid_comes_into_the_store_it_left_under_another_name(exported, tmp_path, in_step):
    import_grid(exported.store, tmp_path / "small.zip", name="copy")
    assert {grid for grid, *_ in in_step(exported.store)} == {"small", "copy"}
    there, here = everything(exported.store, "copy"), everything(exported.store)
    assert (there[0], there[2:]) == (here[0], here[2:])
    assert there[1].name == "copy"


def test_what_is_translated_here_stays_and_missing_scores_are_added(exported, store, tmp_path, in_step):
    cell, rescored = exported.cells[0].cell, exported.cells[34].cell
    exported.commit(rescored, 50)
    v2 = records.StoredScore(metric="bleu", signature="BLEU|v2", value=51)
    exported.store.cells.add_scores(rescored.id, [v2])
    path = tmp_path / "more.zip"
    export_grid(exported.store, "small", path)
    with exported.store.database.writing() as connection:
        connection.execute(text("DELETE FROM score_statistics WHERE signature_id = 3"))
        connection.execute(
            text("DELETE FROM score WHERE signature_id = (SELECT id FROM signature WHERE text = 'BLEU|v2')")
        )
        connection.execute(text("UPDATE cell SET hypotheses = 'mine' WHERE identity = :id"), {"id": cell.id})
        connection.execute(text("DELETE FROM score_statistics"))
    import_grid(exported.store, path)
    in_step(exported.store)
    assert v2 in exported.store.cells.scores(rescored.id)
    # Statistics belong to the hypotheses they were counted on.
    assert {score.statistics for score in exported.store.cells.scores(cell.id)} == {None}
    assert {score.statistics for score in exported.store.cells.scores(rescored.id)} == {pack(np.ones((3, 2))), None}


def test_another_grid_of_that_name_is_not_replaced(exported, store, tmp_path):
    pair = Pair("de", "en")
    store.grids.add(exported.grid, [record for record in exported.cells if record.cell.pair == pair])
    with pytest.raises(StoreError, match=r"another grid 'small' here.*--name"):
        import_grid(store, tmp_path / "small.zip")
    assert len(store.cells.of_grid("small")) == 3


def test_a_model_that_saw_other_pairs_here_is_refused(exported, store, tmp_path):
    store.models.record_graph("model1-a", TrainingGraph.of([Pair("sw", "de")]))
    with pytest.raises(StoreError, match=r"Model 'a' \(model1-a\) was trained on other pairs"):
        import_grid(store, tmp_path / "small.zip", name="copy")
    assert [grid.name for grid in store.grids.all()] == ["small"]


def test_a_grid_that_is_not_there_leaves_no_file(small, tmp_path):
    with pytest.raises(StoreError, match="no grid 'smal'"):
        export_grid(small.store, "smal", tmp_path / "none.zip")
    with pytest.raises(StoreError, match="can't be written"):
        export_grid(small.store, "small", tmp_path / "nowhere" / "small.zip")
    small.commit(small.cells[0].cell, 1)
    small.store.blobs.remove(next(small.store.blobs.stored()))
    with pytest.raises(StoreError, match=r"blob .* is not in"):
        export_grid(small.store, "small", tmp_path / "none.zip")
    assert not [path for path in tmp_path.iterdir() if "zip" in path.name]
