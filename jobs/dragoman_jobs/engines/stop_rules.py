"""Stop rules: where a generated text ends, decided on tokens first and then on the text, alike in every engine."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from tokenizers import Tokenizer

from dragoman.line import lines_of
from dragoman.spec.decoding import Decoding

_NO_LONGER = frozenset("\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")
"""What ended a translation in earlier versions, and so stands among the stop tokens of models that they prepared."""


class Cut(NamedTuple):
    """A generated text up to its end."""

    text: str
    """One line, stripped."""
    stopped: bool
    """Whether a stop string or a line break ended it."""


def cut(text: str, decoding: Decoding) -> Cut:
    """A text up to the first stop string or line break, whichever comes first."""
    places = [place for stop in decoding.stop if (place := text.find(stop)) >= 0]
    kept = text[: min(places, default=len(text))]
    lines = lines_of(kept) or [""]
    if not decoding.stop_at_newline:
        return Cut(" ".join(filter(None, map(str.strip, lines))), bool(places))
    return Cut(lines[0].strip(), bool(places) or lines[0] != kept)


def stop_tokens(stop: Sequence[int], tokenizer: Tokenizer, decoding: Decoding) -> tuple[int, ...]:
    """The tokens that end a text, in order: a stop string within one token ends it there, and saves what would follow.

    Args:
        stop: those of the model (`DecodingFacts.stop`), all with a line break in them among these.
        tokenizer: the tokenizer.
        decoding: the rules.
    """
    ends = tokenizer.decode_batch([[token] for token in stop], skip_special_tokens=False)
    kept = {token for token, text in zip(stop, ends, strict=True) if breaks(text) or not _NO_LONGER & set(text)}
    if decoding.stop_at_newline and not decoding.stop:
        return tuple(sorted(kept))
    ids = range(tokenizer.get_vocab_size())
    texts = tokenizer.decode_batch([[token] for token in ids], skip_special_tokens=False)
    found = {token for token, text in zip(ids, texts, strict=True) if any(each in text for each in decoding.stop)}
    if not decoding.stop_at_newline:
        kept -= {token for token, text in zip(ids, texts, strict=True) if breaks(text)}
    return tuple(sorted(kept | found))


def breaks(text: str) -> bool:
    """Whether there is a line break in a text."""
    return "\n" in text


def limits(decoding: Decoding, sources: Sequence[int]) -> list[int]:
    """The most tokens that may be written for each sentence.

    Args:
        decoding: the rules.
        sources: tokens of each source sentence.
    """
    most = decoding.max_new_tokens
    if decoding.max_ratio is None:
        return [most] * len(sources)
    return [max(1, min(most, ceil(decoding.max_ratio * length))) for length in sources]
