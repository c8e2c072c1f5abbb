"""Registering a plan keeps with its test lines which sentence of the corpus each is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete
from tests.jobs.local_driver import plan_of

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.units import Unit, Units, units_of
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.test_set import TestSet
from dragoman.segment import Split
from dragoman.spec.sentences import SentenceSample
from dragoman.store import schema
from dragoman.store.store import Store
from dragoman_jobs.driver.register_plan import register

PAIRS = (Pair("de", "en"), Pair("nl", "en"))
N = 30


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/store.db", f"file://{tmp_path}/blobs")


def planned(tmp_path: Path, lacking: Mapping[str, Sequence[int]], sentences: Any = None, name: str = "grid") -> Plan:
    """A grid on a file with a column for each language: German and Dutch say the same; some cells are empty."""
    lines = ["en\tde\tnl\tdocid"]
    for row in range(N):
        cells = {"en": f"Sentence {row}.", "de": f"Satz {row}.", "nl": f"Satz {row}."}
        texts = ["" if row in lacking.get(tag, ()) else text for tag, text in cells.items()]
        lines.append("\t".join([*texts, f"d{row // 10}"]))
    (tmp_path / f"{name}.tsv").write_text("".join(line + "\n" for line in lines))
    return plan_of(
        tmp_path, name=name, models=[], languages=["en", "de", "nl"],
        corpus={"kind": "tsv", "path": {"test": str(tmp_path / f"{name}.tsv")}},
        evaluation={"pairs": list(map(str, PAIRS)), "sentences": sentences, "metrics": ["chrf"]},
    )  # fmt: skip


def found(store: Store, unit: Unit = Unit.SENTENCE, grid: str = "grid") -> Units:
    with store.snapshot() as snapshot, snapshot.database.reading() as connection:
        part = Slice.of(connection, ScoreQuestion(grid=grid, metric="chrf"))
        return units_of(connection, part, PAIRS, unit=unit, blobs=store.blobs)


def test_a_hole_in_a_column_shifts_nothing(tmp_path: Path, store: Store) -> None:
    """The source of the value is what the file says: row n of a column is row n of the others."""
    register(planned(tmp_path, {"nl": [0, 7, N - 1]}), store)
    (block,) = found(store).blocks
    assert block.units == N
    assert block.lines[PAIRS[0]].tolist() == list(range(N))
    assert block.lines[PAIRS[1]].tolist() == [row for row in range(N) if row not in (0, 7, N - 1)]
    (documents,) = found(store, Unit.DOCUMENT).blocks
    assert documents.units == 3
    assert np.bincount(documents.lines[PAIRS[1]]).tolist() == [8, 10, 9]


def test_whole_columns_have_the_order_of_the_file(tmp_path: Path, store: Store) -> None:
    register(planned(tmp_path, {}, sentences=20), store)
    (block,) = found(store).blocks
    assert all(lines.tolist() == list(range(20)) for lines in block.lines.values())


def test_a_store_of_before_has_the_same_units_by_text_and_gets_rows_when_it_is_run_again(
    tmp_path: Path, store: Store
) -> None:
    plan = planned(tmp_path, {"nl": [0, 7]})
    register(plan, store)
    by_row = found(store)
    with store.database.writing() as connection:
        connection.execute(delete(schema.TestKeysRow))
    by_text = found(store)
    assert by_text.blocks[0].units == by_row.blocks[0].units == N
    for pair in PAIRS:
        assert by_text.blocks[0].lines[pair].tolist() == by_row.blocks[0].lines[pair].tolist()
    assert "known by their text" in str(by_text.note) and "known by their text" not in str(by_row.note)
    register(plan, store)
    assert found(store).note == by_row.note


def test_a_sample_is_of_the_same_rows_in_all_pairs_and_is_recorded(tmp_path: Path, store: Store) -> None:
    plan = planned(tmp_path, {"nl": [0, 7]}, sentences={"n": 12, "seed": 5})
    register(plan, store)
    (block,) = found(store).blocks
    assert block.units == 12
    assert all(lines.tolist() == list(range(12)) for lines in block.lines.values())
    test_set = store.cells.of_grid("grid")[0].cell.test_set
    assert test_set == plan.test_set.id
    with store.database.reading() as connection:
        rows = connection.execute(schema.TestSetRow.__table__.select()).all()
    assert [(row.sentences, row.seed) for row in rows] == [(12, 5)]


def test_samples_are_test_sets_of_their_own_and_plain_ones_keep_their_identity(tmp_path: Path) -> None:
    """The goldens are what was computed before there were samples."""

    def identity(corpus: str, revision: str, sentences: int | SentenceSample | None) -> str:
        return TestSet(corpus=corpus, revision=revision, split=Split.TEST, sentences=sentences).id

    assert identity("tsv", "its lines, test.tsv", 50) == "test2-ca67c3a122c7da5614b160bf839fa932"
    assert identity("cldr", "r", None) == "test1-be3600b1bfbb99aa4a5854c422e4d1bd"
    sampled = {identity("cldr", "r", SentenceSample(n=n, seed=seed)) for n in (50, 51) for seed in (1, 2)}
    assert len(sampled | {identity("cldr", "r", 50)}) == 5
