"""The dev sentences on which candidates for promotion are chosen, beside a plan."""

from pathlib import Path
from typing import Any

import pytest

from dragoman.pair import Pair
from dragoman.planning.candidates import candidates_name, candidates_plan, is_theirs, why_on_test
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.segment import Split
from dragoman.spec.base import LONGEST_NAME
from dragoman.spec.grid import GridSpec
from dragoman.store.records import GridRecord, ModelRecord
from dragoman.store.store import Store

METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 2}


def planned(folder: Path, promotion: dict[str, Any] | None = None, **changes: Any) -> Plan:
    (folder / "base").mkdir(exist_ok=True)
    (folder / "base" / "model.safetensors").write_bytes(b"weights")
    rules = [{"metric": "bleu", "at_least": 0}]
    content: dict[str, Any] = {
        "name": "g", "base": str(folder / "base"), "languages": ["en", "de", "fr"], "corpus": "cldr",
        "models": [
            {"name": "one", "pairs": ["de-en"], "examples": 2, "method": METHOD},
            {"name": "other", "pairs": ["de-en", "fr-en"], "examples": 2, "method": METHOD},
        ],
        "evaluation": {"sentences": 3, "metrics": ["bleu"]},
        "promotion": {"model": "m", "rules": rules, **(promotion or {})},
    }  # fmt: skip
    return make_plan(GridSpec.model_validate({**content, **changes}))


def test_every_finetuned_model_translates_dev_sentences_of_the_pairs_that_are_compared(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"candidates": {"sentences": 4}})
    dev = candidates_plan(plan)
    assert dev is not None
    assert (dev.spec.name, dev.spec.candidates_of, dev.spec.promotion) == ("g-dev", "g", None)
    assert (dev.test_set.split, dev.test_set.sentences) == (Split.DEV, 4)
    assert [model.name for model in dev.models] == ["one", "other"]
    assert {model.id for model in dev.models} == {training.identity.id for training in plan.trainings}
    assert dev.pairs == plan.pairs
    cells, tested = {cell.id for cell in dev.cells()}, {cell.id for cell in plan.cells()}
    assert len(cells) == 12 and not cells & tested
    assert GridSpec.from_store(dev.spec.model_dump(mode="json")) == dev.spec


def test_pairs_outside_the_scope_are_left_out(tmp_path: Path) -> None:
    dev = candidates_plan(planned(tmp_path, {"over": "seen"}))
    assert dev is not None and set(dev.pairs) == {Pair("de", "en"), Pair("fr", "en")}
    champions = candidates_plan(planned(tmp_path, {"over": "seen", "champions": ["en-fr"]}))
    assert champions is not None and set(champions.pairs) == {Pair("de", "en"), Pair("fr", "en"), Pair("en", "fr")}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"promotion": {"model": "m", "rules": [{"at_least": 0}], "candidates": {"split": "test"}}}, "says so"),
        ({"evaluation": {"sentences": 3, "metrics": ["bleu"], "split": "dev"}}, "the evaluation itself is on dev"),
        (
            {"prompt": {"template": "[{source_language}]: {source} [{target_language}]:", "shots": 1}},
            "are dev sentences",
        ),
    ],
)
def test_candidates_are_chosen_on_the_test_set_only_for_a_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    plan = planned(tmp_path, **changes)
    assert candidates_plan(plan) is None
    assert reason in (why_on_test(plan) or "")


def test_a_corpus_without_dev_sentences_is_a_reason(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / f"{split}.tsv").write_text("en\tde\tfr\n" + "".join(f"a {n}\tb {n}\tc {n}\n" for n in range(9)))
    corpus = {"kind": "tsv", "path": f"{tmp_path}/{{split}}.tsv"}
    plan = planned(tmp_path, corpus=corpus)
    assert candidates_plan(plan) is None
    assert "no dev" in (why_on_test(plan) or "")


def test_one_model_leaves_nothing_to_choose(tmp_path: Path) -> None:
    alone = planned(tmp_path, models=[{"name": "one", "pairs": ["de-en"], "examples": 2, "method": METHOD}])
    assert candidates_plan(alone) is None and why_on_test(alone) is None


def test_a_grid_of_somebody_elses_by_that_name_is_left_alone(tmp_path: Path) -> None:
    dev = candidates_plan(planned(tmp_path))
    assert dev is not None
    store = Store.open(f"sqlite:///{tmp_path}/store.db", str(tmp_path / "blobs"))
    assert is_theirs(store, dev)
    store.models.add(ModelRecord(id="b", name="base"))
    spec = dev.spec.model_dump(mode="json")
    grid = GridRecord(name="g-dev", spec={**spec, "candidates_of": None}, spec_hash="x", models=("b",), base="b",
                      metrics=("bleu",), languages=("en", "de"), names={"b": "base"})  # fmt: skip
    store.grids.add(grid, [])
    assert not is_theirs(store, dev)
    store.grids.add(grid.model_copy(update={"spec": spec}), [])
    assert is_theirs(store, dev)


def test_a_long_name_stays_within_bounds() -> None:
    assert len(candidates_name("x" * LONGEST_NAME)) == LONGEST_NAME
