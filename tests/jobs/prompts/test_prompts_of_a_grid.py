"""Prompts as an axis of the grid: each model with each prompt is a row of its own, and no mean mixes them."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from dragoman import plugins
from dragoman.analysis.campaigns import grids_of
from dragoman.analysis.comparison import compare
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import System, systems
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.reports.results import answers
from dragoman.settings import Settings
from dragoman.spec.decoding import Decoding
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman.store.transfer.exporter import export_grid
from dragoman.store.transfer.importer import import_grid
from dragoman_jobs.engines.base import Engine, Hypothesis
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.testing import run_plan

PROMPTS = [
    "mfti",
    {"template": "mfti", "shots": 2, "models": ["base"]},
    {"template": "mfti", "instruction": "wrong"},
    {"template": "mfti", "instruction": "none", "name": "silent"},
]
ROWS = [
    ("base", "mfti"), ("base", "mfti-2-shot"), ("base", "mfti-wrong-instruction"), ("base", "silent"),
]  # fmt: skip


class _Echo(Engine):
    """An engine that says nothing but its prompt, so that each prompt has another score."""

    asked: ClassVar[defaultdict[Pair, list[str]]] = defaultdict(list)

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        return cache / checkpoint.id

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        del prepared, decoding, device

    def translate(self, prompts: Sequence[str], batch_tokens: int = 4096) -> list[Hypothesis]:
        raise NotImplementedError

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        self.asked[pair] += prompts
        return [Hypothesis(prompt, "stop", 3) for prompt in prompts]


@pytest.fixture
def corpus(tmp_path: Path) -> dict[str, Any]:
    for split, count in (("dev", 4), ("test", 3)):
        rows = [f"{split} the {n}\t{split} das {n}\t{split} le {n}\n" for n in range(count)]
        (tmp_path / f"{split}.tsv").write_text("".join(["en\tde\tfr\n", *rows]))
    return {"kind": "tsv", "path": {split: f"{tmp_path}/{split}.tsv" for split in ("dev", "test")}}


@pytest.fixture
def run(tmp_path: Path, corpus: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: _Echo if group == "engines" else real(group, name))
    _Echo.asked.clear()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "home").mkdir()
    home = Settings(home=tmp_path / "home")
    store = Store.open(home.store_url, home.blobs_url)

    def run_grid(**changes: Any) -> tuple[Store, Plan]:
        content = {"name": "g", "base": str(tmp_path / "base"), "languages": ["en", "de", "fr"], "corpus": corpus,
                   "evaluation": {"metrics": ["chrf++"], "engine": "transformers", "prompts": PROMPTS}}  # fmt: skip
        plan = make_plan(GridSpec.model_validate({**content, **changes}))
        return run_plan(plan, home, store=store), plan

    return run_grid


def test_each_prompt_is_a_row_and_none_is_averaged(run: Any, tmp_path: Path) -> None:
    store, plan = run()
    assert {cell.state for cell in store.cells.of_grid("g")} == {CellState.DONE}
    assert len(store.cells.of_grid("g")) == 4 * 6
    assert systems(store, "g") == [System("g", model, prompt) for model, prompt in ROWS]
    tables = {table.name: table for table in answers(store, ScoreQuestion("g", "chrf++"), models=["base"])}
    rows = [row for row in tables["partitions"].rows if row["scope"] == "all"]
    assert [(row["model"], row["prompt"]) for row in rows] == ROWS
    assert [(row["done"], row["pairs"]) for row in rows] == [(6, 6)] * 4
    assert len({round(row["mean"], 6) for row in rows}) == 4
    assert [column.heading for column in tables["partitions"].columns][:3] == ["model", "prompt", "scope"]
    assert len(tables["pairs"].rows) == 24
    asked_so = answers(store, ScoreQuestion("g", "chrf++", prompt="silent"), models=["base"])
    only = next(table for table in asked_so if table.name == "partitions")
    assert [row["mean"] for row in only.rows if row["scope"] == "all"] == [rows[3]["mean"]]
    # questions that name no prompt are about the first
    assert partition_table(store, ScoreQuestion("g", "chrf++"), model="base")[-1].mean == rows[0]["mean"]
    grouped = scores(store, "chrf++", model="base", grid="g", prompt="mfti-2-shot").by("target").rows()
    assert sum(group.pairs for group in grouped) == 6
    with pytest.raises(StoreError, match="has no prompt 'silnt'; did you mean 'silent'"):
        answers(store, ScoreQuestion("g", "chrf++", prompt="silnt"), models=["base"])
    assert plan.prompt.label == "mfti"


def test_what_the_model_is_asked(run: Any) -> None:
    run()
    found = _Echo.asked[Pair("de", "fr")]
    assert found[:3] == [f"[German]: test das {n} [French]:" for n in range(3)]
    few = found[3]
    assert few.endswith("\n[German]: test das 0 [French]:")
    assert few.count(" [French]: dev le ") == 2
    assert found[6:9] == [f"[German]: test das {n} [English]:" for n in range(3)]
    assert found[9:] == [f"test das {n}" for n in range(3)]


def test_examples_from_the_tested_split_leave_out_the_sentence(run: Any) -> None:
    shown = {"template": "mfti", "shots": 2, "demonstrations": {"split": "test"}}
    run(evaluation={"metrics": ["chrf++"], "engine": "transformers", "prompts": [shown]})
    for number, text in enumerate(_Echo.asked[Pair("de", "fr")]):
        assert text.count(f"das {number} ") == 1
        assert f"le {number}" not in text


def test_too_few_examples_are_missing_cells(run: Any) -> None:
    prompts = ["mfti", {"template": "mfti", "shots": 5}]
    store, _ = run(evaluation={"metrics": ["chrf++"], "engine": "transformers", "prompts": prompts})
    missing = [cell for cell in store.cells.of_grid("g") if cell.state is CellState.MISSING]
    assert len(missing) == 6
    assert "has 4 different examples" in str(missing[0].reason)


def test_models_are_compared_under_one_prompt(run: Any) -> None:
    store, _ = run()
    with pytest.raises(StoreError, match="with itself"):
        compare(store, ScoreQuestion("g", "chrf++", prompt="silent"), a="base", b="base")


def test_a_grid_of_prompts_travels(run: Any, tmp_path: Path) -> None:
    store, _ = run()
    export_grid(store, "g", tmp_path / "g.dragoman")
    other = Store.open(f"sqlite:///{tmp_path}/other.db", f"file://{tmp_path}/other")
    import_grid(other, tmp_path / "g.dragoman")
    assert systems(other, "g") == systems(store, "g")
    tables = [
        [{**row, "evaluated": None} for row in table.rows]  # the day of a run stays where it ran
        for each in (store, other)
        for table in answers(each, ScoreQuestion("g", "chrf++"), models=["base"])[:2]
    ]
    assert tables[:2] == tables[2:] and all(tables)


def test_the_grids_of_a_campaign_are_found(run: Any) -> None:
    for seed in (1, 2):
        evaluation = {"metrics": ["chrf++"], "engine": "transformers", "sentences": seed}
        store, _ = run(name=f"c-{seed}", campaign="c", evaluation=evaluation)
    assert grids_of(store, "c") == ["c-1", "c-2"]
    assert grids_of(store, "c-2") == ["c-2"]
    with pytest.raises(StoreError, match="no grid 'c-3' and no such campaign: did you mean"):
        grids_of(store, "c-3")
