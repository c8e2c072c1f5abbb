"""What an earlier version did is found under the identities it had then, where these still hold."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dragoman.cell import CellState
from dragoman.corpora.factory import open_corpus
from dragoman.identity import fingerprint
from dragoman.planning.adoption import adopt
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.planning.test_set import TestSet, id_of_tested
from dragoman.settings import settings
from dragoman.spec.grid import GridSpec
from dragoman.store import records
from dragoman.store.jobs.measured_rates import cell_states
from dragoman.store.store import Store

Planned = Callable[..., Plan]
METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 1, "batch_tokens": 100}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    (tmp_path / "home").mkdir()
    return Store.open(settings().store_url, settings().blobs_url)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A base with an end token in its generation settings alone, WikiMatrix of one pair, and FLORES of two."""
    folder = tmp_path / "data"
    for name, content in {
        "base/model.safetensors": "weights",
        "base/config.json": json.dumps({"model_type": "xglm", "eos_token_id": 2}),
        "base/generation_config.json": json.dumps({"eos_token_id": [2, 7]}),
        "wikimatrix/WikiMatrix.de-en.tsv": "1.2\teins\tone\n1.1\tzwei\ttwo\n",
        **{
            f"flores/{split}/{code}.{split}": f"{code} one\n{code} two\n"
            for split in ("dev", "devtest")
            for code in ("eng_Latn", "deu_Latn")
        },
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    time.sleep(0.01)
    return folder


def planned(folder: Path, **changes: Any) -> Plan:
    content = {
        "name": "g", "base": str(folder / "base"), "languages": ["en", "de"],
        "corpus": {"kind": "wikimatrix", "path": str(folder / "wikimatrix")},
        "models": [{"name": "m", "pairs": ["en-de"], "examples": 2, "method": METHOD}],
        "evaluation": {"corpus": {"kind": "flores200", "path": str(folder / "flores")}},
    }  # fmt: skip
    return make_plan(GridSpec.model_validate({**content, **changes}))


def as_before(plan: Plan) -> Plan:
    """The plan with the identities that version 1 gave: all files of a corpus, and no settings of the base."""

    def former(identity: Any) -> Any:
        return identity.model_copy(update={"recipe": identity.former.recipe} if identity.former else {})

    corpus = plan.spec.evaluation.corpus
    assert corpus is not None
    revision = open_corpus(corpus.kind, corpus.options).revision
    test = TestSet(corpus=corpus.kind, revision=revision, split=plan.test_set.split, sentences=None)
    trainings = tuple(
        training.model_copy(update={"identity": former(training.identity)}) for training in plan.trainings
    )
    spec_hash = fingerprint("spec", 1, plan.spec.model_dump(mode="json"))
    test_sets = (plan.first.model_copy(update={"test_set": test}),)
    changes = {"base": former(plan.base), "trainings": trainings, "test_sets": test_sets, "known_as": spec_hash}
    return Plan(**{**{name: getattr(plan, name) for name in Plan.model_fields}, **changes})


def fill(store: Store, plan: Plan) -> None:
    """Have everything of a plan done."""
    store.models.add(records.ModelRecord(id=plan.base.id, name="base", recipe=plan.base.recipe))
    for training in plan.trainings:
        identity = training.identity
        store.models.add(
            records.ModelRecord(
                id=identity.id,
                name=identity.name,
                recipe=identity.recipe,
                parent=plan.base.id,
                base=plan.base.id,
                seed=1,
            )
        )
        store.models.add_training(identity.id, {"checkpoint": "somewhere"})
    store.conditions.add_test_set(records.TestSetRecord(id=plan.test_set.id, **plan.test_set.model_dump(mode="json")))
    store.conditions.add_prompt(records.PromptRecord(id=plan.prompt.id, template=plan.prompt.template))
    decoding = plan.spec.evaluation.decoding
    store.conditions.add_decoding(records.DecodingRecord(id=decoding.id, settings=decoding.meaning))
    test = store.blobs.put_test(["a"], ["b"])
    store.grids.add(
        records.GridRecord(
            name=plan.spec.name, spec=plan.spec.model_dump(mode="json"), spec_hash=plan.id,
            models=tuple(model.id for model in plan.models), base=plan.base.id, metrics=("bleu",),
            languages=plan.spec.languages, names={model.id: model.name for model in plan.models},
        ),
        [records.CellRecord(cell=cell, test=test) for cell in plan.cells()],
    )  # fmt: skip
    score = records.StoredScore(metric="bleu", signature="v", value=1.0)
    for cell in plan.cells():
        address = store.blobs.put_translation([("c", "stop", 1)])
        translation = records.Translation(
            cell_id=cell.id, hypotheses=address, segments=1, tokens=1, cut=0, engine="test", seconds=1, worker="w"
        )
        store.cells.advance(translated=[records.CellOutcome(translation=translation, scores=[score])])


def to_do(plan: Plan, store: Store) -> set[str]:
    """The models that have cells left to do."""
    states = cell_states(store, [model.id for model in plan.models])
    names = {model.id: model.name for model in plan.models}
    return {names[cell.model] for cell in plan.cells() if states.get(cell.id) is not CellState.DONE}


@pytest.fixture
def before(store: Store, folder: Path) -> Plan:
    """The grid as version 1 did it."""
    plan = as_before(planned(folder))
    fill(store, plan)
    return plan


def test_what_was_done_before_is_found(store: Store, folder: Path, before: Plan) -> None:
    plan = planned(folder)
    assert to_do(plan, store) == {"base", "m"}  # by the identities of today alone
    plan = adopt(plan, store)
    assert to_do(plan, store) == set()
    assert plan.id == before.id
    assert [model.id for model in plan.models] == [model.id for model in before.models]
    assert plan.trainings[0].identity.parent == plan.base.id
    assert plan.first.tested.id == id_of_tested(before.test_set, plan.contents)


def test_what_was_done_in_this_version_is_found_without_that(store: Store, folder: Path) -> None:
    plan = planned(folder)
    fill(store, plan)
    assert adopt(plan, store) == plan
    assert to_do(plan, store) == set()


def test_files_of_other_pairs_leave_done_what_was_done_before(store: Store, folder: Path, before: Plan) -> None:
    (folder / "wikimatrix" / "WikiMatrix.de-fr.tsv").write_text("1.2\teins\tun\n")
    for split in ("dev", "devtest"):
        (folder / "flores" / split / f"fra_Latn.{split}").write_text("un\ndeux\n")
    assert to_do(adopt(planned(folder), store), store) == set()


def test_another_language_in_the_grid_leaves_its_other_pairs_done(store: Store, folder: Path, before: Plan) -> None:
    for split in ("dev", "devtest"):
        (folder / "flores" / split / f"fra_Latn.{split}").write_text("un\ndeux\n")
    plan = adopt(planned(folder, languages=["en", "de", "fr"]), store)
    states = cell_states(store, [model.id for model in plan.models])
    assert {str(cell.pair) for cell in plan.cells() if cell.id in states} == {"en-de", "de-en"}


def test_other_end_tokens_since_then_are_another_model(store: Store, folder: Path, before: Plan) -> None:
    (folder / "base" / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 8]}))
    assert to_do(adopt(planned(folder), store), store) == {"base", "m"}


def test_other_training_text_since_then_is_another_model(store: Store, folder: Path, before: Plan) -> None:
    (folder / "wikimatrix" / "WikiMatrix.de-en.tsv").write_text("1.2\teins\tone\n1.1\tdrei\tthree\n")
    assert to_do(adopt(planned(folder), store), store) == {"m"}


def test_older_text_put_there_since_then_is_another_model(store: Store, folder: Path, before: Plan) -> None:
    other = folder / "wikimatrix" / "other"
    other.write_text("1.2\teins\tone\n1.1\tdrei\tthree\n")
    os.utime(other, (1, 1))
    other.replace(folder / "wikimatrix" / "WikiMatrix.de-en.tsv")
    assert to_do(adopt(planned(folder), store), store) == {"m"}


def test_other_test_lines_are_other_cells(store: Store, folder: Path, before: Plan) -> None:
    (folder / "flores" / "devtest" / "deu_Latn.devtest").write_text("deu one\nanother\n")
    assert to_do(adopt(planned(folder), store), store) == {"base", "m"}


def test_the_same_spec_from_another_folder_is_the_same_plan(store: Store, folder: Path, before: Plan) -> None:
    moved = folder.parent / "moved"
    folder.rename(moved)
    elsewhere = planned(moved).spec.model_dump(mode="json")
    assert str(moved / "base") in json.dumps(elsewhere)
    corpora = {"corpus": before.spec.corpus.model_dump(mode="json"), "evaluation": elsewhere["evaluation"]}
    folder.symlink_to(moved)  # corpora stand where the spec says
    corpora["evaluation"]["corpus"] = before.spec.evaluation.corpus
    plan = planned(moved, **corpora)
    assert plan.spec.base.model != before.spec.base.model
    assert plan.id == planned(folder).id
    assert adopt(plan, store).id == before.id
