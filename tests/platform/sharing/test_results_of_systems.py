"""The results of one system as a model card's `model-index`, and as mteb's files."""

import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results

from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.errors import StoreError
from dragoman.plugins import available
from dragoman.sharing.model_index import DATASETS, METRICS, model_index, model_index_yaml
from dragoman.sharing.mteb import write_results
from dragoman.store.store import Store


def test_the_hub_reads_what_the_partition_table_has(shared_store: Store) -> None:
    name, results = model_index_to_eval_results(model_index(shared_store, "small", "a"))
    assert name == "a" and all(isinstance(each, EvalResult) for each in results)
    for metric, kind in (("bleu", "BLEU"), ("chrf++", "chrF++"), ("ter", "TER")):
        for row in partition_table(shared_store, ScoreQuestion("small", metric), model="a", resample=False):
            found = [
                each for each in results
                if each.dataset_config == row.scope and str(each.metric_name).startswith(f"{kind}, ")
            ]  # fmt: skip
            if row.mean is None:
                assert not found
                continue
            (result,) = found
            assert result.metric_value == round(row.mean, 4)
            assert result.metric_args["pairs"] == row.done and result.metric_args["planned"] == row.pairs
            assert (result.task_type, result.dataset_split, result.dataset_revision) == ("translation", "test", "r1")
            assert "version:" in str(result.metric_args["signature"])


def test_it_is_the_same_after_the_hub_has_written_it(shared_store: Store) -> None:
    own = model_index(shared_store, "small", "b/2", pairs=True)
    name, results = model_index_to_eval_results(own)
    assert eval_results_to_model_index(name, results) == own
    configs = {each.dataset_config for each in results}
    assert {"eng_Latn-zho_Hans", "deu_Latn-eng_Latn", "all"} <= configs


def test_a_card_with_it_is_one_of_the_hub(shared_store: Store) -> None:
    text = f"---\n{model_index_yaml(shared_store, 'small', 'a')}---\n# a\n"
    card = ModelCard(text)
    assert isinstance(card.data, ModelCardData) and card.data.model_name == "a"
    assert len(card.data.eval_results or []) > 5


def test_systems_that_are_not_there_are_refused(shared_store: Store) -> None:
    with pytest.raises(StoreError, match="no system 'c'"):
        model_index(shared_store, "small", "c")


def test_mteb_finds_each_result_where_it_looks(shared_store: Store, tmp_path: Path) -> None:
    """Places and fields are those of embeddings-benchmark/mteb: mteb/cache.py, mteb/results/task_result.py."""
    write_results(shared_store, "small", tmp_path / "out")
    files = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.json"))
    assert files == [
        f"results/{folder}/{model}/{name}.json"
        for folder, model in (("a", "model1-a"), ("b__2", "model1-b"), ("base", "model1-base"))
        for name in ("model_meta", "tsv")
    ]
    result = json.loads((tmp_path / "out/results/a/model1-a/tsv.json").read_text())
    assert set(result) == {
        "dataset_revision", "task_name", "mteb_version", "scores", "evaluation_time", "kg_co2_emissions",
    }  # fmt: skip
    assert (result["task_name"], result["dataset_revision"]) == ("tsv", "r1")
    rows = {row["hf_subset"]: row for row in result["scores"]["test"]}
    assert rows["deu_Latn-eng_Latn"]["languages"] == ["deu-Latn", "eng-Latn"]
    assert rows["deu_Latn-eng_Latn"]["main_score"] == rows["deu_Latn-eng_Latn"]["bleu"]
    assert "ter" not in rows["eng_Latn-zho_Hans"] and "tok:zh" in rows["eng_Latn-zho_Hans"]["signatures"]["bleu"]
    about = json.loads((tmp_path / "out/results/a/model1-a/model_meta.json").read_text())
    assert (about["name"], about["revision"]) == ("a", "model1-a")


def test_one_system_alone_may_be_written(shared_store: Store, tmp_path: Path) -> None:
    write_results(shared_store, "small", tmp_path / "out", system="a")
    assert [path.name for path in (tmp_path / "out/results").iterdir()] == ["a"]
    assert yaml.safe_load((tmp_path / "out/results/a/model1-a/tsv.json").read_text())


def test_data_sets_and_metrics_are_named_by_kinds_that_there_are() -> None:
    assert DATASETS.keys() <= set(available("corpora")) and METRICS.keys() <= set(available("metrics"))
