"""Designs of training: what models have in common whose recipes differ in the pairs, or in the seed, alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.effects.campaign_scores import CampaignModel
from dragoman.identity import canonical_json

_DRAWN = ("pairs", "seed", "version", "held_out")
"""Keys of a recipe that differ between draws of one design, or follow from what does."""

_LONGEST = 40
"""Letters of a value in a design's name."""


def design_of(model: CampaignModel, *, with_seed: bool = False) -> dict[str, Any]:
    """A model's recipe without its pairs, and what follows from them.

    Args:
        model: the model.
        with_seed: keep its seed.
    """
    recipe = {key: value for key, value in model.record.recipe.items() if key not in _DRAWN}
    if isinstance(corpus := recipe.get("corpus"), dict):  # the revision is of the files that were read for the pairs
        recipe["corpus"] = {key: value for key, value in corpus.items() if key != "revision"}
    return {**recipe, "seed": model.record.seed} if with_seed else recipe


def designs_of(models: Sequence[CampaignModel], bases: Mapping[str, str]) -> list[str]:
    """The name of each model's design: its number of examples, and what else differs between designs.

    Args:
        models: the models.
        bases: names of their bases by id.
    """
    recipes = [{key: each for key, each in design_of(model).items() if key != "examples"} for model in models]
    return [
        "; ".join([_examples(model.record.recipe.get("examples")), *parts])
        for model, parts in zip(models, _apart("", recipes, bases), strict=True)
    ]


def is_total(model: CampaignModel) -> bool:
    """Whether a number of examples for all pairs together was asked for, so that more pairs get fewer each."""
    return isinstance(model.record.recipe.get("examples"), Mapping)


def _examples(examples: Any) -> str:
    if isinstance(examples, Mapping):
        temperature = examples.get("temperature", 1)
        return f"{examples.get('total'):,} examples in all" + (
            f", temperature {temperature:g}" if temperature != 1 else ""
        )
    return f"{examples:,} examples a pair" if isinstance(examples, int) else "examples unknown"


def _apart(name: str, values: Sequence[Any], bases: Mapping[str, str]) -> list[list[str]]:
    """What of a part of recipes tells each from the others: a part that some lack is named as a whole."""
    parts: list[list[str]] = [[] for _ in values]
    if len({canonical_json(each) for each in values}) < 2:
        return parts
    owners = [place for place, each in enumerate(values) if isinstance(each, Mapping)]
    if not owners:
        return [[_leaf(name, each, bases)] for each in values]
    if len(owners) < len(values):
        parts = [[f"with {name}" if place in owners else _leaf(name, each, bases)] for place, each in enumerate(values)]
    for key in dict.fromkeys(key for place in owners for key in values[place]):
        found = _apart(f"{name}.{key}".lstrip("."), [values[place].get(key) for place in owners], bases)
        for place, more in zip(owners, found, strict=True):
            parts[place] += more
    return parts


def _leaf(name: str, value: Any, bases: Mapping[str, str]) -> str:
    if value is None:
        return f"without {name}"
    text = bases.get(str(value), str(value)) if name == "base" else str(value)
    return f"{name} {text if len(text) <= _LONGEST else f'{text[:_LONGEST]}...'}"
