"""Error labels of hypotheses: copies, repetitions, empty and cut-off text, the wrong language."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import lru_cache

from rapidfuzz.distance import Indel

from dragoman.metrics.base import MetricError
from dragoman.metrics.language_detector import Detector
from dragoman.pair import Pair

ALIKE = 0.9
"""Likeness (twice what is common by the length of both) from which a hypothesis is a copy of its source."""

TIMES = 4
"""Consecutive repetitions of a stretch of words or characters from which a hypothesis repeats itself."""

_STRETCH = 40
"""Characters of the longest stretch that is searched for."""

_SHORT = re.compile(rf"(?s)(.{{1,3}}?)\1{{{TIMES - 1}}}")
"""Stretches of up to three characters that come so often."""

_AGAIN = re.compile(rf"(?s)(?=\S)(.{{1,{_STRETCH}}}?)\1{{{TIMES - 1},}}")


class Label(StrEnum):
    """Kind of error."""

    OFF_TARGET = "off_target"
    """In another language than the target, by the grid's off-target metric."""
    EMPTY = "empty"
    """Nothing but white space."""
    COPIED = "copied"
    """The source, or nearly so, where the reference is not."""
    REPEATED = "repeated"
    """A stretch of it comes several times in a row, more often than anything in the reference does."""
    CUT = "cut"
    """It reached the longest length allowed."""
    TOO_LONG = "too_long"
    """The model had no room for its source, so that it is empty, or of a shortened source."""


def labels(
    source: str, reference: str, hypothesis: str, was_cut: bool, was_too_long: bool = False
) -> tuple[Label, ...]:
    """The labels of one hypothesis from its text and how it ended; off-target comes from a metric."""
    text = hypothesis.strip()
    found = {
        Label.EMPTY: not text,
        Label.COPIED: bool(text) and _is_copy(text, source) and not _is_copy(reference, source),
        Label.REPEATED: _longest_run(hypothesis) > _longest_run(reference),
        Label.CUT: was_cut,
        Label.TOO_LONG: was_too_long,
    }
    return tuple(label for label, holds in found.items() if holds)


def _is_copy(text: str, source: str) -> bool:
    return Indel.normalized_similarity(text.casefold(), source.casefold(), score_cutoff=ALIKE) > 0


@lru_cache(maxsize=20_000)  # a reference is searched once for all models
def _longest_run(text: str) -> int:
    """Characters of the longest stretch that is repeated `TIMES` times or more; digits and dots alone don't count."""
    padded = f"{text} "  # the last of several words has no space after it
    if not _may_repeat(padded):
        return 0
    runs = (match for match in _AGAIN.finditer(padded) if any(character.isalpha() for character in match[1]))
    return max((len(match[0]) for match in runs), default=0)


def _may_repeat(text: str) -> bool:
    """Whether a search for repetitions can find any; it takes ten times as long.

    A stretch of four characters or more that comes `TIMES` times holds no more different sequences of four characters
    than it is long, all others being repeated: nine or more of them.
    """
    sequences = [text[place : place + 4] for place in range(len(text) - 3)]
    return len(sequences) - len(set(sequences)) >= 4 * (TIMES - 1) - 3 or _SHORT.search(text) is not None


class Guess:
    """Guesses the language of a text among those of a grid; None where it can't be detected."""

    def __init__(self, pair: Pair, languages: Collection[str]) -> None:
        """Prepare for the hypotheses of a pair."""
        try:
            self._detector: Detector | None = Detector(pair, languages)
        except MetricError:
            self._detector = None

    def __call__(self, text: str) -> str | None:
        """The language's tag."""
        return self._detector.guess(text) if self._detector else None


def counted(found: Sequence[Collection[Label]]) -> dict[Label, int]:
    """How many hypotheses have each label, in the order of labels; only those that occur."""
    counts = Counter(label for each in found for label in each)
    return {label: counts[label] for label in Label if counts[label]}
