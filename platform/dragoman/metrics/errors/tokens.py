"""Tokens of any script: words where spaces part them, characters where they don't."""

from functools import lru_cache
from typing import NamedTuple

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
_TOKEN = regex.compile(rf"(?V1)[[{_UNSPACED}]&&\p{{L}}]\p{{M}}*|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+")


class Token(NamedTuple):
    """A token of a text."""

    text: str
    """Its characters, folded."""
    start: int
    """Where it begins in the text."""
    end: int
    """Where it ends, exclusive."""


@lru_cache(maxsize=4096)  # the sources and references of a cell are read once for all metrics
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a text: runs of letters, marks and digits; single characters in Chinese, Japanese, Thai ..."""
    return tuple(Token(found[0].casefold(), found.start(), found.end()) for found in _TOKEN.finditer(text))
