"""Differences of two specs, key by key."""

import json

import pytest

from dragoman.identity import canonical_json
from dragoman.spec.differences import ABSENT, SpecDifference, differences
from dragoman.spec.grid import GridSpec

METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 5}
PLAIN = {
    "name": "g",
    "base": "tiny",
    "languages": ["en", "de", "fr"],
    "corpus": "cldr",
    "models": [
        {"name": "few", "pairs": {"centric": "en"}, "examples": 10, "method": METHOD},
    ],
}


def spec(**changes):
    return GridSpec.model_validate({**PLAIN, **changes})


def found(a, b):
    return [(each.key, each.a, each.b) for each in differences(a, b)]


def test_a_spec_equals_itself_with_its_defaults_written():
    assert differences(spec(), spec(seed=1, evaluation={"base": True})) == []


def test_models_are_matched_by_their_names():
    many = {**PLAIN["models"][0], "name": "many", "examples": 100}
    assert found(spec(), spec(models=[many, {**PLAIN["models"][0], "examples": 20}])) == [
        ("models.few.examples", "10", "20"),
        ("models.many", ABSENT, canonical_json(spec(models=[many]).models[0].model_dump(mode="json"))),
    ]


def test_keys_deep_in_a_spec_are_written_by_their_path():
    method = {**METHOD, "steps": 7}
    changed = spec(models=[{**PLAIN["models"][0], "method": method}], languages=["en", "de"])
    assert found(spec(), changed) == [
        ("languages", '["en","de","fr"]', '["en","de"]'),
        ("models.few.method.steps", "5", "7"),
    ]


def test_parts_without_names_are_matched_by_their_place():
    rules = [{"over": "seen", "at_least": 40}, {"over": "unseen", "at_least": 5}]
    before = spec(promotion={"model": "m", "rules": rules})
    after = spec(promotion={"model": "m", "rules": [rules[0], {**rules[1], "at_least": 6}]})
    assert differences(before, after) == [SpecDifference("promotion.rules.1.at_least", "5.0", "6.0")]


@pytest.mark.parametrize(("a", "b", "code"), [("small", "other", 1), ("small", "small", 0), ("small", "none", 2)])
def test_the_command_reads_grids_and_files(dragoman, tmp_path, a, b, code):
    for name, seed in (("small", 1), ("other", 2)):
        (tmp_path / f"{name}.yaml").write_text(json.dumps({**PLAIN, "name": name, "seed": seed}))
    given = [str(tmp_path / f"{name}.yaml") for name in (a, b)]
    done = dragoman("diff", *given, "--json")
    assert done.code == code
    if code == 1:
        rows = {row["key"]: row for row in json.loads(done.out)["differences"]}
        assert rows.keys() == {"name", "seed"} and rows["seed"]["b"] == "2"
    if code == 2:
        assert "There is no spec at" in done.err
