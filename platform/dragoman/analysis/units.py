"""Units of resampling: which sentence, or document, each test line of each pair is.

What a bootstrap or a permutation test draws are the things that were sampled (Koehn 2004, "Statistical Significance
Tests for Machine Translation Evaluation"), and in a grid these are sentences, of which a pair shows a translation: two
pairs that hold the same sentence must draw it together, wherever it stands in either.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray
from sqlalchemy import Connection, and_, select

from dragoman.analysis.score_slice import Slice
from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.store.blobs import BlobStore
from dragoman.store.schema import ConditionRow, GridPairRow, PairRow, TestRow

_APART = "Pairs are resampled apart, as though independent: which sentences they share is not known."
_BY_TEXT = "Resampled: sentences, known by their text."

_KEPT = 2000
"""Pairs whose hashes are kept in memory: 16 bytes a line."""

Keys = NDArray[np.uint64]
"""One hash for each line."""


class Unit(StrEnum):
    """What is resampled."""

    SENTENCE = "sentence"
    """Sentences."""
    DOCUMENT = "document"
    """Documents, all sentences of one together; sentences where the corpus names no documents."""


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

    Two lines are the same sentence where they share a text in a language, or are linked by lines that do. A pair whose
    number of lines the store does not know is in no block.

    Args:
        connection: a reading transaction.
        part: the slice whose test set is meant.
        pairs: the pairs.
        unit: what is resampled.
        blobs: the store's blobs, for the text of test lines that were stored without identities; without them their
            pairs are taken as independent.
    """
    keys: dict[Pair, Sequence[Keys]] = {}
    unknown: dict[Pair, int] = {}
    for pair, address, segments in _tests(connection, part, pairs):
        found = None if blobs is None or address is None else _hashes(blobs, address, pair)
        if found is not None:
            keys[pair] = found
        elif segments is not None:
            unknown[pair] = segments
    apart = independent(unknown)
    notes = [_BY_TEXT] if keys else []
    if unit is Unit.DOCUMENT:
        notes.append("Documents are not known, so sentences are resampled.")
    if unknown and len(keys) + len(unknown) > 1:
        notes.append(_APART)
    return Units(_largest_first([*linked(keys), *apart.blocks]), " ".join(notes) or None)


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


@lru_cache(_KEPT)
def _hashes(blobs: BlobStore, address: str, pair: Pair) -> tuple[Keys, Keys] | None:
    """The hashes of the sources and of the references of test lines; None where they can't be read."""
    try:
        sources, references = blobs.test(address)
    except StoreError:
        return None
    return text_keys(pair.source, sources), text_keys(pair.target, references)


def text_keys(language: str, texts: Sequence[str]) -> Keys:
    """A hash for each text in a language."""
    hashes = (xxhash.xxh3_64_intdigest(f"{language}\n{text}".encode()) for text in texts)
    return np.fromiter(hashes, np.uint64, len(texts))


def _largest_first(blocks: Iterable[Block]) -> tuple[Block, ...]:
    return tuple(sorted(blocks, key=lambda block: -sum(map(len, block.lines.values()))))


def _tests(
    connection: Connection, part: Slice, pairs: Collection[Pair]
) -> Iterator[tuple[Pair, str | None, int | None]]:
    """The blob and the number of the test lines of some pairs, in the order of the pairs."""
    query = (
        select(PairRow.source, PairRow.target, TestRow.lines, TestRow.segments)
        .select_from(GridPairRow)
        .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
        .join(PairRow, PairRow.id == GridPairRow.pair_id)
        .join(
            TestRow,
            and_(
                TestRow.test_set_id == ConditionRow.test_set_id,
                TestRow.edition == ConditionRow.edition,
                TestRow.pair_id == GridPairRow.pair_id,
            ),
        )
        .where(GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions))
        .order_by(PairRow.source, PairRow.target)
    )
    for source, target, address, segments in connection.execute(query):
        if (pair := Pair(source, target)) in pairs:
            yield pair, address, segments
