"""Translation with a registered model by the engine that evaluated it, from what the engine has in its cache."""

from collections.abc import Sequence

from dragoman import plugins
from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.settings import Settings
from dragoman.spec.grid import GridSpec
from dragoman.store.store import Store
from dragoman_jobs.engines.base import Engine
from dragoman_jobs.models.checkpoint import Checkpoint

ENGINE = "ctranslate2"
"""The engine that loads in a moment."""


def translate_as_evaluated(
    settings: Settings, store: Store, spec: GridSpec, model: str, pair: Pair, lines: Sequence[str]
) -> list[str] | None:
    """The translation of each line as the evaluation of the model's grid would have it.

    Args:
        settings: where engines keep what they prepare.
        store: the store of the grid.
        spec: the grid's spec.
        model: id of the finetuned model.
        pair: the direction, with languages of the grid.
        lines: what is translated; none is empty.

    Returns:
        The translations in order; None where the engine has not prepared the model, or it is asked in a way that takes
        more than its prompt: a chat, or examples.

    Raises:
        ModelError: a line is too long for the model, or it can't be loaded.
    """
    prompt, decoding = spec.prompts[0], spec.evaluation.decoding
    training = store.models.training(model)
    is_prepared = any((settings.cache_dir / model).glob(f"{ENGINE}-{decoding.precision}-*/*"))
    if prompt.shots or prompt.chat or decoding.samples or training is None or not is_prepared:
        return None
    engine_class: type[Engine] = plugins.load("engines", ENGINE)
    checkpoint = Checkpoint(id=model, model=training["checkpoint"])
    engine = engine_class(engine_class.prepare(checkpoint, decoding, settings.cache_dir), decoding)
    prompts = [prompt.render(pair, line) for line in lines]
    for line, why in zip(lines, engine.without_room(pair, lines, prompts), strict=True):
        if why is not None:
            raise ModelError(f"A text of {len(line)} characters is too long ({why}): split it.")
    return [hypothesis.text for hypothesis in engine.translate_pair(pair, lines, prompts)]
