"""An SQLite write-ahead log as it lies beside its database: whose it is, and what of it SQLite does not read.

SQLite reads a log up to the first frame whose checksum is wrong, and forgets the rest without a word. The format:
https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HEADER = 32
"""Bytes of a log's header."""

_FRAME = 24
"""Bytes of the header of each frame, which is followed by a page."""
_BATCH = 4 << 20
"""Bytes that are looked at together."""
_WORDS = {0x377F0682: "<u4", 0x377F0683: ">u4"}
"""The order of bytes in which a log's checksums are made, by its first number."""
_NUMBER = (_FRAME + 60) // 4
"""Where a frame of the first page has the user version, in words of four bytes."""

Words = np.ndarray[Any, np.dtype[Any]]


class WriteAheadLog(NamedTuple):
    """What a log holds."""

    number: int | None = None
    """The user version, from the log's copy of the first page; None where it has no such copy."""
    pages: int | None = None
    """The pages of the database after the last commit; None where there is none."""
    damage: str | None = None
    """What is damaged, and what was committed behind that."""


def read(log: Path) -> WriteAheadLog:
    """Read a log, in the order in which SQLite does; it may be written to meanwhile.

    A last commit that is damaged looks like one that was never finished, and is no damage.

    Raises:
        OSError: it can't be read.
    """
    with log.open("rb") as file:
        first = file.read(HEADER)
        header = np.frombuffer(first, ">u4") if len(first) == HEADER else np.zeros(HEADER // 4, ">u4")
        order, page = _WORDS.get(int(header[0])), int(header[2])
        sums = header[6:]
        if order is None or (_sums(np.frombuffer(first[:_FRAME], order)[None], np.zeros((1, 2))) != sums).any():
            return WriteAheadLog(damage="its header, without which SQLite reads nothing of it")
        number, pages, frames, wrong, lost = None, None, 0, None, 0
        size = (_FRAME + page) // 4
        while count := len(block := file.read(max(1, _BATCH // size // 4) * size * 4)) // (size * 4):
            words = np.frombuffer(block, order, count * size).reshape(count, size)
            values = words.view(">u4")
            right = (values[:, 2:4] == header[4:6]).all(axis=1)
            begun = np.concatenate([sums[None], values[:-1, 4:6]])
            right &= (_sums(np.delete(words, range(2, _FRAME // 4), axis=1), begun) == values[:, 4:6]).all(axis=1)
            whole = count if right.all() else int(np.argmin(right))
            if wrong is None:
                firsts = values[:whole][values[:whole, 0] == 1]
                commits = values[:whole, 1][values[:whole, 1] > 0]
                number = int(firsts[-1, _NUMBER]) if len(firsts) else number
                pages = int(commits[-1]) if len(commits) else pages
                wrong = frames + whole if whole < count else None
            if wrong is not None:
                lost += int((right & (values[:, 1] > 0))[max(0, wrong - frames) :].sum())
            frames, sums = frames + count, values[-1, 4:6]
    damage = f"frame {(wrong or 0) + 1}, and {lost} later commits are not read" if lost else None
    return WriteAheadLog(number, pages, damage)


def _sums(words: Words, begun: Words) -> Words:
    """SQLite's checksums of rows of words, each continued from two sums: weighted by Fibonacci's numbers."""
    length = words.shape[1]
    weights = _fibonacci(length + 2)
    words, begun = words.astype(np.uint32), begun.astype(np.uint32)
    return np.stack(
        [
            words @ weights[length - 1 :: -1] + begun @ weights[length - 1 : length + 1],
            words @ weights[length:0:-1] + begun @ weights[length : length + 2],
        ],
        axis=1,
    )


@cache
def _fibonacci(count: int) -> Words:
    """Fibonacci's first numbers from 0, without what 32 bits don't hold."""
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append((numbers[-1] + numbers[-2]) & 0xFFFFFFFF)
    return np.array(numbers, np.uint32)
