"""Near-duplicate search: the sentences of a stream that equal or nearly equal some known ones."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

GRAM = 6
"""Bytes (UTF-8) of an n-gram: six letters of English, three of Russian, two characters of Chinese."""

RAREST = 32
"""N-grams a known sentence is found by: those that fewest other sentences have."""

SHARED = 0.25
"""Share of them that a sentence must have to be compared. A changed word of eight letters costs at most 13 of 32."""

LEAST = 30
"""Bytes of the shortest sentence that can be nearly the same as another; shorter ones are alike too often by chance."""

_END = ord("\n")
_SHIFTS = np.arange(GRAM, dtype=np.uint64) * np.uint64(8)


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

    Two are nearly the same if turning one into the other takes few edits for their length (Levenshtein). Only sentences
    that share some of a known one's rarest n-grams are compared, so nearly all comparisons are saved.

    Args:
        sentences: the known ones (n).
        similarity: 1 - edits / length of the longer from which two are nearly the same.
    """

    def __init__(self, sentences: Sequence[str], similarity: float) -> None:
        self._texts = [normalised(sentence) for sentence in sentences]
        self._similarity = similarity
        self._exact = {text: number for number, text in reversed(list(enumerate(self._texts))) if text}
        owners, grams = _grams([text if len(text.encode()) >= LEAST else "" for text in self._texts])
        self._grams, self._owners, self._needed = _rarest(owners, grams, len(self._texts))

    def matches(self, sentences: Sequence[str]) -> Iterator[Match]:
        """The sentences (m, best a few hundred or more) that are like a known one, each with the one most like it."""
        texts = [normalised(sentence) for sentence in sentences]
        rest = list(texts)
        for number, text in enumerate(texts):
            known = self._exact.get(text)
            if known is not None:
                rest[number] = ""
                yield Match(number, known, True)
        best: dict[int, tuple[float, int]] = {}
        for number, known in self._candidates(rest):
            likeness = Levenshtein.normalized_similarity(
                rest[number], self._texts[known], score_cutoff=self._similarity
            )
            if likeness >= self._similarity and likeness > best.get(number, (0.0, 0))[0]:
                best[number] = likeness, known
        yield from (Match(number, known, False) for number, (_, known) in sorted(best.items()))

    def _candidates(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Which texts share enough n-grams with which known ones."""
        numbers, grams = _grams(texts)
        first = np.searchsorted(self._grams, grams, "left")
        counts = np.searchsorted(self._grams, grams, "right") - first
        # one row for each n-gram of a text and each known sentence that has it among its rarest
        rows = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
        met = np.repeat(numbers, counts) * len(self._texts) + self._owners[rows]
        met, shared = np.unique(met, return_counts=True)
        text, known = np.divmod(met, max(len(self._texts), 1))
        enough = shared >= self._needed[known]
        return list(zip(text[enough].tolist(), known[enough].tolist(), strict=True))


def _grams(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The n-grams of some texts, each as a number, after the number of the text it is in."""
    data = np.frombuffer("".join(f"{text}\n" for text in texts).encode(), dtype=np.uint8)
    if len(data) <= GRAM:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    ended = np.concatenate([[0], np.cumsum(data == _END)])
    within = ended[GRAM:] == ended[:-GRAM]
    windows = np.lib.stride_tricks.sliding_window_view(data, GRAM)[within].astype(np.uint64)
    return ended[:-GRAM][within], (windows << _SHIFTS).sum(axis=1, dtype=np.uint64)


def _rarest(
    owners: NDArray[np.int64], grams: NDArray[np.uint64], count: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """The rarest n-grams of each text, sorted, with their owners; and how many of them are enough to compare."""
    owners, grams = np.unique(np.stack([owners.astype(np.uint64), grams]), axis=1)
    _, kind, frequency = np.unique(grams, return_inverse=True, return_counts=True)
    order = np.lexsort((grams, frequency[kind], owners))
    owners, grams = owners[order].astype(np.int64), grams[order]
    begin = np.searchsorted(owners, owners)
    chosen = np.arange(len(owners)) - begin < RAREST
    owners, grams = owners[chosen], grams[chosen]
    needed = np.ceil(SHARED * np.bincount(owners, minlength=count)).astype(np.int64)
    by_gram = np.argsort(grams, kind="stable")
    return grams[by_gram], owners[by_gram], needed
