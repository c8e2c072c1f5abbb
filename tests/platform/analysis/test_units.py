"""Tests of the units of resampling: against a union of lines made one by one, and on grids in a store."""

import zlib
from collections.abc import Collection
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.units import Unit, Units, blocks_of, independent, linked, units_of
from dragoman.errors import StoreError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.segment import Located, Segment
from dragoman.store import schema
from dragoman.store.blobs import BlobStore
from dragoman.store.line_keys import LineKeys, pack, text_keys, unpack
from dragoman.store.records import ModelRecord
from dragoman.store.store import Store
from dragoman.testing.grid_builder import GridBuilder

PAIRS = (Pair("de", "en"), Pair("en", "de"), Pair("nl", "en"), Pair("fr", "sw"))
BASE = ModelRecord(id="model1-base", name="base", recipe={})

lines = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=6)
"""A pair's lines: a source and a reference text each, by number."""


@given(st.dictionaries(st.sampled_from(PAIRS), lines, max_size=4))
def test_linked_lines_are_the_components_that_one_finds_by_comparing_all(texts: dict[Pair, list[tuple[int, int]]]):
    keys = {
        pair: (
            text_keys(pair.source, [str(source) for source, _ in its]),
            text_keys(pair.target, [str(target) for _, target in its]),
        )
        for pair, its in texts.items()
    }
    blocks = linked(keys)
    every = {
        (pair, place): {(pair.source, source), (pair.target, target)}
        for pair, its in texts.items()
        for place, (source, target) in enumerate(its)
    }
    groups = {line: {line} for line in every}
    for one, other in combinations(every, 2):
        if every[one] & every[other]:
            groups[one] |= groups[other]
            for line in groups[one]:
                groups[line] = groups[one]
    unit_of = {
        (pair, place): (number, unit)
        for number, block in enumerate(blocks)
        for pair, units in block.lines.items()
        for place, unit in enumerate(units.tolist())
    }
    assert unit_of.keys() == every.keys()
    for one, other in combinations(every, 2):
        assert (unit_of[one] == unit_of[other]) == (other in groups[one])
    for one, other in combinations(texts, 2):
        together = any(one in block.lines and other in block.lines for block in blocks)
        assert together or not any(
            one == first[0] and other == second[0] for first in every for second in groups[first]
        )
    assert all({*range(block.units)} == set(np.concatenate([*block.lines.values()]).tolist()) for block in blocks)
    sizes = [sum(map(len, block.lines.values())) for block in blocks]
    assert sizes == sorted(sizes, reverse=True)


def test_whole_aligned_lines_keep_the_order_of_the_corpus():
    labels = {pair: np.arange(5) + 40 for pair in PAIRS}
    (block,) = blocks_of(labels)
    assert block.units == 5
    assert all(units.tolist() == [0, 1, 2, 3, 4] for units in block.lines.values())


def test_nothing_known_is_a_block_a_pair():
    units = independent({PAIRS[0]: 2, PAIRS[2]: 3})
    assert [(block.units, [*block.lines]) for block in units.blocks] == [(3, [PAIRS[2]]), (2, [PAIRS[0]])]
    assert units.note is not None
    assert independent({PAIRS[0]: 2}).note is None


Texts = dict[Pair, list[Located]]


def _fill(store: Store, texts: Texts, *, keyed: Collection[Pair] = PAIRS) -> GridBuilder:
    """A grid with these test lines, of which some have keys."""
    lines = {pair: [line.segment for line in its] for pair, its in texts.items()}
    grid = GridBuilder(store, [BASE], list(texts), lines=lines).add()
    contents = {pair: hash_lines(text for segment in its for text in segment) for pair, its in lines.items()}
    keys = {(pair, contents[pair]): LineKeys.of(pair, texts[pair]) for pair in texts if pair in keyed}
    store.conditions.add_keys(grid.test_set.id, keys)
    return grid


def _units(store: Store, pairs: Collection[Pair], grid: str = "small", **options: Any) -> Units:
    with store.snapshot() as snapshot, snapshot.database.reading() as connection:
        part = Slice.of(connection, ScoreQuestion(grid=grid, metric="bleu"))
        return units_of(connection, part, set(pairs), **options)


def _row(pair: Pair, row: int, document: str | None = None) -> Located:
    return Located(Segment(f"{pair.source} {row}", f"{pair.target} {row}"), row, document)


ROWS = {PAIRS[0]: [0, 1, 2, 4], PAIRS[1]: [4, 2, 1, 0], PAIRS[2]: [2, 3], PAIRS[3]: [1, 2, 3, 4]}
"""Rows with holes, in other orders and of other numbers, of pairs two of which have no language in common."""


def test_rows_of_the_corpus_are_the_units_whatever_the_text(store: Store) -> None:
    texts = {pair: [_row(pair, row) for row in rows] for pair, rows in ROWS.items()}
    texts[PAIRS[0]][3] = Located(texts[PAIRS[0]][0].segment, 4)  # another row of the same text
    _fill(store, texts)
    units = _units(store, texts)
    (block,) = units.blocks
    assert block.units == 5
    assert {pair: lines.tolist() for pair, lines in block.lines.items()} == ROWS
    assert units.note == "Resampled: sentences, drawn together in all pairs that have them."
    (one,) = _units(store, [PAIRS[2]]).blocks
    assert (one.units, one.lines[PAIRS[2]].tolist()) == (2, [0, 1])


def test_pairs_without_a_row_in_common_are_resampled_apart(store: Store) -> None:
    texts = {PAIRS[0]: [_row(PAIRS[0], row) for row in (0, 1)], PAIRS[3]: [_row(PAIRS[3], row) for row in (2, 3, 4)]}
    _fill(store, texts)
    units = _units(store, texts)
    assert [(block.units, *block.lines) for block in units.blocks] == [(3, PAIRS[3]), (2, PAIRS[0])]


def test_a_grid_whose_older_pairs_have_no_keys_goes_by_text(store: Store) -> None:
    """The rows of some are of no use to link the others, whose text is read, as is theirs."""
    texts = {pair: [_row(pair, row) for row in rows] for pair, rows in ROWS.items() if "en" in pair}
    _fill(store, texts, keyed=[PAIRS[0]])
    units = _units(store, texts, blobs=store.blobs)
    (block,) = units.blocks
    assert block.units == 5
    row_of = dict(zip(block.lines[PAIRS[0]].tolist(), ROWS[PAIRS[0]], strict=True))
    assert [row_of[unit] for unit in block.lines[PAIRS[1]].tolist()] == ROWS[PAIRS[1]]
    assert row_of[block.lines[PAIRS[2]].tolist()[0]] == 2
    assert "known by their text" in str(units.note)
    assert [len(block.lines) for block in _units(store, texts).blocks] == [1, 1, 1]


def test_bitexts_go_by_hashes_that_are_kept_so_that_no_text_is_read(store: Store) -> None:
    texts = {pair: [_row(pair, row)._replace(row=None) for row in rows] for pair, rows in ROWS.items()}
    _fill(store, texts)
    for blob in store.blobs.stored():
        store.blobs.remove(blob)
    first, second = _units(store, texts).blocks
    assert [{*first.lines}, {*second.lines}] == [{*PAIRS[:3]}, {PAIRS[3]}]
    assert first.units == 5 and second.lines[PAIRS[3]].tolist() == [0, 1, 2, 3]
    both = dict(zip(ROWS[PAIRS[0]], first.lines[PAIRS[0]].tolist(), strict=True))
    assert [both[row] for row in ROWS[PAIRS[1]]] == first.lines[PAIRS[1]].tolist()


def test_documents_are_the_units_where_all_pairs_have_them(store: Store) -> None:
    texts = {pair: [_row(pair, row, "ab"[row > 1]) for row in rows] for pair, rows in ROWS.items()}
    _fill(store, texts)
    units = _units(store, texts, unit=Unit.DOCUMENT)
    (block,) = units.blocks
    assert block.units == 2
    documents = {pair: [int(row > 1) for row in rows] for pair, rows in ROWS.items()}
    first = block.lines[PAIRS[0]].tolist()[0]
    assert {pair: [int(unit != first) for unit in lines.tolist()] for pair, lines in block.lines.items()} == documents
    assert "documents" in str(units.note)
    assert _units(store, texts).blocks[0].units == 5


def test_where_a_pair_has_no_documents_sentences_are_the_units(store: Store) -> None:
    texts = {pair: [_row(pair, row, "d" if pair != PAIRS[0] else None) for row in rows] for pair, rows in ROWS.items()}
    _fill(store, texts)
    units = _units(store, texts, unit=Unit.DOCUMENT)
    assert units.blocks[0].units == 5
    assert "documents of these test lines are not known" in str(units.note)


def test_lines_without_a_document_are_one_each_in_all_pairs(store: Store) -> None:
    texts = {pair: [_row(pair, row, "d" if row < 3 else None) for row in rows] for pair, rows in ROWS.items()}
    _fill(store, texts)
    assert _units(store, texts, unit=Unit.DOCUMENT).blocks[0].units == 3


def test_a_grid_that_is_run_again_gets_the_rows_of_now(store: Store) -> None:
    texts = {pair: [_row(pair, row) for row in rows] for pair, rows in ROWS.items()}
    grid = _fill(store, texts, keyed=())
    contents = {record.cell.pair: record.cell.content for record in store.cells.of_grid("small")}
    for shift in (0, 7):
        moved = {pair: [line._replace(row=(line.row or 0) + shift) for line in its] for pair, its in texts.items()}
        keys = {(pair, contents[pair]): LineKeys.of(pair, its) for pair, its in moved.items()}
        store.conditions.add_keys(grid.test_set.id, keys)
        assert _units(store, texts).blocks[0].lines[PAIRS[0]].tolist() == ROWS[PAIRS[0]]
    assert (
        unpack(store.conditions.keys_of_grid("small")[grid.test_set.id, PAIRS[2], contents[PAIRS[2]]].corpus_rows)[0]
        == 9
    )


def test_damaged_keys_are_a_sentence(store: Store) -> None:
    texts = {PAIRS[0]: [_row(PAIRS[0], 0)]}
    _fill(store, texts)
    for damaged in (b"\x01xx", b"\x02", b"\x01" + zlib.compress(b"123")):
        with store.database.writing() as connection:
            connection.execute(update(schema.TestKeysRow).values(corpus_rows=damaged))
        with pytest.raises(StoreError, match="run the grid again"):
            _units(store, texts)


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_packed_keys_come_back(keys: list[int]) -> None:
    packed = pack(np.array(keys, np.uint64))
    assert unpack(packed).tolist() == unpack(packed, len(keys)).tolist() == keys
    with pytest.raises(StoreError, match="run the grid again"):
        unpack(packed, len(keys) + 1)


def test_a_whole_test_set_of_rows_takes_few_bytes() -> None:
    """FLORES' devtest has 1,012 sentences."""
    assert len(pack(np.arange(1012, dtype=np.uint64))) < 50


def _found(text: str) -> Located:
    return Located(Segment(text, text))


def test_a_store_without_keys_answers_from_the_text_of_its_lines(store: Store) -> None:
    """A column whose first cell is empty begins with the second sentence of the whole one."""
    texts = {
        PAIRS[0]: [Located(Segment(f"Satz {number}", f"sentence {number}")) for number in range(4)],
        PAIRS[2]: [Located(Segment(f"zin {number}", f"sentence {number}")) for number in range(1, 4)],
    }
    _fill(store, texts, keyed=())
    units = _units(store, texts, blobs=store.blobs)
    (block,) = units.blocks
    assert block.units == 4
    assert block.lines[PAIRS[0]].tolist() == [0, 1, 2, 3]
    assert block.lines[PAIRS[2]].tolist() == [1, 2, 3]
    assert "not by their rows in the corpus" in str(units.note)


def test_lines_whose_text_is_gone_are_taken_as_independent(store: Store) -> None:
    texts = {PAIRS[0]: [_found("Ja")], PAIRS[2]: [_found("Ja")]}
    grid = _fill(store, texts, keyed=())
    for units in (_units(store, texts), _units(store, texts, blobs=BlobStore(f"{store.blobs.url}/elsewhere"))):
        assert [block.units for block in units.blocks] == [1, 1]
        assert "independent" in str(units.note)
    with store.database.writing() as connection:
        connection.execute(update(schema.TestRow).values(segments=None, lines=None))
    assert _units(store, texts).blocks == ()
    grid.translate(grid.cells[0].cell, [], segments=1)
    assert [[*block.lines] for block in _units(store, texts).blocks] == [[grid.cells[0].cell.pair]]
