"""What MLflow's own searches find: models and checkpoints by their scores on a data set, prompts, data sets to load."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import mlflow.data
import pytest
import yaml
from mlflow import MlflowClient

from dragoman.analysis.partition_table import PartitionRow
from dragoman.pair import Pair
from dragoman.planning.plan import Plan
from dragoman.planning.planner import make_plan
from dragoman.spec.loading import load_spec
from dragoman.spec.prompt import Prompt
from dragoman.tracking.datasets import planned_data
from dragoman.tracking.evaluation import Evaluation
from dragoman.tracking.mlflow import Tracker
from dragoman.tracking.prompts import PromptRegistry, template_of

ROOT = Path(__file__).parents[3]

MEANS = {"base": (3.0, 20.0), "english-centric": (30.0, 60.0), "roles": (40.0, 50.0)}
"""Mean BLEU and chrF++ that the models are given; by each another one is the best."""

TABLES = (
    "runs", "metrics", "latest_metrics", "params", "tags", "logged_models", "logged_model_metrics", "logged_model_tags",
    "datasets", "inputs", "registered_models", "model_versions",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logged-models")


@pytest.fixture(scope="module")
def uri(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture(scope="module")
def planned(folder: Path) -> Any:
    def make(name: str, **changed: Any) -> Plan:
        content = yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text())
        content |= {"name": name, "base": str(ROOT / "examples" / "tiny-xglm")}
        content["evaluation"] |= changed.pop("evaluation", {})
        content["evaluation"] = {key: value for key, value in content["evaluation"].items() if value is not None}
        content["models"][0]["method"] |= changed.pop("method", {})
        file = folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump(content | changed))
        return make_plan(load_spec(file))

    return make


def _rows(mean: float) -> list[PartitionRow]:
    return [
        PartitionRow.model_construct(scope=scope, mean=mean + more, done=pairs, gain=more, total=pairs)
        for scope, more, pairs in (("all", 0.0, 30), ("seen", 5.0, 7))
    ]


def _evaluation(name: str, others: Sequence[str] = ()) -> Evaluation:
    bleu, chrf = MEANS[name]
    tables = {"bleu": _rows(bleu), "chrf++": _rows(chrf)}
    for each in others:  # there the order of the models is the other one
        tables |= {f"{each}/bleu": _rows(100 - bleu), f"{each}/chrf++": _rows(100 - chrf)}
    return Evaluation(tables, note=f"**{name}**")


def _write(uri: str, folder: Path, plan: Plan, looks: Sequence[Sequence[Any]] = ()) -> Tracker:
    """A grid, written by a process of its own, as a resumed one would."""
    tracker = Tracker(uri, folder / "artifacts", plan)
    tracker.start()
    for training in plan.trainings:
        record = {"examples": {}, "losses": [], "dev": looks, "chosen_step": (looks and 4) or None}
        tracker.log_training(training, record if training.finetuning.name == "english-centric" else {})
    others = [str(each.name) for each in plan.test_sets[1:]]
    for model in plan.models:
        tracker.log_evaluation(model, _evaluation(model.name, others))
    tracker.finish(["seen"], failed=False)
    return tracker


def _counts(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


def _experiment(uri: str, name: str) -> tuple[MlflowClient, str]:
    client = MlflowClient(uri, uri)
    found = client.get_experiment_by_name(name)
    assert found is not None
    return client, found.experiment_id


def _best(client: MlflowClient, experiment: str, metric: str, dataset: Any) -> list[str | None]:
    order = {"field_name": f"metrics.{metric}", "ascending": False, "dataset_name": dataset.name}
    return [each.name for each in client.search_logged_models([experiment], order_by=[order])]


def _datasets(client: MlflowClient, experiment: str, run_name: str) -> list[Any]:
    (run,) = client.search_runs([experiment], f"attributes.run_name = '{run_name}'")
    return [each.dataset for each in run.inputs.dataset_inputs]


@pytest.fixture(scope="module")
def best(uri: str, folder: Path, planned: Any) -> Plan:
    """A grid that was written, whose test set is a sample."""
    plan: Plan = planned("best", evaluation={"sentences": {"n": 4, "seed": 3}})
    _write(uri, folder, plan)
    return plan


def test_the_best_model_on_a_data_set_is_found_by_each_metric(best: Plan, uri: str) -> None:
    client, experiment = _experiment(uri, "best")
    (tested,) = _datasets(client, experiment, "roles evaluation")
    assert _best(client, experiment, "chrfpp/all", tested) == ["english-centric", "roles", "base"]
    assert _best(client, experiment, "bleu/all", tested) == ["roles", "english-centric", "base"]
    found = client.search_logged_models(
        [experiment],
        "metrics.`chrfpp/seen` > 60",
        datasets=[{"dataset_name": tested.name, "dataset_digest": tested.digest}],
    )
    assert [each.name for each in found] == ["english-centric"]
    (winner,) = found
    assert {(one.dataset_name, one.dataset_digest) for one in winner.metrics or ()} == {(tested.name, tested.digest)}
    assert str(winner.status) == "READY"
    assert winner.params["method.kind"] == "full"
    assert winner.params["base"] == "tiny-xglm"  # no path of this machine
    run = client.get_run(str(winner.source_run_id))
    assert [(each.model_id, each.step) for each in run.outputs.model_outputs] == [(winner.model_id, 600)]


def test_what_was_cut_short_is_completed(uri: str, folder: Path, planned: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    start = _counts(folder)
    _write(uri, folder, planned("whole"))
    assert _counts(folder) != start
    whole = {table: count - start[table] for table, count in _counts(folder).items()}
    plan, start = planned("cut"), _counts(folder)
    for call in ("finalize_logged_model", "log_batch", "log_outputs", "log_inputs"):
        tracker = Tracker(uri, folder / "artifacts", plan)
        tracker.start()
        anything: Any = tracker
        real = getattr(anything._client, call)

        def cut(*args: Any, real: Any = real, **named: Any) -> None:
            real(*args, **named)
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(anything._client, call, cut)
            with pytest.raises(KeyboardInterrupt):
                tracker.log_training(plan.trainings[0], {"losses": [], "examples": {}})
            with suppress(KeyboardInterrupt):  # an evaluation makes no model
                tracker.log_evaluation(plan.base, _evaluation("base"))
    _write(uri, folder, plan)
    made = {table: count - start[table] for table, count in _counts(folder).items()}
    # what is shared is there already: the prompt, and its version
    assert made == whole


def test_each_kept_checkpoint_is_a_model_with_its_step_and_written_again_nothing_changes(
    uri: str, folder: Path, planned: Any
) -> None:
    plan = planned("steps", method={"selection": {"every": 2, "sentences": 3}})
    looks = [(2, 10.0, {"seen": 11.0}, True), (3, 9.0, {"seen": 9.0}, True), (4, 12.0, {"seen": 13.0}, True)]
    _write(uri, folder, plan, looks)
    before = _counts(folder)
    _write(uri, folder, plan, looks)  # by another process
    assert _counts(folder) == before
    client, experiment = _experiment(uri, "steps")
    found = client.search_logged_models([experiment], order_by=[{"field_name": "metrics.dev", "ascending": False}])
    scored = [(each.name, {one.key: (one.value, one.step) for one in each.metrics or ()}) for each in found]
    assert [name for name, metrics in scored if "dev" in metrics] == [
        "english-centric", "english-centric step 4", "english-centric step 2",
    ] or [name for name, metrics in scored if "dev" in metrics] == [
        "english-centric step 4", "english-centric", "english-centric step 2",
    ]  # fmt: skip
    assert dict(scored)["english-centric step 2"] == {"dev": (10.0, 2), "dev/seen": (11.0, 2)}
    (run,) = client.search_runs([experiment], "attributes.run_name = 'english-centric'")
    names = {each.model_id: each.name for each in found}
    assert {(names[each.model_id], each.step) for each in run.outputs.model_outputs} == {
        ("english-centric", 4), ("english-centric step 2", 2), ("english-centric step 4", 4),
    }  # fmt: skip
    history = client.get_metric_history(run.info.run_id, "dev")
    assert sorted((point.step, point.value) for point in history) == [(2, 10.0), (3, 9.0), (4, 12.0)]


def test_on_each_of_several_test_sets_metrics_have_the_same_names(uri: str, folder: Path, planned: Any) -> None:
    sets = [{"name": "first", "sentences": 20}, {"name": "second", "sentences": 10}]
    plan = planned("two", evaluation={"test_sets": sets, "sentences": None, "pairs": None})
    _write(uri, folder, plan)
    client, experiment = _experiment(uri, "two")
    first, second = sorted(
        _datasets(client, experiment, "roles evaluation"), key=lambda each: '"sentences":10' in each.source
    )
    assert _best(client, experiment, "chrfpp/all", first) == ["english-centric", "roles", "base"]
    assert _best(client, experiment, "chrfpp/all", second) == ["base", "roles", "english-centric"]
    (run,) = client.search_runs([experiment], "attributes.run_name = 'roles evaluation'")
    assert run.data.metrics["second/bleu/all"] == run.data.metrics["bleu/all"] + 20  # 100 - 40, and 40


def test_prompts_are_registered_and_linked(best: Plan, uri: str) -> None:
    client, experiment = _experiment(uri, "best")
    for model in client.search_logged_models([experiment]):
        assert model.tags["mlflow.linkedPrompts"] == '[{"name": "dragoman.mfti", "version": "1"}]'
    prompt = client.load_prompt("prompts:/dragoman.mfti/1")
    assert prompt is not None
    assert prompt.template == "[{{source_language}}]: {{source}} [{{target_language}}]:"
    asked = prompt.format(source_language="English", target_language="German", source="two {hours}")
    assert asked == best.prompt.render(Pair("en", "de"), "two {hours}")
    assert [each.name for each in client.search_prompts(f"experiment_id = '{experiment}'")] == ["dragoman.mfti"]
    assert client.search_registered_models() == []  # a prompt is no model
    assert client.search_model_versions() == []


def test_prompts_of_one_name_are_versions_and_each_is_there_once(uri: str) -> None:
    client = MlflowClient(uri, uri)
    prompts = [
        Prompt(template=f"{word} {{{{{{source}}}}}} in {{target_language}}", name="own") for word in ("Say", "Put")
    ]
    for _ in range(2):
        registry = PromptRegistry(client, "7")
        assert [registry.version_of(each) for each in prompts] == [("dragoman.own", "1"), ("dragoman.own", "2")]
    chat = Prompt(template="mfti", chat={"system": "You translate."})
    assert template_of(chat) == [
        {"role": "system", "content": "You translate."},
        {"role": "user", "content": "[{{source_language}}]: {{source}} [{{target_language}}]:"},
    ]


def test_a_data_set_is_loaded_again_from_its_source(best: Plan, uri: str, planned: Any) -> None:
    client, experiment = _experiment(uri, "best")
    (dataset,) = _datasets(client, experiment, "base evaluation")
    lines = mlflow.data.get_source(dataset).load()  # MLflow's own, by the entry point
    expected = [(line.source, line.target) for line in best.lines.segments(Pair("en", "de"))]
    assert list(lines[lines["pair"] == "en-de"][["source", "target"]].itertuples(index=False, name=None)) == expected
    assert len(set(lines["pair"])) == 30
    # the same text is the same data set in another grid, and other sentences are another
    same, other = (planned(f"n{seed}", evaluation={"sentences": {"n": 4, "seed": seed}}).first for seed in (3, 4))
    assert (planned_data(same).name, planned_data(same).digest) == (dataset.name, dataset.digest)
    assert planned_data(other).name != dataset.name
    assert planned_data(other).digest != dataset.digest
