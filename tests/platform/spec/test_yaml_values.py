"""YAML 1.1 takes words for truth values, and numbers for other ones: nothing is read as what it was not meant as."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from dragoman import plugins
from dragoman.errors import CorpusError, SpecError
from dragoman.pair import Pair
from dragoman.settings import Settings, SettingsError, settings
from dragoman.spec.base import SpecModel
from dragoman.spec.corpus import CorpusChoice, CorpusOptions, checked_options
from dragoman.spec.document import parsed
from dragoman.spec.loading import load_campaign, load_spec
from dragoman.truth_values import NoTruthValues, _taken

HINT = "YAML reads yes, no, on and off as truth values: put the word in quotes"


# The values are those of the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema).
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12), ("-3", -3), ("+7", 7), ("0", 0), ("00", 0), ("07", 7), ("0x1F", 31), ("0.5", 0.5), (".5", 0.5),
        ("1.5e+3", 1500.0), ("-.inf", float("-inf")), ("true", True), ("False", False), ("~", None), ("null", None),
        ("1:30", "1:30"), ("190:20:30", "190:20:30"), ("1:30.5", "1:30.5"), ("2024-01-01", "2024-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"), ("=", "="), ("nb", "nb"), ("'no'", "no"),
    ],
)  # fmt: skip
def test_a_plain_value_is_what_yaml_1_2_makes_of_it(text: str, value: Any) -> None:
    assert parsed(f"key: {text}", Path("spec.yaml")) == {"key": value}
    assert parsed(f"{{{text}: key}}", Path("spec.yaml")) == {value: "key"}


# 010 is octal in YAML 1.1 (https://yaml.org/type/int.html) and decimal in 1.2; 0b11 is a number in 1.1 alone
@pytest.mark.parametrize(
    ("text", "there", "here"),
    [("010", "8", "10"), ("0123", "83", "123"), ("-017", "-15", "-17"), ("0_10", "8", "10"), ("0b11", "3", "a word")],
)
def test_a_number_that_yaml_1_1_and_1_2_read_differently_is_refused(text: str, there: str, here: str) -> None:
    for line in (f"a: 1\nkey: {text}", f"a: 1\n{text}: 1", f"a:\n- {text}"):
        with pytest.raises(SpecError) as caught:
            parsed(line, Path("spec.yaml"))
        assert f"spec.yaml, line 2: {text} is {there} in YAML 1.1 and {here} in YAML 1.2" in str(caught.value)
        assert str(caught.value).endswith("or put it in quotes.")


@pytest.mark.parametrize("text", ["{a: 1, 'a': 2}", "{1: a, 0x1: b}", "{no: 1, off: 2}", "{~: 1, null: 2}"])
def test_keys_that_are_one_stand_once(text: str) -> None:
    with pytest.raises(SpecError, match="is there already, in line 1: remove one of the two"):
        parsed(text, Path("spec.yaml"))


# Every place of a number, a word, a language or a pair, by an entry of the spec that holds a truth value there.
WORDS: list[dict[str, Any]] = [
    {"name": False},
    {"base": False},
    {"base": {"model": True}},
    {"base": {"model": "m", "revision": True}},
    {"base": {"model": "m", "trained_on": [["en", False]]}},
    {"base": {"model": "m", "trained_on": False}},
    {"languages": ["en", False]},
    {"corpus": True},
    {"corpus": {"kind": False}},
    {"corpus": {"kind": "tsv", "path": False}},
    {"corpus": {"kind": "tsv", "path": {"test": True}}},
    {"corpus": {"kind": "tsv", "path": "x", "columns": {"en": "en", "nb": False}}},
    {"corpus": {"kind": "tsv", "path": "x", "columns": {"en": "en", False: "nb"}}},
    {"prompt": True},
    {"prompt": {"template": "mfti", "names": True}},
    {"prompt": {"template": "mfti", "wrong_languages": [False]}},
    {"missing": {"pivot": False}},
    {"evaluation": {"pairs": False}},
    {"evaluation": {"pairs": {"centric": False}}},
    {"evaluation": {"pairs": {"centric": ["en", False]}}},
    {"evaluation": {"pairs": {"roles": {"both": ["en", False]}}}},
    {"evaluation": {"pairs": [["en", False]]}},
    {"evaluation": {"metrics": [True]}},
    {"evaluation": {"split": True}},
    {"evaluation": {"decoding": {"stop": [True]}}},
    {"baselines": [{"name": "b", "model": "m", "trained_on": [[False, "en"]]}]},
    {"promotion": {"model": "m", "rules": [{"at_least": 1, "over": False}]}},
    {"promotion": {"model": "m", "rules": [{"at_least": 1, "over": ["en", False]}]}},
    {"promotion": {"model": "m", "rules": [{"at_least": 1}], "protected": [["en", False]]}},
    {"promotion": {"model": "m", "rules": [{"at_least": 1}], "signatures": {"bleu": False}}},
]
NUMBERS: list[dict[str, Any]] = [
    {"seed": True},
    {"evaluation": {"sentences": True}},
    {"evaluation": {"pairs": {"sample": True}}},
    {"evaluation": {"decoding": {"beam": True}}},
    {"evaluation": {"decoding": {"length_penalty": True}}},
    {"contamination": {"similarity": True}},
    {"filters": {"min_length": True}},
    {"prompt": {"template": "mfti", "shots": True}},
    {"promotion": {"model": "m", "rules": [{"at_least": True}]}},
    {"corpus": {"kind": "cldr", "seed": True}},
]


@pytest.mark.parametrize("change", [*WORDS, *NUMBERS], ids=str)
def test_a_truth_value_where_a_word_or_a_number_stands_is_refused(
    demo: dict[str, Any], spec_file: Callable[[Any], Path], change: dict[str, Any]
) -> None:
    with pytest.raises((SpecError, CorpusError)) as caught:
        load_spec(spec_file(demo | change))
    assert (HINT if change in WORDS else "is a truth value where a number stands; give the number") in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_a_value_of_a_sweep_is_not_named_by_a_truth_value(
    demo: dict[str, Any], spec_file: Callable[[Any], Path]
) -> None:
    with pytest.raises(SpecError, match=HINT):
        load_campaign(spec_file(demo | {"sweep": {"seed": {False: 1, True: 2}}}))
    with pytest.raises(SpecError, match="is a truth value where a number stands"):
        load_campaign(spec_file(demo | {"sweep": {"seed": [True, 2]}}))


@pytest.mark.parametrize("name", [False, 2024, None])
def test_a_campaigns_name_is_a_word(demo: dict[str, Any], spec_file: Callable[[Any], Path], name: Any) -> None:
    with pytest.raises(SpecError, match=r"spec.yaml: name (is|\()"):
        load_campaign(spec_file(demo | {"name": name, "sweep": {"seed": [1, 2]}}))


def test_switches_are_still_thrown_by_every_word_yaml_has_for_it(demo: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        "name: a\nbase: m/m\nlanguages: [en, 'no']\ncorpus: cldr\nfilters: {test_overlap: yes}\n"
        "prompt: {template: mfti, chat: {options: {enable_thinking: no}}}\nevaluation: {base: on}\n"
    )
    spec = load_spec(path)
    assert (spec.filters.test_overlap, spec.evaluation.base, spec.languages[1]) == (True, True, "nb")
    assert spec.prompt.chat is not None
    assert spec.prompt.chat.options == {"enable_thinking": False}


def _models() -> Iterator[type[BaseModel]]:
    waiting: list[type[BaseModel]] = [SpecModel, CorpusOptions]
    for kind in plugins.available("corpora"):
        plugins.load("corpora", kind)
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        if model.__module__.startswith("dragoman"):
            yield model
    yield Settings


def _holds(annotation: Any, kinds: tuple[type, ...]) -> bool:
    if get_origin(annotation) is None:
        return annotation in kinds
    return any(_holds(part, kinds) for part in get_args(annotation))


@pytest.mark.parametrize("model", sorted(set(_models()), key=str), ids=lambda model: model.__name__)
def test_no_field_takes_a_truth_value_for_something_else(model: type[BaseModel]) -> None:
    assert issubclass(model, NoTruthValues)
    for name, field in model.model_fields.items():
        takes = bool in _taken(model, name) or name in model._switches
        assert takes == (_holds(field.annotation, (bool, Any)) or name in ("chat", "no_significant_regression")), name
        if takes or (model is CorpusChoice and name != "kind"):  # whose other keys are its kind's options
            continue
        for value in (True, [False], [["en", True]]):
            with pytest.raises(ValidationError) as caught:
                model.model_validate({name: value})
            assert any("truth value" in error["msg"] for error in caught.value.errors()), (name, value)


@pytest.mark.parametrize("text", ["workers = true", "worker_cpus = true", "batch_tokens = false", "store = true"])
def test_a_settings_file_is_held_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dragoman.toml").write_text(text)
    settings.cache_clear()
    with pytest.raises(SettingsError, match="is a truth value where"):
        settings()
    settings.cache_clear()


def test_a_column_may_be_called_no(tmp_path: Path) -> None:
    options = checked_options("tsv", {"path": "x", "columns": {"en": 0, "no": "no"}})
    assert options.model_dump()["columns"] == {"en": 0, "nb": "no"}


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1.0e+999"])
def test_a_number_is_finite(demo: dict[str, Any], tmp_path: Path, value: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        f"name: a\nbase: m/m\nlanguages: [en, de]\ncorpus: cldr\n"
        f"evaluation: {{decoding: {{length_penalty: {value}}}}}\n"
    )
    with pytest.raises(SpecError, match=r"length_penalty .* should be a finite number"):
        load_spec(path)


def test_an_exponent_is_a_number_wherever_one_stands(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(
        "name: a\nbase: m/m\nlanguages: [en, de]\ncorpus: cldr\n"
        "prompt: {template: mfti, chat: {options: {budget: 1e-4, word: e4, list: [2E3]}}}\n"
        "models: [{name: m, pairs: [en-de], examples: 10, method: {kind: full, steps: 1, learning_rate: 1e-4}}]\n"
    )
    spec = load_spec(path)
    assert spec.models[0].method.learning_rate == 0.0001
    assert spec.models[0].pairs == (Pair("en", "de"),)
    assert spec.prompt.chat is not None
    assert spec.prompt.chat.options == {"budget": 0.0001, "word": "e4", "list": [2000.0]}
