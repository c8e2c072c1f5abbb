"""How an encoder-decoder is told the languages: by tokens around the sentence, and by the first one it writes."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict

from dragoman.errors import ModelError, nearest
from dragoman.language import LanguageError, canonical_tag
from dragoman_jobs.engines.base import UnsupportedModelError

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
        codes = dict(_codes(tokenizer))
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
            raise ModelError(
                f"The model has no token for the language {language}: leave it out, or "
                f"{nearest(language, self.tokens) if len(self.tokens) < 20 else 'choose a model that knows it.'}"
            )
        return self.tokens[language]


def added_tokens(tokenizer: "PreTrainedTokenizerBase") -> dict[int, str]:
    """The tokens a tokenizer has beside its pieces, by number; M2M-100's keeps its languages apart."""
    languages: dict[str, int] = getattr(tokenizer, "lang_token_to_id", {})
    added = {number: str(token) for number, token in tokenizer.added_tokens_decoder.items()}
    return added | {number: token for token, number in languages.items()}


def _codes(tokenizer: "PreTrainedTokenizerBase") -> Iterator[tuple[str, tuple[str, int]]]:
    """The language codes among a tokenizer's special tokens (`eng_Latn`, `__en__`, `en_XX`), by canonical tag."""
    named = {token for token in tokenizer.special_tokens_map.values() if isinstance(token, str)}
    for number, added in sorted(added_tokens(tokenizer).items()):
        if added in named:  # `<pad>` and `<unk>` would be languages too
            continue
        code = added.strip("_<>")
        language, _, territory = code.partition("_")
        try:
            # mBART writes a country that tells nothing: de_DE, en_XX
            yield canonical_tag(language if territory.isupper() else code), (code, number)
        except LanguageError:
            continue
