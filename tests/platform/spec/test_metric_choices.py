"""Metrics in a spec: names as ever, and mappings with the options of a metric that holds a model."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from tests.fixtures.model_metric import Notes

from dragoman.errors import SpecError
from dragoman.planning.model_metrics import configured_metrics
from dragoman.spec.grid import GridSpec
from dragoman.spec.json_schema import json_schema
from dragoman.spec.loading import load_spec
from dragoman.spec.metric import written_metrics

MINE = {"metric": "overlap", "name": "mine", "revision": "2", "checkpoint": "models/small"}


def written(folder: Path, *metrics: Any, **more: Any) -> Path:
    spec = {"name": "g", "base": "facebook/xglm-564M", "languages": ["en", "de"], "corpus": "cldr", **more}
    path = folder / "grid.yaml"
    path.write_text(yaml.safe_dump({**spec, "evaluation": {"metrics": list(metrics)}}))
    return path


def test_a_mapping_is_called_plugin_and_name_and_keeps_its_options(tmp_path: Path, overlap: Notes) -> None:
    (tmp_path / "models" / "small").mkdir(parents=True)
    spec = load_spec(written(tmp_path, "bleu", {"metric": "chrf"}, MINE, "overlap"))
    assert spec.evaluation.metric_names == ("bleu", "chrf", "overlap:mine", "overlap")
    mine, plain = configured_metrics(spec.evaluation.metrics)
    assert mine.name == "overlap:mine" and plain.name == "overlap"
    # a relative path is looked for beside the spec
    assert mine.options == {"checkpoint": str(tmp_path / "models" / "small"), "revision": "2", "seconds": 0.0}
    assert plain.options == {"checkpoint": "small", "revision": "1", "seconds": 0.0}
    stored = spec.model_dump(mode="json")
    assert stored["evaluation"]["metrics"][:2] == ["bleu", "chrf"]  # names stay words: older specs keep their hash
    assert GridSpec.from_store(stored) == spec
    assert list(written_metrics(stored)) == ["bleu", "chrf", "overlap:mine", "overlap"]
    assert written_metrics(stored)["overlap:mine"]["revision"] == "2"


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        (["overlop"], "names 'overlop', which is not an installed metric; did you mean 'overlap'?"),
        ([{"metric": "overlop", "name": "x"}], "names 'overlop', which is not an installed metric"),
        ([{"name": "mine"}], "has a mapping without the key 'metric'"),
        (["overlap:mine"], "write a mapping, as `{metric: overlap, name: mine, ...}`"),
        ([{**MINE, "chekpoint": "x"}], "has no option 'chekpoint'; did you mean 'checkpoint'?"),
        ([{**MINE, "seconds": "long"}], "evaluation.metrics.0.seconds is 'long'"),
        ([{"metric": "bleu", "name": "mine"}], "the metric bleu holds no model and has no options"),
        ([MINE, MINE], "must name at least one metric, each once"),
        ([{**MINE, "name": "a b"}], "evaluation.metrics.0.name"),
    ],
)
def test_a_mistake_is_a_sentence(tmp_path: Path, overlap: Notes, metrics: list[Any], sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_spec(written(tmp_path, *metrics))
    assert sentence in str(caught.value)


def test_a_checkpoint_may_be_selected_by_any_metric(tmp_path: Path, overlap: Notes) -> None:
    method = {"kind": "full", "learning_rate": 0.1, "steps": 4, "selection": {"every": 2, "metric": "overlap"}}
    model = {"name": "m", "pairs": ["de-en"], "examples": 2, "method": method}
    assert load_spec(written(tmp_path, "bleu", models=[model])).models[0].method.selection.metric == "overlap"
    method["selection"] = {"every": 2, "metric": {"metric": "overlap", "weight": 1}}
    with pytest.raises(SpecError, match=r"models\.0\.method\.selection\.metric: the metric overlap has no option"):
        load_spec(written(tmp_path, "bleu", models=[model]))


def test_the_schema_takes_what_the_loader_takes(tmp_path: Path, overlap: Notes) -> None:
    schema = Draft202012Validator(json_schema())
    for metrics in (["bleu"], [MINE], ["bleu", {"metric": "overlap", "checkpoint": "x"}]):
        assert not list(schema.iter_errors(yaml.safe_load(written(tmp_path, *metrics).read_text())))
    assert list(schema.iter_errors(yaml.safe_load(written(tmp_path, {"name": "x"}).read_text())))


def test_a_rule_may_be_about_a_metric_with_a_name(tmp_path: Path, overlap: Notes) -> None:
    method = {"kind": "full", "learning_rate": 0.1, "steps": 4}
    more = {
        "models": [{"name": "m", "pairs": ["de-en"], "examples": 2, "method": method}],
        "promotion": {"model": "m", "metric": "overlap:mine", "rules": [{"metric": "overlap:mine", "at_least": 0.8}]},
    }
    assert load_spec(written(tmp_path, MINE, **more)).promotion is not None
    more["promotion"]["metric"] = "overlap:other"
    with pytest.raises(SpecError, match="names the metric 'overlap:other'"):
        load_spec(written(tmp_path, MINE, **more))
