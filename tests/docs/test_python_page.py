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
from dragoman.cell import Cell
from dragoman.errors import StoreError
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store import records
from dragoman.store.store import Store

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
    for name in ("base", "a", "b"):
        base = None if name == "base" else "base"
        store.models.add(records.ModelRecord(id=name, name=name, parent=base, base=base))
        store.models.record_graph(name, TrainingGraph.of([Pair("en", "de")] if base else []))
    store.conditions.add_test_set(records.TestSetRecord(id="t", corpus="cldr", revision="1", split="test"))
    store.conditions.add_prompt(records.PromptRecord(id="p", template="{source}"))
    store.conditions.add_decoding(records.DecodingRecord(id="decoding1-a", settings={}))
    cells = [
        records.CellRecord(
            cell=Cell(model=name, test_set="t", content="c", pair=pair, prompt="p", decoding="decoding1-a")
        )
        for name in ("base", "a", "b")
        for pair in all_pairs(("de", "en", "fr"))
    ]
    store.grids.add(
        records.GridRecord(
            name="small", spec={}, spec_hash="s", models=("base", "a", "b"), base="base", metrics=("bleu", "chrf++"),
            languages=("de", "en", "fr"),
        ),
        cells,
    )  # fmt: skip
    for number, record in enumerate(cells):
        address = store.blobs.put_translation([(str(number), "stop", 1)])
        done = records.Translation(
            cell_id=record.cell.id, hypotheses=address, segments=1, tokens=1, cut=0, engine="e", seconds=1, worker="w"
        )
        scores = [
            records.StoredScore(metric=metric, signature=f"{metric}|v1", value=number) for metric in ("bleu", "chrf++")
        ]
        store.cells.advance(translated=[records.CellOutcome(translation=done, scores=scores)])


def test_the_python_of_the_page_runs(store: Store) -> None:
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    assert [grid.name for grid in store.grids.all()] == ["of-a-friend", "small"]


def test_rows_become_a_frame(store: Store) -> None:
    found = frame(pair_scores(store, "small", "a", "bleu"))
    assert isinstance(found, pd.DataFrame)
    assert list(found[["source", "target", "value"]].iloc[0]) == ["de", "en", 6.0]
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
