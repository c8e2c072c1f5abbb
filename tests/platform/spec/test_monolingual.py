"""Monolingual examples and nested draws in a spec: what is refused, and that specs without them stay what they were."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from dragoman.errors import SpecError
from dragoman.pair import Pair
from dragoman.planning.plan import spec_meaning
from dragoman.planning.planner import make_plan
from dragoman.spec.grid import GridSpec
from dragoman.spec.loading import load_campaign, load_spec
from dragoman.spec.monolingual import Monolingual
from dragoman.spec.pairs import PairChoice, chosen

EXAMPLES = Path(__file__).parents[3] / "examples"
METHOD = {"kind": "full", "learning_rate": 0.1, "steps": 2}
MODEL: dict[str, Any] = {"name": "m", "pairs": ["en-de"], "examples": 20, "method": METHOD}
SPEC: dict[str, Any] = {
    "name": "g", "base": "facebook/xglm-564M", "languages": ["en", "de", "fr"], "corpus": "cldr",
    "models": [MODEL], "evaluation": {"sentences": 3},
}  # fmt: skip


def loaded(tmp_path: Path, **model: Any) -> GridSpec:
    path = tmp_path / "g.yaml"
    path.write_text(yaml.safe_dump({**SPEC, "models": [{**MODEL, **model}]}))
    return load_spec(path)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"pairs": "nothing"}, "models.0 trains nothing; name its pairs, or give it monolingual instructions"),
        ({"examples": {"total": 9}, "monolingual": {}}, "set monolingual.examples, the examples of each language"),
        ({"monolingual": {"languages": ["ru"]}}, "names ru in models.0.monolingual, which is not among its languages"),
        ({"monolingual": {"languages": []}}, "models.0.monolingual.languages ([]) is an empty list"),
        ({"monolingual": {"task": "summarise"}}, "models.0.monolingual.task is 'summarise': use one of"),
        ({"monolingual": {"template": "Say it again:"}}, "must hold {text} exactly once"),
        ({"monolingual": {"template": "{text} {source}"}}, "names the unknown field {source}"),
        ({"monolingual": {"lines": 4}}, "models.0.monolingual has no key 'lines'"),
        ({"pairs": {"centric": "en", "nested": True}}, "has nested but no sample"),
        ({"pairs": "none"}, "is not a choice of pairs"),
    ],
)
def test_mistakes_are_said_in_a_sentence(tmp_path: Path, model: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as refused:
        loaded(tmp_path, **model)
    assert said in str(refused.value)


def test_the_template_is_that_of_the_task_unless_one_is_given() -> None:
    assert Monolingual().render("German", "Guten") == "[German]: Guten"
    assert Monolingual(task="copy").render("German", "Guten Tag") == "[German]: Guten Tag [German]:"
    assert Monolingual(template="Weiter: {text}").render("German", "Guten") == "Weiter: Guten"
    assert Monolingual.model_validate({"languages": "de"}).languages == ("de",)


def test_what_is_not_used_is_in_no_meaning(tmp_path: Path) -> None:
    plain = spec_meaning(loaded(tmp_path))
    assert not {"monolingual", "nested"} & plain["models"][0].keys()
    assert "nested" not in spec_meaning(loaded(tmp_path, pairs={"sample": 2}))["models"][0]["pairs"]


def test_the_demo_is_the_one_that_it_was() -> None:
    # the identities that commit fdeb0b0 gave, before there were monolingual examples and pivot systems
    plan = make_plan(load_spec(EXAMPLES / "demo.yaml"))
    assert plan.id == "spec2-0a0818f00fef4656d521b44b5270a8c5"
    assert [model.id for model in plan.models] == [
        "model1-96fb38a51ffe5fb1d8c82f1ad641dc3c",
        "model1-1252629f6b9b4b8a185f0a3052c15a84",
        "model1-e737eb50292631757810df0fbcede588",
    ]
    assert next(iter(plan.cells())).id == "cell1-481163d363b6f656f73034485d1d8f0b"


def test_a_model_with_monolingual_examples_is_another_for_each_of_their_settings(tmp_path: Path) -> None:
    def identity(**model: Any) -> str:
        return make_plan(loaded(tmp_path, **model)).trainings[0].identity.id

    settings: list[dict[str, Any]] = [
        {}, {"task": "copy"}, {"languages": ["de"]}, {"examples": 5}, {"template": "{text}"},
    ]  # fmt: skip
    ids = [identity(), *(identity(monolingual=each) for each in settings)]
    assert len(set(ids)) == len(ids)
    # the default written out is the default
    assert identity(monolingual={"template": "[{language}]: {text}", "examples": 20}) == ids[1]


def test_a_nested_draw_holds_every_smaller_one_of_its_seed() -> None:
    languages = ["en", "de", "fr", "ca", "ru", "bg", "fi", "ar", "hi"]

    def draw(count: int, seed: int = 1) -> set[Pair]:
        return set(chosen(PairChoice(sample=count, seed=seed, nested=True), languages))

    draws = [draw(count) for count in (4, 8, 16, 32, 72)]
    assert [len(each) for each in draws] == [4, 8, 16, 32, 72]
    assert all(smaller < larger for smaller, larger in pairwise(draws))
    assert draw(8, seed=2) != draw(8)


def test_the_campaign_of_the_examples_is_planned_as_it_says() -> None:
    grids = load_campaign(EXAMPLES / "why.yaml").grids
    assert len(grids) == 8
    assert sum(len(grid.finetunings) for grid in grids) == 16
    plan = make_plan(grids[0])
    sampled, monolingual = plan.trainings
    assert sampled.pairs == monolingual.pairs and len(sampled.pairs) == 4
    assert set(monolingual.monolingual) == set(grids[0].languages)
    (system,) = plan.pivots.values()
    assert system.identity.parent == sampled.identity.id and len(system.missing) == 16
    assert {prompt.instruction for prompt in plan.prompts} == {"right", "none", "wrong"}
    assert {prompt.names for prompt in plan.prompts} == {"english", "native"}
