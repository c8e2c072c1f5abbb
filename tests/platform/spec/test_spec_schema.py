"""The JSON Schema takes what the loader takes, and editors get a meaning for every key."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from dragoman.cli.init import init
from dragoman.errors import SpecError
from dragoman.spec.json_schema import json_schema
from dragoman.spec.loading import load_campaign, load_spec

ROOT = Path(__file__).parents[3]
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
EXAMPLES = sorted(file for file in (ROOT / "examples").glob("*.yaml") if not file.stem.endswith("-claims"))


def _demo(**changes: Any) -> dict[str, Any]:
    return {**yaml.safe_load((ROOT / "examples" / "demo.yaml").read_text()), **changes}


def test_the_schema_is_one_and_stands_in_the_reference() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads((ROOT / "docs" / "reference" / "spec.schema.json").read_text()) == SCHEMA


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_valid(example: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(example.read_text()))] == []
    assert load_campaign(example).grids


def test_specs_as_they_are_stored_are_valid() -> None:
    for example in EXAMPLES:
        for grid in load_campaign(example).grids:
            stored = grid.model_dump(mode="json")
            corpora = [stored["corpus"], stored["evaluation"]["corpus"] or {}]
            for corpus in corpora:  # written back as a person writes them: options beside the kind
                corpus |= corpus.pop("options", {})
            assert [error.message for error in VALIDATOR.iter_errors(stored)] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"base": {"model": "x", "trained_on": ["de-fr", ["fr", "de"]]}},
        {"corpus": {"kind": "tsv", "path": "a.tsv", "columns": {"de": "german", "en": "english"}}},
        {"prompt": "{source} -> {target_language}"}, {"prompt": {"template": "mfti", "chat": True, "shots": 3}},
        {"evaluation": {"prompts": ["mfti", {"template": "mfti", "models": ["base"]}], "split": "dev"}},
        {"evaluation": {"sentences": {"n": 200, "seed": 1}}}, {"evaluation": {"sentences": 200}},
        {"seeds": [1, 2]}, {"missing": {"pivot": "en"}}, {"sweep": {"seed": [1, 2], "zip": {"seed": {"a": 1}}}},
    ],
)  # fmt: skip
def test_short_forms_are_valid(changes: dict[str, Any]) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_demo(**changes))] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"bas": "x"}, {"seed": -1}, {"languages": "en"}, {"corpus": {"kind": "cldr", "paht": "x"}}, {"corpus": {}},
        {"prompt": {"template": "mfti", "shot": 1}}, {"prompt": 3}, {"models": [{"name": "x"}]}, {"sweep": {"seed": 1}},
        {"evaluation": {"sentences": {"n": 0}}}, {"evaluation": {"decoding": {"beam": "wide"}}},
        {"promotion": {"model": "m", "rules": []}},
    ],
)  # fmt: skip
def test_mistakes_are_marked(changes: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(_demo(**changes))


def test_every_key_has_a_meaning() -> None:
    def keys(part: Any, place: str = "") -> None:
        if isinstance(part, dict):
            for name, field in part.get("properties", {}).items():
                described = field is True or name == "zip" or field.get("description")
                assert described, f"{place}.{name} has no description"
            for name, value in part.items():
                keys({} if name == "if" else value, f"{place}.{name}")
        elif isinstance(part, list):
            for value in part:
                keys(value, place)

    keys(SCHEMA)


def test_init_writes_a_spec_that_loads_and_overwrites_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "european.yaml"
    init(path)
    assert load_spec(path).name == "european"
    assert VALIDATOR.is_valid(yaml.safe_load(path.read_text()))
    assert f"dragoman plan {path}" in capsys.readouterr().out
    before = path.read_bytes()
    with pytest.raises(SpecError, match="is there already and stays as it is"):
        init(path)
    assert path.read_bytes() == before
    with pytest.raises(SpecError, match="can't be written"):
        init(tmp_path / "nowhere" / "grid.yaml")
