"""Tokenization that engines share: a prepared model's tokenizer, from prompts to token ids and back.

Engines share it, so that they read the same tokens and stop at the same ones. Reading it takes neither torch nor
transformers.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from pydantic import BaseModel, ConfigDict
from tokenizers import Tokenizer

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Hypothesis, Request
from dragoman_jobs.engines.fast_tokenizer import fast_tokenizer
from dragoman_jobs.engines.language_tokens import LanguageTokens
from dragoman_jobs.engines.stop_rules import breaks, cut, limits, stop_tokens
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.out_of_memory import is_out_of_memory
from dragoman_jobs.models.pretrained import local_folder

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase

FACTS = "prepared.json"
TOKENIZER = "tokenizer.json"
_MODEL = "model"

REMEMBERED = 8192
"""Prompts whose tokens are kept: those of a lease, which are a few megabytes."""

Result = TypeVar("Result")


class DecodingFacts(BaseModel):
    """What decoding has to know of a model besides its weights."""

    model_config = ConfigDict(frozen=True)

    stop: tuple[int, ...]
    """Tokens that end a translation: the model's end-of-sentence tokens and every token with a line break in it."""
    positions: int | None
    """Tokens of prompt and translation the model has positions for; None where there is no such limit."""
    dtype: str
    """The type the weights are stored in, such as `float32` or `bfloat16`."""
    window: int | None = None
    """Tokens that attention reaches back, in some layers at least; None where it reaches back to the beginning."""
    weights: Path | None = None
    """Folder of the weights, where they are not beside this file."""
    hub: tuple[str, str | None] | None = None
    """Name and revision of the model, where that folder is in the cache of the hub, of which each machine may have its
    own."""
    languages: LanguageTokens | None = None
    """The language tokens of an encoder-decoder; None for a model that continues a prompt."""

    @classmethod
    def of(
        cls,
        folder: Path,
        config: "PreTrainedConfig",
        tokenizer: "PreTrainedTokenizerBase",
        read_at: Checkpoint | None = None,
    ) -> Self:
        """The facts of a model in Hugging Face's layout.

        Args:
            folder: its folder.
            config: its configuration.
            tokenizer: its tokenizer.
            read_at: the model, where its weights are read where they lie and not beside the facts.

        Raises:
            UnsupportedModelError: an encoder-decoder without language tokens.
        """
        text = config.get_text_config()
        return cls(
            languages=LanguageTokens.of(str(folder), config, tokenizer) if config.is_encoder_decoder else None,
            stop=tuple(sorted(_ends(folder, config, tokenizer) | _breaks(fast_tokenizer(tokenizer, folder)))),
            positions=getattr(text, "max_position_embeddings", None),
            window=getattr(text, "sliding_window", None),
            dtype=str(text.dtype or config.dtype or "float32").removeprefix("torch."),
            weights=folder if read_at else None,
            hub=(read_at.model, read_at.revision) if read_at and not Path(read_at.model).is_dir() else None,
        )

    def weights_of(self, prepared: Path) -> Path:
        """Where this machine reads the weights of a prepared model.

        Raises:
            ModelError: they are not here.
        """
        if self.weights is None:
            return prepared / _MODEL
        if self.weights.is_dir():
            return self.weights
        if self.hub is None:
            raise ModelError(
                f"The model in {self.weights} can't be loaded: {socket.gethostname()} has no such folder. Put it back; "
                "on a cluster, into a folder that all its machines share."
            )
        return local_folder(*self.hub).resolve()

    def write(self, out: Path, folder: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
        """Put the facts and the tokenizer into a prepared folder."""
        fast_tokenizer(tokenizer, folder).save(str(out / TOKENIZER))
        (out / FACTS).write_text(self.model_dump_json(), encoding="utf-8")


def untranslatable(prepared: Path, pairs: Sequence[Pair]) -> dict[Pair, str]:
    """The pairs with a language that a prepared encoder-decoder has no token for, each with the reason."""
    languages = DecodingFacts.model_validate_json((prepared / FACTS).read_bytes()).languages
    if languages is None:
        return {}
    found: dict[Pair, str] = {}
    for pair in pairs:
        try:
            [languages.token(tag) for tag in pair]
        except ModelError as error:
            found[pair] = str(error)
    return found


class PromptTokenizer:
    """A prepared model's way from prompts to tokens, and from generated tokens to a line of text."""

    def __init__(self, prepared: Path, decoding: Decoding) -> None:
        self.facts = DecodingFacts.model_validate_json((prepared / FACTS).read_bytes())
        self._decoding = decoding
        self._tokenizer = Tokenizer.from_file(str(prepared / TOKENIZER))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.stop = stop_tokens(self.facts.stop, self._tokenizer, decoding)
        """The tokens that end a translation."""
        self._stop = frozenset(self.stop)
        # whether there is room for a prompt is asked before it is decoded
        self._begun = lru_cache(REMEMBERED)(self._encode_begun)

    def limits(self, sources: Sequence[str]) -> list[int]:
        """The most tokens that may be written for each source sentence."""
        if self._decoding.max_ratio is None:
            return limits(self._decoding, [0] * len(sources))
        return limits(self._decoding, [len(self._tokens(source)) for source in sources])

    def encode(self, prompts: Sequence[str], limits: Sequence[int] | None = None) -> list[list[int]]:
        """The tokens of every prompt: the tokenizer's prefix counts, but not what it would close a sentence with.

        Args:
            prompts: the prompts.
            limits: the most tokens that may follow each; by default `max_new_tokens`.

        Raises:
            ModelError: a prompt has no tokens, or leaves no room for what may follow among the model's positions.
        """
        most = limits or [self._decoding.max_new_tokens] * len(prompts)
        # one by one: a batch would start as many threads as the machine has cores
        return [self._encode(number, *each) for number, each in enumerate(zip(prompts, most, strict=True), 1)]

    def encode_sentences(self, languages: LanguageTokens, requests: Sequence[Request]) -> list[tuple[list[int], int]]:
        """The tokens of every sentence as an encoder reads it, and the token its translation begins with.

        Raises:
            ModelError: the model does not know one of the languages, or a sentence is longer than its positions.
        """
        most = self._decoding.max_new_tokens
        encoded = []
        for number, (pair, source, _) in enumerate(requests, 1):
            ids = languages.around(self._tokens(source), pair.source)
            if self.facts.positions is not None and max(len(ids), most + 2) > self.facts.positions:
                raise ModelError(
                    f"Sentence {number} of {pair} has {len(ids)} tokens and {most} may be written; the "
                    f"model has {self.facts.positions} positions: lower max_new_tokens or leave such sentences out."
                )
            encoded.append((ids, languages.token(pair.target)))
        return encoded

    def without_room(
        self, pair: Pair, sources: Sequence[str], prompts: Sequence[str], positions: int | None = None
    ) -> list[str | None]:
        """For each sentence why the model has no room for it and its translation; None where it has.

        Args:
            pair: the direction.
            sources: the sentences.
            prompts: the same sentences, each in its rendered prompt.
            positions: the tokens that there is room for; by default the model's.
        """
        if (most := positions or self.facts.positions) is None:
            return [None] * len(prompts)
        if (languages := self.facts.languages) is not None:
            written = self._decoding.max_new_tokens
            lengths = [len(languages.around(self._tokens(source), pair.source)) for source in sources]
            return [
                f"it has {length} tokens and {written} may be written, and the model has {most} positions"
                if max(length, written + 2) > most
                else None
                for length in lengths
            ]
        asked = [(len(self._begun(prompt)), limit) for prompt, limit in zip(prompts, self.limits(sources), strict=True)]
        return [
            f"its prompt has {length} tokens, which with {limit} new ones is more than the {most} positions of the "
            "model"
            if length + limit > most
            else None
            for length, limit in asked
        ]

    def _encode_begun(self, prompt: str) -> list[int]:
        """The tokens of a prompt without what the tokenizer would close a sentence with; none of an empty one."""
        encoding = self._tokenizer.encode(prompt)
        ids, added = encoding.ids, encoding.special_tokens_mask
        if 0 not in added:
            return []
        while added[len(ids) - 1]:
            ids.pop()
        return ids

    def sentence(self, language: str, text: str) -> tuple[list[int], list[bool]]:
        """The tokens of a sentence without a prompt, cut at the model's positions, and which are the text's own.

        Args:
            language: its language, which an encoder reads as a token.
            text: the sentence.

        Raises:
            ModelError: an encoder has no token for the language.
        """
        languages, most = self.facts.languages, self.facts.positions
        own = self._tokens(text)
        if languages is None:
            begun = self._begun(text)
            before = len(begun) - len(own)
            ids, is_own = begun, [False] * before + [True] * len(own)
        else:
            ids = languages.around(own, language)
            before = len(languages.prefix)
            is_own = [before <= place < before + len(own) for place in range(len(ids))]
        return ids[:most], is_own[:most]

    def continued(self, prompt: str, reference: str) -> tuple[list[int], list[int]]:
        """The tokens of a prompt, and of a reference that follows it as translations do: after a space, or directly."""
        directly = prompt[-1:].isspace() or prompt.endswith(self._special)
        return self._begun(prompt), self._tokens(("" if directly else self._lead) + reference)

    @cached_property
    def _special(self) -> tuple[str, ...]:
        return tuple(token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special)

    @cached_property
    def _lead(self) -> str:
        """A space before a target, unless the tokenizer puts one before every text (`prompts.tokens.target_lead`)."""
        whole, first, spaced, plain = map(self._tokens, ("a b", "a", " b", "b"))
        return "" if first + plain == whole != first + spaced else " "

    def _tokens(self, source: str) -> list[int]:
        return self._tokenizer.encode(source, add_special_tokens=False).ids

    def _encode(self, number: int, prompt: str, limit: int) -> list[int]:
        ids = self._begun(prompt)
        if not ids:
            raise ModelError(f"Prompt {number} is empty ({prompt!r}): there is nothing to continue.")
        positions = self.facts.positions
        if positions is not None and len(ids) + limit > positions:
            raise ModelError(
                f"Prompt {number} has {len(ids)} tokens, which with {limit} new ones is more than the "
                f"{positions} positions of the model: lower max_new_tokens or leave such long sentences out."
            )
        return ids

    def hypothesis(self, ids: Sequence[int], limit: int | None = None) -> Hypothesis:
        """The hypothesis that generated tokens spell; those after the first stop, or the limit, don't count."""
        ids = ids[:limit]
        end = next((place for place, token in enumerate(ids, 1) if token in self._stop), None)
        found = cut(self._tokenizer.decode(list(ids[:end])), self._decoding)
        return Hypothesis(found.text, "length" if end is None and not found.stopped else "stop", end or len(ids))


def batches(
    lengths: Sequence[int], batch_tokens: int, mixed: bool, groups: Sequence[int] | None = None
) -> Iterator[list[int]]:
    """The places of prompts that are decoded together, longest first.

    Args:
        lengths: tokens of each prompt.
        batch_tokens: the most a batch may hold, padding counted; a prompt that is longer goes alone.
        mixed: whether prompts of different lengths may share a batch.
        groups: a number for each prompt, where those of different numbers never share a batch.
    """
    of_group = groups or [0] * len(lengths)
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (of_group[place], lengths[place]), reverse=True):
        if batch:
            longest = lengths[batch[0]]
            # a prompt of one token is kept from longer ones: CTranslate2 would return their prompts with the results
            together = lengths[place] == longest or (mixed and lengths[place] > 1)
            together = together and of_group[place] == of_group[batch[0]]
            if (len(batch) + 1) * longest > batch_tokens or not together:
                yield batch
                batch = []
        batch.append(place)
    if batch:
        yield batch


def in_halves(batch: list[int], decode: Callable[[list[int]], list[Result]]) -> list[Result]:
    """Decode a batch; where memory does not suffice its first half, then its second, and so on down to single prompts.

    Raises:
        ModelError: there is not enough memory for one prompt.
    """
    try:
        return decode(batch)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if len(batch) == 1:
            raise ModelError(
                "The memory does not suffice to decode a single prompt: choose a larger GPU, a smaller beam or int8."
            ) from error
    # outside of the handler, which would keep the failed batch's tensors alive
    half = len(batch) // 2
    return in_halves(batch[:half], decode) + in_halves(batch[half:], decode)


def _ends(folder: Path, config: "PreTrainedConfig", tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """The end-of-sentence tokens; chat models name one in their tokenizer and more in their generation settings."""
    from transformers import GenerationConfig

    named = [tokenizer.eos_token_id, config.get_text_config().eos_token_id]
    if (folder / "generation_config.json").is_file():
        named.append(GenerationConfig.from_pretrained(folder).eos_token_id)
    ends: set[int] = set()
    for value in named:
        ends.update([] if value is None else [value] if isinstance(value, int) else value)
    return ends


def _breaks(tokenizer: Tokenizer) -> set[int]:
    ids = range(tokenizer.get_vocab_size())
    texts = tokenizer.decode_batch([[token] for token in ids], skip_special_tokens=False)
    return {token for token, text in zip(ids, texts, strict=True) if breaks(text)}
