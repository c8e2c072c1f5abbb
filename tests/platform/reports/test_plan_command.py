"""`dragoman plan` says what was understood, what there is, what is done already, and what the rest costs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from dragoman.planning.planner import make_plan
from dragoman.settings import settings
from dragoman.spec.loading import load_spec
from dragoman.store import records
from dragoman.store.store import Store

METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 100, "batch_tokens": 1000}


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A spec of three languages, two of which are written in several scripts, in an empty home."""
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "model.safetensors").write_bytes(b"weights")
    content = {
        "name": "small", "base": str(tmp_path / "base"), "languages": ["en", "zh", "sr_Latn"], "corpus": "cldr",
        "models": [{"name": "one", "pairs": ["en-zh", "zh-en"], "examples": 20, "method": METHOD}],
        "evaluation": {"sentences": 5, "metrics": ["bleu"]},
    }  # fmt: skip
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    yield tmp_path / "spec.yaml"
    settings.cache_clear()


@pytest.fixture
def planner(dragoman, monkeypatch: pytest.MonkeyPatch):
    """`dragoman plan`, which the other tests of the command line leave out."""
    from importlib.metadata import entry_points

    from dragoman import plugins

    command = {entry.name: entry for entry in entry_points(group="dragoman.commands") if entry.name == "plan"}
    available = plugins.available
    monkeypatch.setattr(plugins, "available", lambda group: command if group == "commands" else available(group))
    return dragoman


def tables(outcome) -> dict:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def test_a_plan_without_a_store_says_what_was_taken_for_what(planner, spec):
    found = tables(planner("plan", str(spec), "--json"))
    assert [(row["language"], row["bare_means"]) for row in found["languages"]] == [
        ("zh-Hans", "zh-Hans"), ("sr-Latn", "sr-Cyrl"),
    ]  # fmt: skip
    (model,) = found["models"]
    assert (model["seen"], model["reversed"], model["unseen_source"], model["unseen_target"]) == (2, 0, 2, 2)
    assert (model["trained_pairs"], model["examples"]) == (2, 40)
    assert found["missing"] == []
    assert {(row["model"], row["done"], row["to_do"]) for row in found["cells"]} == {("base", 0, 6), ("one", 0, 6)}
    base, one, total = found["cost"]
    assert (base["train_tokens"], one["train_tokens"], total["train_tokens"]) == (None, 100_000, 100_000)
    assert one["passes"] == pytest.approx(100_000 / one["text_tokens"], rel=1e-4)
    assert total["decode_tokens"] == 2 * base["decode_tokens"] > 0
    assert [one["train_hours"], one["decode_hours"], one["disk_megabytes"]] == [None] * 3
    printed = planner("plan", str(spec)).out
    assert "a bare" in printed
    assert "zh-Hant" in printed
    assert "none measured yet" in printed
    assert "There is no results store yet" in printed
    assert not Path(settings().store_url.removeprefix("sqlite:///")).exists()


def test_line_breaks_and_pairs_without_a_sentence(planner, spec, tmp_path):
    rows = [{"en": "One\ntwo.", "zh": "一二。", "sr-Latn": ""}, {"en": "Three.", "zh": "三。", "sr-Latn": None}]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    content = yaml.safe_load(spec.read_text())
    content["corpus"] = {"kind": "jsonl", "path": {"train": "rows.jsonl", "test": "rows.jsonl"}}
    content["models"][0]["pairs"] = ["en-zh", "sr_Latn-zh"]
    spec.write_text(yaml.safe_dump(content))
    found = tables(planner("plan", str(spec), "--json"))
    assert [(row["text"], row["model"], row["pair"], row["sentences"]) for row in found["line_breaks"]] == [
        ("training", "one", "en>zh-Hans", 1),
        ("test", None, "en>zh-Hans", 1),
        ("test", None, "zh-Hans>en", 1),
    ]
    reasons = {(row["text"], row["pair"]): (row["answer"], row["reason"]) for row in found["missing"]}
    file = tmp_path / "rows.jsonl"
    assert reasons["test", "sr-Latn>en"] == ("dropped", f"{file} has no sentence of sr-Latn>en")
    assert reasons["training", "sr-Latn>zh-Hans"] == ("dropped", f"{file} has no sentence of sr-Latn>zh-Hans")
    assert {(row["cells"], row["missing"]) for row in found["cells"]} == {(6, 4)}
    for changes, words in (
        ({"missing": "stop"}, "evaluation: 4 of 6 pairs have no text (en>sr-Latn: "),
        ({"languages": ["en", "sr_Latn"], "models": []}, "has test text for none of the 2 pairs"),
    ):
        spec.write_text(yaml.safe_dump(content | changes))
        outcome = planner("plan", str(spec))
        assert outcome.code == 2
        assert words in outcome.err


def test_a_plan_on_a_published_test_set_names_its_licence(planner, spec, tmp_path):
    content = yaml.safe_load(spec.read_text())
    for code, text in (("src.eng", "One."), ("ref.zho-CN", "一。"), ("ref.srp-Latn", "Jedan.")):
        (tmp_path / "ntrex").mkdir(exist_ok=True)
        (tmp_path / "ntrex" / f"newstest2019-{code}.txt").write_text(f"{text}\n")
    content["evaluation"]["corpus"] = {"kind": "ntrex", "path": "ntrex"}
    spec.write_text(yaml.safe_dump(content))
    printed = planner("plan", str(spec)).out
    assert "Tested on ntrex test" in printed and "The licence of ntrex: CC BY-SA 4.0." in printed


def test_hours_and_disk_come_from_earlier_runs_and_done_cells_are_seen(planner, spec, tmp_path):
    plan = make_plan(load_spec(spec))
    (training,) = plan.trainings
    store = Store.open(settings().store_url, settings().blobs_url)
    store.models.add(records.ModelRecord(id=plan.base.id, name="base", recipe=plan.base.recipe))
    store.models.add(
        records.ModelRecord(id=training.identity.id, name="one", parent=plan.base.id, base=plan.base.id, recipe={})
    )
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(bytes(3_000_000))
    # 100,000 tokens in 50 seconds
    store.models.add_training(training.identity.id, {"method": METHOD, "seconds": 50, "checkpoint": str(folder)})
    store.conditions.add_test_set(records.TestSetRecord(id=plan.test_set.id, **plan.test_set.model_dump(mode="json")))
    store.conditions.add_prompt(records.PromptRecord(id=plan.prompt.id, template=plan.prompt.template))
    decoding = plan.spec.evaluation.decoding
    store.conditions.add_decoding(records.DecodingRecord(id=decoding.id, settings=decoding.model_dump(mode="json")))
    grid = records.GridRecord(
        name="small", spec={}, spec_hash=plan.id, models=tuple(model.id for model in plan.models), base=plan.base.id,
        metrics=("bleu",), languages=plan.spec.languages,
    )  # fmt: skip
    cells = list(plan.cells())
    store.grids.add(grid, [records.CellRecord(cell=cell) for cell in cells])
    address = store.blobs.put_translation([("hypothesis", "stop", 10)] * 5)
    store.cells.advance(
        translated=[
            records.CellOutcome(
                translation=records.Translation(
                    cell_id=cells[0].id,
                    hypotheses=address,
                    segments=5,
                    tokens=50,
                    cut=0,
                    engine="test",
                    seconds=2,
                    worker="w",
                ),
                scores=[records.StoredScore(metric="bleu", signature="v1", value=1.0)],
            )
        ]
    )
    store.close()
    found = tables(planner("plan", str(spec), "--json"))
    assert {(row["model"], row["done"], row["to_do"]) for row in found["cells"]} == {("base", 1, 5), ("one", 0, 6)}
    base, one, total = found["cost"]
    assert one["train_hours"] == pytest.approx(50 / 3600, abs=1e-6)
    assert base["decode_hours"] == pytest.approx(base["decode_tokens"] / 25 / 3600, abs=1e-6)
    assert total["decode_hours"] == pytest.approx(2 * base["decode_hours"], abs=2e-6)
    assert 3 < one["disk_megabytes"] < 3.1
    assert total["disk_megabytes"] == pytest.approx(one["disk_megabytes"] + base["disk_megabytes"], abs=2e-6)
