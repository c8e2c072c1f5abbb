"""Near-duplicate search: the sentences of a stream that equal or nearly equal some known ones."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cpdist

from dragoman.corpora.sampling.edit_filter import EditFilter

LEAST = 30
"""Bytes (UTF-8) of the shortest known sentence that near copies are looked for of; shorter ones are alike too often by
chance."""


class _Spacing(dict[int, str | None]):
    """Translation table of normalisation, filled as characters are first met."""

    def __missing__(self, code: int) -> str | None:
        category = unicodedata.category(chr(code))
        kept = None if category == "Cf" else " " if category[0] in "PSZ" or category == "Cc" else chr(code)
        self[code] = kept
        return kept


_SPACING = _Spacing()


def normalised(text: str) -> str:
    """A sentence without what copies of it may differ in: case, punctuation, spacing, and the forms of characters."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(_SPACING).split())


class Match(NamedTuple):
    """A sentence that is like a known one."""

    number: int
    """Index of the sentence, among those searched."""
    known: int
    """Index of the known one."""
    exact: bool
    """Whether they are equal once normalised; otherwise they are nearly the same."""


class Known:
    """Sentences of one language that others are compared with.

    Two are nearly the same if turning one into the other takes few edits for their length (Levenshtein). Every pair of
    such sentences is found, as if each were compared with each.

    Args:
        sentences: the known ones (n).
        similarity: 1 - edits / length of the longer from which two are nearly the same.
    """

    def __init__(self, sentences: Sequence[str], similarity: float) -> None:
        self._texts = [normalised(sentence) for sentence in sentences]
        self._similarity = similarity
        self._exact: defaultdict[str, list[int]] = defaultdict(list)
        for number, text in enumerate(self._texts):
            self._exact[text].append(number)
        self._filter = EditFilter([text if len(text.encode()) >= LEAST else "" for text in self._texts], similarity)

    def matches(self, sentences: Sequence[str], wanted: NDArray[np.bool_] | None = None) -> Iterator[Match]:
        """Which of some sentences (m) are like which known ones: equal ones first, then those that are nearly the same.

        Args:
            sentences: those that are searched.
            wanted: the known ones that near copies are looked for of (n), all by default; the caller may change it
                between two matches.
        """
        texts = [normalised(sentence) for sentence in sentences]
        for number, text in enumerate(texts):
            if text:
                yield from (Match(number, known, True) for known in self._exact.get(text, ()))
        wanted = np.ones(len(self._texts), bool) if wanted is None else wanted
        for numbers, known in self._filter.candidates(texts, wanted):
            pairs = list(zip(numbers.tolist(), known.tolist(), strict=True))
            likeness = cpdist(
                [texts[number] for number, _ in pairs],
                [self._texts[number] for _, number in pairs],
                scorer=Levenshtein.normalized_similarity,
                score_cutoff=self._similarity,  # what is less alike scores 0
            )
            for place in np.flatnonzero(likeness).tolist():
                number, like = pairs[place]
                if texts[number] != self._texts[like]:
                    yield Match(number, like, False)
