"""Units of resampling: which sentence, or document, each test line of each pair is.

What a bootstrap or a permutation test draws are the things that were sampled (Koehn 2004, "Statistical Significance
Tests for Machine Translation Evaluation"), and in a grid these are sentences, of which a pair shows a translation: two
pairs that hold the same sentence must draw it together, wherever it stands in either.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from dragoman.analysis.score_slice import Slice
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.segment import Located
from dragoman.store.blobs import BlobStore
from dragoman.store.line_keys import Keys, LineKeys, text_keys, unpack
from dragoman.store.repositories.conditions import is_text
from dragoman.store.schema import CellRow, ConditionRow, GridPairRow, PairRow, TestKeysRow, TestRow

_APART = "Pairs are resampled apart, as though independent: which sentences they share is not known."
_BY_TEXT = (
    "They are known by their text, not by their rows in the corpus: sentences of the same text count as one, and pairs "
    "that no text links as independent."
)
_NO_DOCUMENTS = "The documents of these test lines are not known."

_KEPT = 2000
"""Pairs whose hashes are kept in memory: 16 bytes a line."""


class Unit(StrEnum):
    """What is resampled."""

    SENTENCE = "sentence"
    """Sentences."""
    DOCUMENT = "document"
    """Documents, all sentences of one together; sentences where the corpus names no documents."""


_RESAMPLED = {
    Unit.SENTENCE: "Resampled: sentences, drawn together in all pairs that have them.",
    Unit.DOCUMENT: "Resampled: documents, drawn together in all pairs that have sentences of them.",
}


class Block(NamedTuple):
    """Pairs whose test lines share units."""

    units: int
    """Number of units (sentences or documents)."""
    lines: Mapping[Pair, NDArray[np.intp]]
    """For each pair, the unit of each of its test lines, in the order of the stored statistics."""


class Units(NamedTuple):
    """The units of the test lines of some pairs."""

    blocks: tuple[Block, ...]
    """Largest first (by test lines); pairs of different blocks share nothing and are resampled apart."""
    note: str | None
    """What is resampled and what is not known, a sentence."""


def independent(lengths: Mapping[Pair, int]) -> Units:
    """Units where nothing is known but how many lines each pair has: a block a pair.

    Args:
        lengths: the number of test lines of each pair.
    """
    blocks = [Block(length, {pair: np.arange(length)}) for pair, length in lengths.items()]
    return Units(_largest_first(blocks), _APART if len(blocks) > 1 else None)


def units_of(
    connection: Connection,
    part: Slice,
    pairs: Collection[Pair],
    *,
    unit: Unit = Unit.SENTENCE,
    blobs: BlobStore | None = None,
) -> Units:
    """The units of the test lines of some pairs.

    A sentence is a row of the corpus where all pairs share its rows. Elsewhere two lines are the same sentence where
    they share a text in a language, or are linked by lines that do. A pair is in no block if the store has neither its
    lines nor their number.

    Args:
        connection: a reading transaction.
        part: the slice whose test set is meant.
        pairs: the pairs.
        unit: what is resampled.
        blobs: the store's blobs, for the text of lines that were stored without keys, and of those that share a grid
            with such; where they can't be read, their pairs are taken as independent.

    Raises:
        StoreError: keys of test lines are damaged.
    """
    texts = [text for text in _texts(connection, part) if text.pair in pairs]
    rows = {text.pair: unpack(text.keys.corpus_rows) for text in texts if text.keys.corpus_rows is not None}
    by_row = len(rows) == len(texts)
    keys: dict[Pair, list[Keys]] = {}
    for text in texts:
        found = [rows[text.pair]] if text.pair in rows else []
        if not by_row:
            found += _text_keys(text, blobs)
        if found:
            keys[text.pair] = found
    documents = {text.pair: unpack(text.keys.documents) for text in texts if text.keys.documents is not None}
    by_document = unit is Unit.DOCUMENT and len(documents) == len(texts) > 0
    if by_document:
        keys = {text.pair: [*keys.get(text.pair, ()), documents[text.pair]] for text in texts}
    unknown = _lengths(connection, part, [text for text in texts if text.pair not in keys])
    known = blocks_of(rows) if by_row and not by_document else linked(keys)
    notes = [_RESAMPLED[Unit.DOCUMENT if by_document else Unit.SENTENCE]] if keys else []
    if unit is Unit.DOCUMENT and not by_document:
        notes.append(_NO_DOCUMENTS)
    if keys and not by_row:
        notes.append(_BY_TEXT)
    if unknown and len(keys) + len(unknown) > 1:
        notes.append(_APART)
    return Units(_largest_first([*known, *independent(unknown).blocks]), " ".join(notes) or None)


def units_of_lines(lines: Mapping[Pair, Sequence[Located]]) -> Units:
    """The sentences of test lines that a corpus has just been read for: by their rows, or else by their text."""
    rows = {pair: [line.row for line in located] for pair, located in lines.items()}
    known = {pair: np.array(its, np.uint64) for pair, its in rows.items() if None not in its}
    if len(known) == len(lines):
        return Units(blocks_of(known), _RESAMPLED[Unit.SENTENCE])
    hashes = {
        pair: [text_keys(tag, [line.segment[side] for line in located]) for side, tag in enumerate(pair)]
        for pair, located in lines.items()
    }
    return Units(linked(hashes), f"{_RESAMPLED[Unit.SENTENCE]} {_BY_TEXT}")


def linked(keys: Mapping[Pair, Sequence[Keys]]) -> tuple[Block, ...]:
    """Blocks of lines that are the same unit where they share a key, or are linked by lines that do.

    Args:
        keys: for each pair one or more keys of each of its lines.
    """
    if not keys:
        return ()
    lengths = [len(columns[0]) for columns in keys.values()]
    starts = np.cumsum([0, *lengths])
    lines = [
        np.tile(np.arange(start, start + length), len(columns))
        for start, length, columns in zip(starts, lengths, keys.values(), strict=False)
    ]
    every = np.concatenate([key for columns in keys.values() for key in columns])
    labels = _components(int(starts[-1]), np.concatenate(lines), every)
    return blocks_of(dict(zip(keys, np.split(labels, starts[1:-1]), strict=True)))


def blocks_of(labels: Mapping[Pair, NDArray[np.integer]]) -> tuple[Block, ...]:
    """Blocks of lines by the label of their unit; a block's units are numbered in the order of their labels.

    Args:
        labels: for each pair the label of each of its lines; equal ones are one unit in all pairs.
    """
    pairs = list(labels)
    if not pairs:
        return ()
    of_pair = np.repeat(np.arange(len(pairs)), [len(labels[pair]) for pair in pairs])
    members: dict[int, list[Pair]] = {}
    joined = _components(len(pairs), of_pair, np.concatenate(list(labels.values())))
    for pair, block in zip(pairs, joined.tolist(), strict=True):
        members.setdefault(block, []).append(pair)
    blocks = []
    for its in members.values():
        units, lines = np.unique(np.concatenate([labels[pair] for pair in its]), return_inverse=True)
        ends = np.cumsum([len(labels[pair]) for pair in its])[:-1]
        blocks.append(Block(len(units), dict(zip(its, np.split(lines, ends), strict=True))))
    return _largest_first(blocks)


def _components(things: int, which: NDArray[np.integer], keys: NDArray[np.integer]) -> NDArray[np.integer]:
    """A label for each thing, numbered in their order: equal for those that share a key, or are linked by such.

    Args:
        things: how many there are.
        which: the thing that each key is of, from 0.
        keys: the keys.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, places = np.unique(keys, return_inverse=True)
    size = things + len(names)
    graph = coo_array((np.ones(len(keys), np.int8), (which, things + places)), shape=(size, size))
    labels: NDArray[np.integer] = connected_components(graph, directed=False)[1]
    return labels[:things]


def _text_keys(text: "_Text", blobs: BlobStore | None) -> Sequence[Keys]:
    """The hashes of the sources and of the references of test lines; none where they can't be read."""
    if text.keys.source_hashes is not None and text.keys.reference_hashes is not None:
        return unpack(text.keys.source_hashes), unpack(text.keys.reference_hashes)
    if blobs is None or text.address is None:
        return ()
    return _hashed(blobs, text.address, text.pair)


@lru_cache(_KEPT)
def _hashed(blobs: BlobStore, address: str, pair: Pair) -> Sequence[Keys]:
    try:
        sources, references = blobs.test(address)
    except StoreError:
        return ()
    return text_keys(pair.source, sources), text_keys(pair.target, references)


def _largest_first(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda block: -sum(map(len, block.lines.values()))))


class _Text(NamedTuple):
    """The test text of a pair."""

    pair: Pair
    """The pair."""
    condition_id: int
    """The condition that it is read under."""
    address: str | None
    """The blob of its lines; None where they are not stored."""
    segments: int | None
    """How many they are; None where that is not stored with them."""
    keys: LineKeys
    """Their keys, as far as they are stored."""


def _texts(connection: Connection, part: Slice) -> list[_Text]:
    """The test texts of a slice, in the order of the pairs."""
    columns = [getattr(TestKeysRow, name) for name in LineKeys._fields]
    query = (
        select(PairRow.source, PairRow.target, GridPairRow.condition_id, TestRow.lines, TestRow.segments, *columns)
        .select_from(GridPairRow)
        .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
        .join(PairRow, PairRow.id == GridPairRow.pair_id)
        .join(TestRow, is_text(TestRow))
        .outerjoin(TestKeysRow, is_text(TestKeysRow))
        .where(GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions))
        .where(TestRow.content != "")
        .order_by(PairRow.source, PairRow.target)
    )
    return [
        _Text(Pair(source, target), condition_id, address, segments, LineKeys(*keys))
        for source, target, condition_id, address, segments, *keys in connection.execute(query)
    ]


def _lengths(connection: Connection, part: Slice, texts: Sequence[_Text]) -> dict[Pair, int]:
    """The number of lines of some texts, by what was translated where it is not stored with them."""
    lengths = {text.pair: text.segments for text in texts if text.segments is not None}
    for text in texts:
        if text.pair not in lengths:
            translated = (
                select(func.max(CellRow.segments))
                .join(PairRow, PairRow.id == CellRow.pair_id)
                .where(CellRow.model_id.in_(part.models.values()), CellRow.condition_id == text.condition_id)
                .where(PairRow.source == text.pair.source, PairRow.target == text.pair.target)
            )
            if (found := connection.execute(translated).scalar()) is not None:
                lengths[text.pair] = found
    return lengths
