"""Designs of training: what models have in common whose recipes differ in the pairs, or in the seed, alone."""

from collections.abc import Iterator, Mapping, Sequence
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
    flat = [dict(_flat(design_of(model))) for model in models]
    keys = dict.fromkeys(key for each in flat for key in each)
    apart = [key for key in keys if len({canonical_json(each.get(key)) for each in flat}) > 1]
    return [
        "; ".join(
            [
                _examples(model.record.recipe.get("examples")),
                *(f"{key} {_named(key, each.get(key), bases)}" for key in apart if not key.startswith("examples")),
            ]
        )
        for model, each in zip(models, flat, strict=True)
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


def _flat(recipe: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _named(key: str, value: Any, bases: Mapping[str, str]) -> str:
    text = bases.get(str(value), str(value)) if key == "base" else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
