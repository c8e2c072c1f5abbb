"""Where a text ends: the same in every engine, since it is decided on tokens first and then on the text."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from tokenizers import Tokenizer

from dragoman.spec.decoding import Decoding


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
    lines = kept.splitlines() or [""]
    if not decoding.stop_at_newline:
        return Cut(" ".join(filter(None, map(str.strip, lines))), bool(places))
    return Cut(lines[0].strip(), bool(places) or lines[0] != kept)


def stop_tokens(stop: Sequence[int], tokenizer: Tokenizer, decoding: Decoding) -> tuple[int, ...]:
    """The tokens that end a text, in order: a stop string within one token ends it there, and saves what would follow.

    Args:
        stop: those of the model (`Facts.stop`), all with a line break in them among these.
        tokenizer: the tokenizer.
        decoding: the rules.
    """
    if decoding.stop_at_newline and not decoding.stop:
        return tuple(stop)
    ids = range(tokenizer.get_vocab_size())
    texts = tokenizer.decode_batch([[token] for token in ids], skip_special_tokens=False)
    found = {token for token, text in zip(ids, texts, strict=True) if any(each in text for each in decoding.stop)}
    kept = set(stop)
    if not decoding.stop_at_newline:
        kept -= {token for token, text in zip(ids, texts, strict=True) if breaks(text)}
    return tuple(sorted(kept | found))


def breaks(text: str) -> bool:
    """Whether there is a line break in a text."""
    return len(f"{text}.".splitlines()) > 1


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
