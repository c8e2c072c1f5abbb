"""Choose the engine of a model: the one asked for, or the fastest that takes it."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dragoman import plugins
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, UnsupportedModelError
from dragoman_jobs.models.checkpoint import Checkpoint

FASTEST_FIRST = ("ctranslate2", "transformers")
"""The engines `auto` tries, in order."""

logger = logging.getLogger(__name__)


class PreparedCheckpoint(NamedTuple):
    """A model, prepared by the engine that will decode it."""

    engine: str
    """Name of the engine."""
    path: Path
    """What it loads."""
    untranslatable: dict[Pair, str]
    """Pairs that it can't translate, each with the reason."""
    batch_invariant: bool = False
    """Whether cells may be decoded together (`Engine.is_batch_invariant`)."""
    keeps_prefixes: bool = False
    """Whether what prompts begin with is kept from cell to cell (`Engine.keeps_prefixes`)."""


def prepare_model(
    name: str, checkpoint: Checkpoint, decoding: Decoding, cache: Path, gpus: float, pairs: Sequence[Pair]
) -> PreparedCheckpoint:
    """What `choose_engine` finds, and which of some pairs it can't translate."""
    chosen, path = choose_engine(name, checkpoint, decoding, cache, gpus)
    engine: type[Engine] = plugins.load("engines", chosen)
    is_invariant = engine.is_batch_invariant(decoding, "cuda" if gpus else "cpu")
    return PreparedCheckpoint(chosen, path, engine.untranslatable(path, pairs), is_invariant, engine.keeps_prefixes)


def choose_engine(
    name: str, checkpoint: Checkpoint, decoding: Decoding, cache: Path, gpus: float = 0
) -> tuple[str, Path]:
    """The name of the engine that takes the model, and what that engine has prepared.

    Where `auto` passes over a faster engine, a log line says why.

    Args:
        name: an engine's entry point, or `auto`.
        checkpoint: the model.
        decoding: how it will be decoded.
        cache: where engines keep what they prepare.
        gpus: those that each worker holds.

    Raises:
        UnsupportedModelError: no engine that was asked takes the model; the sentence gives each one's reason.
        ModelError: there is no such model, or it lacks a tokenizer.
    """
    names = FASTEST_FIRST if name == "auto" else (name,)
    refusals: list[str] = []
    for candidate in names:
        engine: type[Engine] = plugins.load("engines", candidate)
        try:
            engine.check_gpus(gpus)
            prepared = engine.prepare(checkpoint, decoding, cache)
        except UnsupportedModelError as error:
            refusals.append(str(error))
            continue
        if refusals:
            logger.warning("The %s engine decodes %s. %s", candidate, checkpoint.model, " ".join(refusals))
        return candidate, prepared
    raise UnsupportedModelError(" ".join(refusals))
