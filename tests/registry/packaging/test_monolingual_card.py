"""Monolingual examples where a model is described: in its card, its record in the store, and its run in MLflow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.local_driver import plan_of, trained

from dragoman import plugins
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.contamination import SEARCH
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.settings import Settings
from dragoman.store.records import ContaminationRecord
from dragoman.tracking.mlflow import Tracker
from dragoman_jobs.driver import trainings
from dragoman_jobs.finetune.result import FinetuneResult, Progress
from dragoman_jobs.finetune.task import TrainingTask
from dragoman_jobs.testing import EchoEngine, run_plan
from dragoman_registry.gate.contamination import contamination
from dragoman_registry.packaging.model_card import write_card


def _trained(task: TrainingTask) -> Iterator[Progress]:
    """A finetuning that takes no time and has read some monolingual examples."""
    progress = list(trained(task))
    result = FinetuneResult.load(task.out).model_copy(update={"monolingual": {"de": 5, "fr": 4}})
    (task.out / "finetune.json").write_text(result.model_dump_json())
    yield from progress


def test_they_are_recorded_with_the_model_and_make_no_pair_a_seen_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = plugins.load
    monkeypatch.setattr(plugins, "load", lambda group, name: EchoEngine if group == "engines" else real(group, name))
    monkeypatch.setattr(trainings, "train", _trained)
    models: list[dict[str, Any]] = [
        {
            "name": "one", "pairs": ["fr-en"], "examples": 2,
            "monolingual": {"languages": ["de", "fr"], "task": "copy"},
            "method": {"kind": "full", "learning_rate": 0.1, "steps": 2},
        }
    ]  # fmt: skip
    plan = plan_of(tmp_path, models=models)
    store = run_plan(plan, Settings(home=tmp_path / "home"))
    model = store.models.get(plan.trainings[0].identity.id)
    assert {str(pair): model.graph.partition(pair) for pair in plan.pairs if "de" not in pair} == {
        "en-fr": Partition.REVERSED, "fr-en": Partition.SEEN,
    }  # fmt: skip
    assert model.graph.partition(plan.pairs[0]) is Partition.UNSEEN_SOURCE  # de-en
    record = store.models.training(model.id)
    assert record is not None and record["monolingual"] == {"de": 5, "fr": 4}

    card = write_card(store, store.grids.get("grid"), plan.spec, "one").text
    assert "Examples of each directed pair: fr-en 7." in card
    assert (
        "Monolingual examples of each language (task copy, `[{language}]: {text} [{language}]:`): de 5, fr 4." in card
    )
    assert "They make no pair a trained one." in card

    # a gate on contamination looks at the text of the languages too, under the pairs that it was read of
    assert plan.trainings[0].monolingual == {"de": Pair("en", "de"), "fr": Pair("en", "fr")}
    test_set = plan.test_sets[0].id
    found = {("en-de", "target"): 3, ("en-fr", "target"): 0, ("fr-en", "source"): 0, ("fr-en", "target"): 0}
    records = [
        ContaminationRecord(
            model=model.id, test_set=test_set, pair=Pair.read_back(pair), side=side, segments=5, sentences=4,
            exact=exact, near=0, similarity=0.75, search=SEARCH,
        )
        for (pair, side), exact in found.items()
    ]  # fmt: skip
    store.contamination.record(model.id, test_set, records)
    scores = pair_scores(store, ScoreQuestion("grid", "bleu"), model="one")
    rates = {str(each.pair): each.value for each in contamination(store, store.grids.get("grid"), model.id, scores)}
    assert (rates["de-fr"], rates["en-fr"]) == (75.0, 0.0)

    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    tracker = Tracker(uri, tmp_path / "artifacts", plan)
    tracker.log_training(plan.trainings[0], record)
    params = MlflowClient(uri).get_run(tracker.model_run(plan.trainings[0].identity)).data.params
    assert params["monolingual"] == "copy: de 5, fr 4" and params["pairs"] == "1"
