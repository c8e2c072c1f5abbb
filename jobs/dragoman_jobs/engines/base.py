"""The interface of an engine: it prepares a model, loads it, and continues prompts, always with the same text."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.store.alignment_records import Pooling
from dragoman_jobs.models.checkpoint import Checkpoint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_ROOM = "no_room"
"""Finish reason of a sentence that the model has no room for, whose text is empty."""

SOURCE_CUT = "source_cut"
"""Finish reason of the translation of a sentence that was shortened, since the model had no room for all of it."""


class Hypothesis(NamedTuple):
    """One continuation."""

    text: str
    """The generated text up to the end of its first line, stripped."""
    finish_reason: str
    """`stop` (end of sentence, or a new line), `length` (cut at `max_new_tokens`), `NO_ROOM` or `SOURCE_CUT`."""
    tokens: int
    """Tokens generated."""


class Request(NamedTuple):
    """One sentence to translate."""

    pair: Pair
    """The direction."""
    source: str
    """The sentence."""
    prompt: str
    """The same sentence in its rendered prompt."""


class SentenceStates(NamedTuple):
    """One sentence as a model represents it."""

    place: int
    """Its place among those that were given."""
    layers: "NDArray[np.float32]"
    """A row for each layer: what goes into the first, then what comes out of each."""


class UnsupportedModelError(ModelError):
    """An engine that can't take this model; `auto` then tries the next one."""


class Engine(ABC):
    """One model, loaded and ready; subclasses register under the entry-point group `dragoman.engines`.

    An engine's module is cheap to import: what is heavy (torch) is imported where it is needed.
    """

    keeps_prefixes: ClassVar[bool] = False
    """Whether what prompts begin with is kept from call to call, and not read again: a worker then gets the targets of
    one source in sequence."""

    @classmethod
    def is_batch_invariant(cls, decoding: Decoding, device: str) -> bool:
        """Whether a sentence has the same text, to the byte, whatever is decoded with it; not promised by default.

        Cells of an engine that promises it are decoded together, several as one list; others one by one.

        Args:
            decoding: how it decodes.
            device: `cpu` or `cuda`.
        """
        del decoding, device
        return False

    @classmethod
    def check_gpus(cls, gpus: float) -> None:
        """See that the engine decodes on what each worker holds; one GPU, a part of it, or none by default.

        Raises:
            UnsupportedModelError: it does not; the sentence names an engine that does.
        """
        if gpus > 1:
            raise UnsupportedModelError(
                f"This engine decodes on one GPU a worker, not on {gpus:g}: ask for one (`--gpus 1`), or choose the "
                "transformers or the vllm engine, which share a model out."
            )

    @classmethod
    def untranslatable(cls, prepared: Path, pairs: Sequence[Pair]) -> dict[Pair, str]:
        """The pairs that a prepared model can't translate whatever the sentence, each with the reason; none by default.

        Args:
            prepared: what `prepare` returned.
            pairs: those that are asked for.
        """
        del prepared, pairs
        return {}

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        """For each sentence why the model has no room for it and its translation; None where it has.

        An engine that can't tell beforehand says None, and answers such a sentence with the finish reason `NO_ROOM`.

        Args:
            pair: the direction.
            sources: the sentences.
            prompts: the same sentences, each in its rendered prompt.
        """
        del pair, sources
        return [None] * len(prompts)

    @classmethod
    @abstractmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Make what this engine loads (merge, convert) under the cache, if it is not there, and return its folder.

        Safe to be killed at any moment and to run twice at once: the folder appears whole, by a rename.

        Raises:
            UnsupportedModelError: this engine can't take the model.
            ModelError: there is no such model, or it lacks a tokenizer.
        """

    @abstractmethod
    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        """Load a prepared model, on one thread, onto `cpu` or `cuda`."""

    @abstractmethod
    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The continuation of every prompt, in order; the text does not depend on the batch.

        Args:
            prompts: the rendered prompts; the tokenizer's own prefix and suffix rules for a prompt to continue apply.
            batch_tokens: padded prompt tokens decoded at once; by default the setting of that name.
        """

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        """The translation of every sentence: what continues its prompt.

        Models that take a sentence and language codes in place of a prompt read `sources` and `pair` instead.

        Args:
            pair: the direction.
            sources: the sentences.
            prompts: the same sentences, each in its rendered prompt.
        """
        del pair, sources
        return self.translate(prompts)

    def translate_requests(self, requests: Sequence[Request]) -> list[Hypothesis]:
        """The translation of every sentence, in order, of several pairs; pair by pair by default.

        Args:
            requests: the sentences.
        """
        places: dict[Pair, list[int]] = {}
        for place, request in enumerate(requests):
            places.setdefault(request.pair, []).append(place)
        found: dict[int, Hypothesis] = {}
        for pair, of_pair in places.items():
            asked = [requests[place] for place in of_pair]
            answers = self.translate_pair(pair, [each.source for each in asked], [each.prompt for each in asked])
            found.update(zip(of_pair, answers, strict=True))
        return [found[place] for place in range(len(requests))]

    def sentence_states(self, language: str, texts: Sequence[str], pooling: Pooling) -> Iterator[SentenceStates]:
        """The hidden states of every sentence, pooled over its tokens, in any order; one without tokens is left out.

        They are the decoder's of a model that continues a prompt, and the encoder's of an encoder-decoder. A sentence
        that is longer than the model has positions for is read up to there.

        Args:
            language: the language of the sentences.
            texts: the sentences, without a prompt.
            pooling: how the states of a sentence's tokens, special ones left out, are made one.

        Raises:
            UnsupportedModelError: this engine does not show them.
        """
        del language, texts, pooling
        raise UnsupportedModelError("This engine shows no hidden states: the transformers engine does.")

    def log_probabilities(self, prompts: Sequence[str], references: Sequence[str]) -> list[list[float]]:
        """The log probability (nats) of each token of each reference, following its prompt as a translation does.

        The end of sentence is not among them. A reference that the model has no room for behind its prompt has none.

        Args:
            prompts: the rendered prompts.
            references: what follows each.

        Raises:
            UnsupportedModelError: this engine does not tell them, or the model takes no prompt.
        """
        del prompts, references
        raise UnsupportedModelError("This engine scores no text that it is given: the transformers engine does.")
