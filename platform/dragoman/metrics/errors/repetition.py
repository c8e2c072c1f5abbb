"""Repetition: runs of one stretch (oscillation), and n-grams that come too often (top n-gram hallucination)."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from dragoman.metrics.errors.tokens import tokens

TOKENS = 3
"""Consecutive repetitions of one or more tokens that are a run, as in the mFTI paper's code."""

CHARACTERS = 4
"""Consecutive repetitions of characters that are a run, within words or across them."""

N = 4
"""Tokens of the n-grams that are counted."""

EXCESS = 2
"""How much more often than in the source the top n-gram must come (Raunak et al., 2021; Guerreiro et al., 2023)."""

_STRETCH = 40
"""Characters of the longest stretch that is searched for by characters."""

_SHORT = re.compile(rf"(?s)(.{{1,3}}?)\1{{{CHARACTERS - 1}}}")
_AGAIN = re.compile(rf"(?s)(?=\S)(.{{1,{_STRETCH}}}?)\1{{{CHARACTERS - 1},}}")


class Run(NamedTuple):
    """A stretch that is repeated without anything between, with its repetitions."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """Characters."""
        return self.end - self.start


@lru_cache(maxsize=20_000)  # a reference is searched once for all models
def longest_run(text: str) -> Run:
    """The longest run in a text; of no characters where there is none. Numbers of digits and dots are none."""
    return max(_run_of_tokens(text), _run_of_characters(text), key=lambda run: run.length)


def _run_of_tokens(text: str) -> Run:
    found = tokens(text)
    words = [token.text for token in found]
    if max(Counter(words).values(), default=0) < TOKENS:
        return Run(0, 0)
    best = Run(0, 0)
    for period in range(1, len(words) // TOKENS + 1):
        begun = 0
        for place in range(len(words) - period + 1):
            if place < len(words) - period and words[place] == words[place + period]:
                continue
            if place - begun >= (TOKENS - 1) * period and _has_letter(words[begun : begun + period]):
                run = Run(found[begun].start, found[place + period - 1].end)
                best = max(best, run, key=lambda each: each.length)
            begun = place + 1
    return best


def _has_letter(words: Sequence[str]) -> bool:
    return any(character.isalpha() for word in words for character in word)


def _run_of_characters(text: str) -> Run:
    padded = f"{text} "  # the last of several words has no space after it
    if not _may_repeat(padded):
        return Run(0, 0)
    found = (
        Run(match.start(), len(text[: match.end()].rstrip()))
        for match in _AGAIN.finditer(padded)
        if any(character.isalpha() for character in match[1])
    )
    return max(found, key=lambda run: run.length, default=Run(0, 0))


def _may_repeat(text: str) -> bool:
    """Whether a search for repetitions can find any; it takes ten times as long.

    A stretch of four characters or more that comes `CHARACTERS` times holds no more different sequences of four
    characters than it is long, all others being repeated: nine or more of them.
    """
    sequences = [text[place : place + 4] for place in range(len(text) - 3)]
    return len(sequences) - len(set(sequences)) >= 4 * (CHARACTERS - 1) - 3 or _SHORT.search(text) is not None


@lru_cache(maxsize=20_000)
def top_count(text: str) -> int:
    """How often the most frequent n-gram of `N` tokens comes; 0 for fewer tokens."""
    return max(_counts(text).values(), default=0)


def places_of_top(text: str) -> list[tuple[int, int]]:
    """Where the most frequent n-gram of a text stands, the first of several."""
    counts = _counts(text)
    top = max(counts, key=lambda ngram: counts[ngram], default=())
    found = tokens(text)
    return [
        (found[place].start, found[place + N - 1].end)
        for place in range(len(found) - N + 1)
        if tuple(token.text for token in found[place : place + N]) == top
    ]


def _counts(text: str) -> Counter[tuple[str, ...]]:
    words = [token.text for token in tokens(text)]
    return Counter(tuple(words[place : place + N]) for place in range(len(words) - N + 1))
