"""A sweep is a product of grids with names, and each of them is a spec like any other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.errors import SpecError
from dragoman.reports.campaign import across
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import Campaign, load_campaign, load_spec
from dragoman.tables.render import Form, render
from dragoman.tables.table import Table, number, word

SPEC: dict[str, Any] = {
    "name": "s", "base": "facebook/xglm-564M", "languages": ["en", "de", "fr"], "corpus": "cldr",
    "models": [
        {"name": name, "pairs": {"sample": 2}, "examples": 9,
         "method": {"kind": "full", "learning_rate": 0.1, "steps": 2}}
        for name in ("one", "two")
    ],
}  # fmt: skip

Sweep = Callable[..., Campaign]


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    def load(axes: Any, **changes: Any) -> Campaign:
        path = tmp_path / "spec.yaml"
        path.write_text(yaml.safe_dump({**SPEC, **changes, "sweep": axes}, sort_keys=False))
        return load_campaign(path)

    return load


def _names(campaign: Campaign) -> list[str]:
    return [grid.name for grid in campaign.grids]


def test_lists_make_a_product(sweep: Sweep) -> None:
    found = sweep({"seed": [1, 2], "models.one.pairs.sample": [1, 3, 5]})
    assert _names(found) == [f"s-seed-{seed}-sample-{count}" for seed in (1, 2) for count in (1, 3, 5)]
    assert {grid.campaign for grid in found.grids} == {"s"}
    assert [(grid.seed, grid.models[0].pairs.sample, grid.models[1].pairs.sample) for grid in found.grids] == [
        (seed, count, 2) for seed in (1, 2) for count in (1, 3, 5)
    ]  # type: ignore[union-attr]
    assert (found.name, found.is_sweep) == ("s", True)


def test_a_zip_group_changes_together(sweep: Sweep) -> None:
    axes = {"zip": [{"base.model": ["a/small", "a/big"], "models.*.method.learning_rate": [0.2, 1e-1]}], "seed": [7]}
    found = sweep(axes)
    assert _names(found) == ["s-small-seed-7", "s-big-seed-7"]
    assert [(grid.base.model, [model.method.learning_rate for model in grid.models]) for grid in found.grids] == [
        ("a/small", [0.2, 0.2]), ("a/big", [0.1, 0.1]),
    ]  # fmt: skip
    assert len(sweep({**axes, "zip": axes["zip"][0]}).grids) == 2


@pytest.mark.parametrize(
    ("path", "values", "names"),
    [
        ("models.one.pairs", ["all", {"centric": "en"}, ["de-fr", "fr-de"]], ["all", "centric-en", "de-fr-fr-de"]),
        ("models.one.pairs", {"every": "all", "few": ["de-fr"]}, ["every", "few"]),
        ("prompt", ["mfti", "{source} =", {"template": "mfti", "shots": 2}],
         ["mfti", "prompt-2", "template-mfti-shots-2"]),
        ("models.0.method.learning_rate", [0.5, "1e-4"], ["learning_rate-0.5", "learning_rate-1e-4"]),
        ("evaluation.base", [True, False], ["base-True", "base-False"]),
        ("evaluation.decoding", [{"beam": 4, "max_new_tokens": 50}], ["beam-4-max_new_tokens-50"]),
        ("evaluation.decoding.length_penalty", [-1.0, 1.0], ["length_penalty-minus-1.0", "length_penalty-1.0"]),
        ("languages", [["en", "de", "fr"], ["en", "de", "fr", "ru"]], ["en-de-fr", "en-de-fr-ru"]),
        ("base.revision", ["main"], ["main"]),
    ],
)  # fmt: skip
def test_any_key_can_be_swept_and_names_are_readable(sweep: Sweep, path: str, values: Any, names: list[str]) -> None:
    found = sweep({path: values})
    assert _names(found) == [f"s-{name}" for name in names]
    for grid in found.grids:
        assert GridSpec.model_validate(grid.model_dump(mode="json")) == grid


def test_one_grid_of_a_sweep_is_named(tmp_path: Path, sweep: Sweep) -> None:
    sweep({"seed": [1, 2]})
    path = tmp_path / "spec.yaml"
    assert load_spec(path, "s-seed-2").seed == 2
    with pytest.raises(SpecError, match=r"is a sweep of 2 grids \(s-seed-1 to s-seed-2\): name one"):
        load_spec(path)
    with pytest.raises(SpecError, match="makes no grid 's-sed-1'; did you mean 's-seed-1'"):
        load_spec(path, "s-sed-1")


def test_seeds_make_models_of_one_grid() -> None:
    models = [
        SPEC["models"][0],
        {**SPEC["models"][1], "seeds": [5, 6]},
        {**SPEC["models"][1], "name": "own", "seed": 9},
    ]
    spec = GridSpec.model_validate({**SPEC, "models": models, "seeds": [1, 2]})
    assert [(model.name, model.seed) for model in spec.finetunings] == [
        ("one-seed1", 1), ("one-seed2", 2), ("two-seed5", 5), ("two-seed6", 6), ("own", 9),
    ]  # fmt: skip
    plain = GridSpec.model_validate(SPEC)
    assert plain.finetunings == plain.models


def test_a_model_of_any_seed_is_asked_by_its_name() -> None:
    prompts = ["mfti", {"template": "mfti-to", "models": ["one"]}]
    spec = GridSpec.model_validate({**SPEC, "seeds": [1, 2], "evaluation": {"prompts": prompts}})
    assert [prompt.label for prompt in spec.prompts] == ["mfti", "mfti-to"]


def test_tables_of_several_grids_are_one() -> None:
    one = Table("t", "a: scores", [word("model"), number("bleu")], [{"model": "m", "bleu": 1.0}], ["A note."])
    two = Table("t", "b: scores", [word("model"), number("gain")], [{"model": "n", "gain": 2.0}], ["A note."])
    (joined,) = across("c", {"a": [one], "b": [two]})
    assert joined.rows == [
        {"grid": "a", "model": "m", "bleu": 1.0, "gain": None}, {"grid": "b", "model": "n", "bleu": None, "gain": 2.0},
    ]  # fmt: skip
    text = render([joined], Form.TEXT)
    assert "c: scores" in text
    assert text.count("A note.") == 1
