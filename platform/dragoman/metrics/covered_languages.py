"""Languages that the pretrained encoders of metrics have read; on others their scores say nothing."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import langcodes

from dragoman.pair import Pair


def uncovered(pair: Pair, model: str, metric: str) -> str | None:
    """Why a metric does not cover the languages of a pair, as a sentence; None where it does.

    Args:
        pair: the direction.
        model: name of the encoder in `covered_languages.toml`.
        metric: name of the metric, for the sentence.
    """
    facts = _facts()[model]
    lacking = [tag for tag in dict.fromkeys(pair) if not is_covered(tag, model)]
    if not lacking:
        return None
    return (
        f"{metric} does not cover {' and '.join(lacking)}: its encoder, {facts['name']}, was not trained on "
        f"{'it' if len(lacking) == 1 else 'them'} ({facts['source']})."
    )


@cache
def is_covered(tag: str, model: str) -> bool:
    """Whether an encoder has read a language, or one that CLDR takes for the same (`nb` for `no`, `fil` for `tl`)."""
    language = langcodes.Language.get(tag).language or ""
    code, _ = langcodes.closest_match(language, _facts()[model]["languages"].split(), max_distance=1)
    return code != "und"


def encoder_of(checkpoint: str) -> str | None:
    """The encoder whose languages those of a checkpoint are, by its name on the hub; None where that is not known."""
    beginnings = {start: model for model, facts in _facts().items() for start in facts["encoders"]}
    return next((model for start, model in beginnings.items() if checkpoint.startswith(start)), None)


@cache
def _facts() -> dict[str, dict[str, Any]]:
    file = files("dragoman.metrics").joinpath("covered_languages.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))
