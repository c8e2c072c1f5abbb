"""Which engine decodes a model: the one asked for, or the fastest that takes it."""

import logging
from pathlib import Path

from dragoman import plugins
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Checkpoint, Engine, UnsupportedModelError

FASTEST_FIRST = ("ctranslate2", "transformers")
"""The engines `auto` tries, in order."""

logger = logging.getLogger(__name__)


def choose_engine(name: str, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> tuple[str, Path]:
    """The name of the engine that takes the model, and what that engine has prepared.

    Where `auto` passes over a faster engine, a log line says why.

    Args:
        name: an engine's entry point, or `auto`.
        checkpoint: the model.
        decoding: how it will be decoded.
        cache: where engines keep what they prepare.

    Raises:
        UnsupportedModelError: no engine that was asked takes the model; the sentence gives each one's reason.
        ModelError: there is no such model, or it lacks a tokenizer.
    """
    names = FASTEST_FIRST if name == "auto" else (name,)
    refusals: list[str] = []
    for candidate in names:
        engine: type[Engine] = plugins.load("engines", candidate)
        try:
            prepared = engine.prepare(checkpoint, decoding, cache)
        except UnsupportedModelError as error:
            refusals.append(str(error))
            continue
        if refusals:
            logger.warning("The %s engine decodes %s. %s", candidate, checkpoint.model, " ".join(refusals))
        return candidate, prepared
    raise UnsupportedModelError(" ".join(refusals))
