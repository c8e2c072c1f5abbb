"""Language tokens of encoder-decoders such as NLLB: around the source sentence, and first in the output."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from dragoman.errors import ModelError, nearest
from dragoman.language import LanguageError, canonical_tag, related, without_region
from dragoman_jobs.engines.base import UnsupportedModelError

_OF_M2M_100 = {"ns": "nso"}
"""The code that M2M-100 has for a language and no standard does (facebookresearch/flores, flores101/README.md)."""

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerBase


class LanguageTokens(BaseModel):
    """The language tokens of a translation model such as NLLB, M2M-100 or mBART-50, and where they stand."""

    model_config = ConfigDict(frozen=True)

    tokens: dict[str, int]
    """Each language's token, by canonical tag."""
    prefix: tuple[int | None, ...]
    """What stands before a sentence's tokens; None is the token of its language."""
    suffix: tuple[int | None, ...]
    """What stands behind them."""
    start: int
    """What the decoder begins with; the target language's token follows."""

    @classmethod
    def of(cls, name: str, config: "PreTrainedConfig", tokenizer: "PreTrainedTokenizerBase") -> Self:
        """The language tokens a tokenizer has, found by asking it.

        Raises:
            UnsupportedModelError: the tokenizer has none, or does not say where they go.
        """
        codes = dict(language_codes(tokenizer))
        start = getattr(config, "decoder_start_token_id", None)
        if not codes or start is None or not hasattr(tokenizer, "src_lang"):
            raise UnsupportedModelError(
                f"The model {name} is an encoder-decoder ('{config.model_type}') without language tokens: it can't be "
                "told what to translate into: use NLLB, M2M-100, mBART-50, or a decoder such as XGLM or Llama."
            )
        code, token = next(iter(codes.values()))
        asked: Any = tokenizer
        asked.src_lang = code
        bare, full = asked("a", add_special_tokens=False).input_ids, asked("a").input_ids
        place = next(at for at in range(len(full)) if full[at : at + len(bare)] == bare)
        around = full[:place], full[place + len(bare) :]
        prefix, suffix = (tuple(None if each == token else each for each in side) for side in around)
        return cls(tokens={tag: token for tag, (_, token) in codes.items()}, prefix=prefix, suffix=suffix, start=start)

    def around(self, ids: Sequence[int], language: str) -> list[int]:
        """A sentence's tokens with those that belong around them.

        Raises:
            ModelError: the model does not know the language.
        """
        own = self.token(language)
        return [own if token is None else token for token in (*self.prefix, *ids, *self.suffix)]

    def token(self, language: str) -> int:
        """The token of a language.

        Raises:
            ModelError: the model does not know it.
        """
        if language not in self.tokens:
            near = related(language, self.tokens)
            if near:
                remedy = f"it has {', '.join(near)}, which the spec can name instead."
            elif len(self.tokens) < 20:
                remedy = f"leave it out, or {nearest(language, self.tokens)}"
            else:
                remedy = "leave it out, or choose a model that knows it."
            raise ModelError(f"The model has no token for the language {language}: {remedy}")
        return self.tokens[language]


def added_tokens(tokenizer: "PreTrainedTokenizerBase") -> dict[int, str]:
    """The tokens a tokenizer has beside its pieces, by number; M2M-100's keeps its languages apart."""
    languages: dict[str, int] = getattr(tokenizer, "lang_token_to_id", {})
    added = {number: str(token) for number, token in tokenizer.added_tokens_decoder.items()}
    return added | {number: token for token, number in languages.items()}


def language_codes(tokenizer: "PreTrainedTokenizerBase") -> Iterator[tuple[str, tuple[str, int]]]:
    """The language codes among a tokenizer's special tokens (`eng_Latn`, `__en__`, `en_XX`), by canonical tag."""
    named = {token for token in tokenizer.special_tokens_map.values() if isinstance(token, str)}
    found: dict[str, tuple[str, int]] = {}
    for number, added in sorted(added_tokens(tokenizer).items()):
        if added in named:  # `<pad>` and `<unk>` would be languages too
            continue
        code = added.strip("_<>")
        with suppress(LanguageError):
            found[canonical_tag(_OF_M2M_100.get(code, code))] = code, number
    yield from found.items()
    # where a model has one variety of a language alone, its region is no news: mBART's ar_AR, bn_IN and sw_KE
    varieties = Counter(map(without_region, found))
    for tag, token in found.items():
        if (language := without_region(tag)) not in found and varieties[language] == 1:
            yield language, token
