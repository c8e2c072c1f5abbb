"""Tests of the units of resampling: against a union of lines made one by one, and on grids in a store."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.units import blocks_of, independent, linked, text_keys, units_of
from dragoman.pair import Pair
from dragoman.segment import Segment
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


def _units(store: Store, texts: dict[Pair, list[Segment]], **options):
    GridBuilder(store, [BASE], list(texts), lines=texts).add()
    with store.snapshot() as snapshot, snapshot.database.reading() as connection:
        part = Slice.of(connection, ScoreQuestion(grid="small", metric="bleu"))
        return units_of(connection, part, set(texts), **options)


def test_a_store_without_identities_answers_from_the_text_of_its_lines(store: Store):
    """Column n of a file whose first cell is empty is the n+1st sentence of the whole one."""
    german = [Segment(f"Satz {number}", f"sentence {number}") for number in range(4)]
    dutch = [Segment(f"zin {number}", f"sentence {number}") for number in range(1, 4)]
    units = _units(store, {PAIRS[0]: german, PAIRS[2]: dutch}, blobs=store.blobs)
    (block,) = units.blocks
    assert block.units == 4
    assert block.lines[PAIRS[0]].tolist() == [0, 1, 2, 3]
    assert block.lines[PAIRS[2]].tolist() == [1, 2, 3]
    assert "text" in str(units.note)


def test_lines_whose_text_is_gone_are_taken_as_independent(store: Store):
    texts = {PAIRS[0]: [Segment("Ja", "Yes")], PAIRS[2]: [Segment("Ja", "Yes")]}
    units = _units(store, texts)
    assert [block.units for block in units.blocks] == [1, 1]
    assert "independent" in str(units.note)
