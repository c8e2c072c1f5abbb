"""Keys of test lines: what tells which sentence, and which document, each line of a test text is; packed."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import xxhash
from numpy.typing import NDArray

from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.segment import Located

Keys = NDArray[np.uint64]
"""One key for each line; equal ones are of one sentence, or one document."""

VERSION = b"\x01"
"""First byte of packed keys: zlib over the differences from key to key, 8 bytes each, the low one first."""


class LineKeys(NamedTuple):
    """The keys of the lines of a test text, each packed by `pack`."""

    corpus_rows: bytes | None
    """The row of each line in its corpus, where a row is the same sentence in every pair."""
    source_hashes: bytes | None
    """A hash of each source sentence with its language, where there are no such rows."""
    reference_hashes: bytes | None
    """The same of the references."""
    documents: bytes | None
    """A hash of each line's document, where the corpus names documents."""

    @classmethod
    def of(cls, pair: Pair, lines: Sequence[Located]) -> Self:
        """The keys of a pair's lines."""
        rows = [line.row for line in lines if line.row is not None]
        by_row = len(rows) == len(lines)
        names = [
            f"document\n{line.document}"
            if line.document is not None
            else f"line\n{number if by_row else pair}\n{number}"
            for number, line in zip(rows if by_row else range(len(lines)), lines, strict=True)
        ]
        return cls(
            corpus_rows=pack(np.array(rows, np.uint64)) if by_row else None,
            source_hashes=None if by_row else pack(text_keys(pair.source, [line.segment.source for line in lines])),
            reference_hashes=None if by_row else pack(text_keys(pair.target, [line.segment.target for line in lines])),
            documents=pack(_hashes(names)) if any(line.document is not None for line in lines) else None,
        )


def text_keys(language: str, texts: Sequence[str]) -> Keys:
    """A hash for each text in a language."""
    return _hashes([f"{language}\n{text}" for text in texts])


def _hashes(texts: Sequence[str]) -> Keys:
    return np.fromiter((xxhash.xxh3_64_intdigest(text.encode()) for text in texts), np.uint64, len(texts))


def pack(keys: Keys) -> bytes:
    """Keys as bytes: rows one after another take some thirty, hashes 8 each."""
    return VERSION + zlib.compress(np.diff(keys, prepend=np.uint64(0)).astype("<u8").tobytes())


def unpack(data: bytes, lines: int | None = None) -> Keys:
    """The keys that `pack` packed.

    Args:
        data: the bytes.
        lines: how many keys there have to be; any number by default.

    Raises:
        StoreError: the bytes are damaged, from a version of Dragoman that packs otherwise, or of other lines.
    """
    if data[:1] != VERSION:
        raise StoreError("The keys of these test lines were packed by another version of Dragoman: run the grid again.")
    try:
        unpacked = zlib.decompressobj().decompress(data[1:], 0 if lines is None else 8 * lines + 1)
    except zlib.error as error:
        raise StoreError(f"The keys of these test lines are damaged ({error}): run the grid again.") from error
    if lines is not None and len(unpacked) != 8 * lines:
        raise StoreError(f"These keys are not those of {lines} test lines: run the grid again.")
    if len(unpacked) % 8:
        raise StoreError("The keys of these test lines are damaged (they are cut off): run the grid again.")
    return np.cumsum(np.frombuffer(unpacked, "<u8"), dtype=np.uint64)
