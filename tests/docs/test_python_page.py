"""The Python of docs/python.md runs, on a store that has what the page speaks of."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import dragoman
from dragoman.analysis.dataframes import frame
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.segment import Segment
from dragoman.settings import settings
from dragoman.store import records
from dragoman.store.store import Store
from dragoman.testing import GridBuilder, random_score

DOCS = Path(__file__).parents[2] / "docs"
BLOCKS = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store of the settings, with the grid `small`: three models, six pairs, two metrics."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    made = Store.open(settings().store_url, settings().blobs_url)
    fill(made)
    yield made
    made.close()
    settings.cache_clear()


def fill(store: Store) -> None:
    """Write the grid."""
    base = records.ModelRecord(id="base", name="base", graph=TrainingGraph())
    tuned = [
        records.ModelRecord(id=name, name=name, parent="base", base="base", graph=TrainingGraph.of([Pair("en", "de")]))
        for name in ("a", "b")
    ]
    pairs = all_pairs(("de", "en", "fr"))
    lines = {pair: [Segment(f"source {number}", f"reference {number}") for number in range(20)] for pair in pairs}
    grid = GridBuilder(store, [base, *tuned], pairs, metrics=("bleu", "chrf++"), lines=lines).add()
    for number, record in enumerate(grid.cells):
        cell = record.cell
        scores = [
            random_score("bleu", cell.model, cell.pair, segments=20, quality=0.5, signature="v1"),
            records.StoredScore(metric="chrf++", signature="chrf++|v1", value=number),
        ]
        grid.translate(record.cell, scores, hypotheses=[(str(number), "stop", 1)] * 20)


def test_the_python_of_the_page_runs(store: Store) -> None:
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    assert [grid.name for grid in store.grids.all()] == ["of-a-friend", "small"]


def test_rows_become_a_frame(store: Store) -> None:
    found = frame(pair_scores(store, ScoreQuestion("small", "bleu"), model="a"))
    assert isinstance(found, pd.DataFrame)
    made = random_score("bleu", "a", Pair("de", "en"), segments=20, quality=0.5, signature="v1")
    assert list(found[["source", "target", "value"]].iloc[0]) == ["de", "en", made.value]
    assert frame([]).empty


def test_without_a_store_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    with pytest.raises(StoreError, match="There is no store at"):
        dragoman.open_store()
    settings.cache_clear()


def test_asking_the_store_imports_nothing_heavy(store: Store) -> None:
    script = (
        "import sys, dragoman; assert not {'sqlalchemy', 'pydantic'} & set(sys.modules)\n"
        "from dragoman.analysis.score_query import scores\n"
        "found = scores(dragoman.open_store(), 'bleu', model='a', grid='small').by('partition')\n"
        "assert found.rows()\n"
        "assert not {'pandas', 'torch', 'ray', 'mlflow', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ.copy(), timeout=120)
