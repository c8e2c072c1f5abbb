"""A filter of candidates for the edit distance: no two texts within the distance are missed, few others are kept.

An edit changes at most two of a text's bigrams, so texts that are k edits apart lack at most 2 k of each other's (the
q-gram lemma: Ukkonen 1992, https://doi.org/10.1016/0304-3975(92)90143-4). Bigrams are compared as sets of bits they
are hashed to, small ones first, then larger ones: bigrams that fall on the same bit can hide a difference, never make
one.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ROWS = 16
"""Texts that are compared with the known ones at a time."""

CANDIDATES = 1 << 12
"""Candidates whose large sets are compared at a time."""

BITS = 8
"""Bits of a small set for each character of its text, at least; with fewer, different bigrams share one too often."""

FOLDS = 4
"""How many times larger the large sets are."""

FEWEST, MOST = 256, 1 << 14
"""Bits of the smallest and the largest of the small sets."""

SLACK = 1e-6
"""Edits that are allowed beyond the similarity, for rounding."""

_LETTER = 21
"""Bits of a character's number; what remains of 64 beside a bigram numbers the texts that are hashed together."""

_ODD, _OTHER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Factors that spread numbers over 64 bits."""

Bits = NDArray[np.uint64]
"""Sets of bits, shape [sets, words of 64]."""


class _Sets(NamedTuple):
    """The bigrams of some texts."""

    small: Bits
    """As small sets: the parts of the large ones laid over each other."""
    large: Bits
    """As large sets."""
    small_sizes: NDArray[np.int64]
    """Elements of each small set."""
    large_sizes: NDArray[np.int64]
    """Elements of each large set."""

    def part(self, start: int) -> "_Sets":
        """Those of the next `ROWS` texts."""
        rows = slice(start, start + ROWS)
        return _Sets(self.small[rows], self.large[rows], self.small_sizes[rows], self.large_sizes[rows])


class EditFilter:
    """The known texts, ready to be compared with others.

    Args:
        texts: the known ones (n); empty ones are like none.
        similarity: 1 - edits / length of the longer that two texts must have.
    """

    def __init__(self, texts: Sequence[str], similarity: float) -> None:
        self._loss = 1 - similarity
        self._numbers, self._lengths = _by_length(texts)
        self._texts = [texts[number] for number in self._numbers]
        self._known: dict[int, tuple[int, Bits, _Sets]] = {}

    def candidates(
        self, texts: Sequence[str], wanted: NDArray[np.bool_]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Numbers of texts (m), and of known ones that they may be like, some thousand at a time.

        Args:
            texts: what is compared; empty ones are like none.
            wanted: the known ones that count (n), looked at anew each time.
        """
        numbers, lengths = _by_length(texts)
        sizes = _size(lengths)
        for size in np.unique(sizes).tolist():
            of_size = sizes == size
            sets = _sets([texts[number] for number in numbers[of_size]], size)
            for start in range(0, len(sets.small), ROWS):
                rows, lengths_of_rows = (each[of_size][start : start + ROWS] for each in (numbers, lengths))
                yield from self._compare(sets.part(start), rows, lengths_of_rows, size, wanted)

    def _compare(
        self, sets: _Sets, numbers: NDArray[np.int64], lengths: NDArray[np.int64], size: int, wanted: NDArray[np.bool_]
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The candidates of some texts, sorted by length."""
        first, last = self._reach(int(lengths[0]), int(lengths[-1]))
        begin, words, known = self._of_size(size)
        near = slice(first - begin, last - begin)
        edits = (self._loss * np.maximum(lengths[:, None], self._lengths[first:last]) + SLACK).astype(np.int64)
        shared = np.bitwise_count(sets.small[:, :, None] & words[:, near]).sum(axis=1, dtype=np.uint16)
        like = np.maximum(sets.small_sizes[:, None], known.small_sizes[near]) - shared <= 2 * edits
        like &= wanted[self._numbers[first:last]]
        rows, columns = np.nonzero(like)
        for start in range(0, len(rows), CANDIDATES):
            row, column = rows[start : start + CANDIDATES], columns[start : start + CANDIDATES]
            place = column + near.start
            shared = np.bitwise_count(sets.large[row] & known.large[place]).sum(axis=1, dtype=np.int64)
            kept = np.maximum(sets.large_sizes[row], known.large_sizes[place]) - shared <= 2 * edits[row, column]
            yield numbers[row[kept]], self._numbers[first + column[kept]]

    def _of_size(self, size: int) -> tuple[int, Bits, _Sets]:
        """The known texts that those with sets of a size can be like: the first one's place, small sets by word, sets.

        They are made when they are first needed.
        """
        if size not in self._known:
            shortest = 1 if size == FEWEST else size // BITS // 2 + 1
            begin, end = self._reach(shortest, size // BITS)
            sets = _sets(self._texts[begin : None if size == MOST else end], size)
            self._known[size] = begin, np.ascontiguousarray(sets.small.T), sets
        return self._known[size]

    def _reach(self, shortest: int, longest: int) -> tuple[int, int]:
        """Where the known texts begin and end that texts of some lengths can be like."""
        least = shortest * (1 - self._loss) - SLACK
        most = longest / (1 - self._loss) + SLACK
        return int(np.searchsorted(self._lengths, least)), int(np.searchsorted(self._lengths, most, "right"))


def _by_length(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of the texts that are not empty, by length, and their lengths."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    return order, lengths[order]


def _size(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits of the small sets of texts of some lengths: powers of two."""
    sizes: NDArray[np.int64] = 1 << np.ceil(np.log2(lengths * BITS)).astype(np.int64)
    return sizes.clip(FEWEST, MOST)


def _sets(texts: Sequence[str], size: int) -> _Sets:
    """The bigrams of some texts; a bigram's nth occurrence has a bit of its own."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    characters = np.frombuffer("".join(texts).encode("utf-32-le"), np.uint32).astype(np.uint64)
    owners = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)
    within = owners[1:] == owners[:-1]
    owners = owners[1:][within]
    bigrams = (characters[:-1] << np.uint64(_LETTER) | characters[1:])[within]
    # sorted by text and bigram, so that what a text has several times lies side by side
    keys = np.sort(owners << np.uint64(2 * _LETTER) | bigrams)
    new = np.concatenate([[True], keys[1:] != keys[:-1]])[: len(keys)]
    places = np.arange(len(keys))
    occurrences = (places - np.maximum.accumulate(np.where(new, places, 0))).astype(np.uint64)
    hashes = (keys & np.uint64((1 << 2 * _LETTER) - 1)) * _ODD + occurrences * _OTHER
    hashes ^= hashes >> np.uint64(32)
    bits = np.zeros((len(texts), FOLDS * size), bool)
    # the owners are in order, and so the same after sorting
    bits[owners, (hashes * _ODD) >> np.uint64(65 - bits.shape[1].bit_length())] = True
    large = np.packbits(bits, axis=1).view(np.uint64)
    small = np.bitwise_or.reduce(large.reshape(len(texts), FOLDS, size // 64), axis=1)
    return _Sets(small, large, *(np.bitwise_count(each).sum(axis=1, dtype=np.int64) for each in (small, large)))
