"""The rows and documents of test sentences as lines of text, which resampling needs beside the texts."""

from collections.abc import Iterable, Sequence

import numpy as np

from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.store.line_keys import LineKeys, pack, text_keys, unpack

_LARGEST = 2**64


def written(keys: LineKeys) -> list[str]:
    """A line for each test sentence: its row in the corpus and, in hexadecimal, its document; a dash for none."""
    rows = None if keys.corpus_rows is None else unpack(keys.corpus_rows).tolist()
    documents = None if keys.documents is None else unpack(keys.documents).tolist()
    lines = len(rows or documents or ())
    return [
        f"{'-' if rows is None else rows[place]}\t{'-' if documents is None else f'{documents[place]:016x}'}"
        for place in range(lines)
    ]


def read_back(lines: Iterable[str], pair: Pair, sources: Sequence[str], references: Sequence[str]) -> LineKeys:
    """The keys of test sentences, of their lines and, where they have no rows, of their texts.

    Raises:
        StoreError: a line is not what `written` writes.
    """
    rows: list[int] = []
    documents: list[int] = []
    for number, line in enumerate(lines, 1):
        row, _, document = line.partition("\t")
        try:
            rows += [] if row == "-" else [int(row)]
            documents += [] if document == "-" else [int(document, 16)]
        except ValueError as error:
            raise StoreError(f"line {number} is no row and document") from error
    if len(rows) not in (0, len(sources)) or len(documents) not in (0, len(sources)):
        raise StoreError(f"they are not those of {len(sources)} sentences")
    if any(not 0 <= each < _LARGEST for each in (*rows, *documents)):
        raise StoreError("a number of them is too large")
    return LineKeys(
        corpus_rows=pack(np.array(rows, np.uint64)) if rows else None,
        source_hashes=None if rows else pack(text_keys(pair.source, sources)),
        reference_hashes=None if rows else pack(text_keys(pair.target, references)),
        documents=pack(np.array(documents, np.uint64)) if documents else None,
    )
