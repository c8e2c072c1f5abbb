"""Baselines beside the base: real engines on tiny models, an endpoint, and comparisons that say what else differs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.analysis.comparison import compare
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import model_names, systems
from dragoman.cell import CellState
from dragoman.errors import ModelError, SpecError, StoreError
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.reports.comparison import scopes
from dragoman.reports.results import answers
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman_jobs.testing import run_plan

LANGUAGES = ["en", "de", "sw"]


@pytest.fixture
def spec(
    tmp_path: Path, tiny_model: Callable[[str], Path], translator: Callable[[str], Path], server: Any
) -> dict[str, Any]:
    for split, count in (("dev", 4), ("test", 3)):
        rows = [f"{split} one {n}\t{split} eins {n}\t{split} moja {n}\n" for n in range(count)]
        (tmp_path / f"{split}.tsv").write_text("".join(["en\tde\tsw\n", *rows]))
    return {
        "name": "g", "base": str(tiny_model("xglm")), "languages": LANGUAGES,
        "corpus": {"kind": "tsv", "path": {split: f"{tmp_path}/{split}.tsv" for split in ("dev", "test")}},
        "prompt": "{source} =", "evaluation": {"metrics": ["chrf++"], "decoding": {"beam": 2, "max_new_tokens": 12}},
        "baselines": [
            {"name": "zero-shot"},
            {"name": "two-shot", "shots": 2},
            {"name": "nllb", "model": str(translator("nllb")), "trained_on": "all"},
            {"name": "parrot", "model": "parrot", "engine": "openai", "decoding": {"max_new_tokens": 12}},
            {"name": "asked-to", "model": "openai/parrot-2", "engine": "openai", "key_variable": "OPENAI_API_KEY",
             "endpoint": f"http://127.0.0.1:{server.server_port}/v1", "prompt": "Say {source}",
             "decoding": {"max_new_tokens": 12}},
        ],
    }  # fmt: skip


def run(plan: Plan, home: Path) -> Store:
    home.mkdir(exist_ok=True)
    return run_plan(plan, Settings(home=home))


def test_a_spec_says_them_all_and_each_is_a_row(spec: dict[str, Any], tmp_path: Path) -> None:
    plan = make_plan(GridSpec.model_validate(spec))
    assert make_plan(GridSpec.model_validate(plan.spec.model_dump(mode="json"))).id == plan.id
    store = run(plan, tmp_path / "home")
    assert [(row.model, row.prompt) for row in systems(store, "g")] == [
        ("base", "prompt"), ("base", "two-shot"), ("nllb", "prompt"), ("parrot", "prompt"), ("asked-to", "asked-to"),
    ]  # fmt: skip
    states = {(cell.cell.model, str(cell.cell.pair)): cell for cell in store.cells.of_grid("g")}
    nllb = plan.baselines[0].identity.id
    assert states[nllb, "en-de"].state is CellState.DONE
    assert states[nllb, "en-de"].engine == "ctranslate2"
    # a language that it does not know is no failure, and is not tried again
    assert states[nllb, "en-sw"].state is states[nllb, "sw-de"].state is CellState.MISSING
    assert "no token for the language sw" in str(states[nllb, "en-sw"].reason)
    assert {cell.state for (model, _), cell in states.items() if model != nllb} == {CellState.DONE}
    assert {cell.engine for (model, _), cell in states.items() if model == plan.baselines[1].identity.id} == {"openai"}
    tables = {
        table.name: table for table in answers(store, ScoreQuestion("g", "chrf++"), models=model_names(store, "g"))
    }
    whole = {(row["model"], row["prompt"]): row for row in tables["partitions"].rows if row["scope"] == "all"}
    assert {name: (row["done"], row["pairs"]) for name, row in whole.items()} == {
        ("base", "prompt"): (6, 6), ("base", "two-shot"): (6, 6), ("nllb", "prompt"): (2, 6),
        ("parrot", "prompt"): (6, 6), ("asked-to", "asked-to"): (6, 6),
    }  # fmt: skip
    # a gain is one over the base asked and decoded alike; parrot has no such
    assert whole["nllb", "prompt"]["gain_pairs"] == 2
    assert whole["parrot", "prompt"]["gain"] is None
    assert {row["scope"] for row in tables["partitions"].rows if row["model"] == "nllb"} == {"seen", "all"}
    assert {row["scope"] for row in tables["partitions"].rows if row["model"] == "parrot"} == {"unknown", "all"}

    alike = compare(store, ScoreQuestion("g", "chrf++"), a="base", b="nllb")
    assert alike.note is None
    assert (alike.scopes[-1].done, alike.scopes[-1].pairs) == (2, 6)
    for a, b, differ in (
        ("two-shot", "zero-shot", "prompts differ (two-shot is base asked with two-shot and zero-shot is base asked"),
        ("base:two-shot", "nllb", "prompts differ"),
        ("base", "parrot", "decodings differ"),
        ("nllb", "asked-to", "prompts and decodings differ"),
    ):
        found = compare(store, ScoreQuestion("g", "chrf++"), a=a, b=b)
        assert differ in str(found.note)
        assert str(found.note) in scopes("g", found).notes
        last = found.scopes[-1]
        assert (last.done, last.pairs) == (2 if "nllb" in (a, b) else 6, 6)
        assert last.low is not None and last.p_value is not None  # paired: on the statistics of both
        one = [
            partition_table(store, ScoreQuestion("g", "chrf++", prompt=row.prompt), model=row.model)[-1].mean
            for row in systems(store, "g")
        ]
        if last.done == 6:
            assert {last.mean_a, last.mean_b} <= set(one)
    with pytest.raises(StoreError, match="compared with itself"):
        compare(store, ScoreQuestion("g", "chrf++"), a="base", b="zero-shot")
    with pytest.raises(StoreError, match="no model 'nlb': did you mean 'nllb'"):
        compare(store, ScoreQuestion("g", "chrf++"), a="nlb", b="base")
    assert sum(group.pairs for group in scores(store, "chrf++", model="parrot", grid="g").by("target").rows()) == 6
    before = {cell.cell.id: cell.hypotheses for cell in store.cells.of_grid("g")}
    again = run(plan, tmp_path / "home")
    assert {cell.cell.id: cell.hypotheses for cell in again.cells.of_grid("g")} == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "base"}, "has a model named 'base'"),
        ({"name": "two-shot"}, "two models or baselines named 'two-shot'"),
        ({"engine": "openai"}, "has engine but names no model"),
        ({"model": "a/b", "endpoint": "http://x/v1"}, "has endpoint but another engine than openai"),
        ({"model": "a/b", "engine": "openay"}, "is not an installed engine; did you mean 'openai'"),
        ({"model": "a/b", "prompt": "no source"}, "is not a known prompt"),
    ],
)
def test_baselines_that_do_not_hang_together(spec: dict[str, Any], changes: dict[str, Any], sentence: str) -> None:
    spec["baselines"] = [{"name": "two-shot", "shots": 2}, {"name": "other", **changes}]
    with pytest.raises(ValueError, match=sentence):
        GridSpec.model_validate(spec)


def test_models_that_are_not_there_or_there_twice(spec: dict[str, Any]) -> None:
    spec["baselines"] = [{"name": "other", "model": "./gone"}]
    with pytest.raises(ModelError, match=r"baselines.other.model is './gone': there is no such folder"):
        make_plan(GridSpec.model_validate(spec))
    spec["baselines"] = [{"name": "other", "model": spec["base"]}]
    with pytest.raises(SpecError, match="is the same model as the base: leave it out"):
        make_plan(GridSpec.model_validate(spec))


def test_the_base_left_out_and_no_key(spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec["evaluation"] |= {"base": False}
    with pytest.raises(ValueError, match="has the baseline 'zero-shot', which is the base, and leaves the base out"):
        GridSpec.model_validate(spec)
    spec["baselines"] = spec["baselines"][-1:]
    monkeypatch.delenv("OPENAI_API_KEY")
    store = run(make_plan(GridSpec.model_validate(spec)), tmp_path / "home")
    (reason,) = {str(cell.reason) for cell in store.cells.of_grid("g")}
    assert "The variable OPENAI_API_KEY, which is to hold the endpoint's key, is not set" in reason
