"""Draws of training pairs."""

from math import comb

from dragoman.effects.draws import draws_of
from dragoman.pair import all_pairs

PAIRS = all_pairs(["ar", "de", "en", "fi", "fr", "ru", "sw"])
EVERY = frozenset(PAIRS)


def test_equal_and_nested_sets_are_of_one_draw():
    small, large, other = frozenset(PAIRS[:4]), frozenset(PAIRS[:10]), frozenset(PAIRS[20:30])
    assert draws_of([small, large, other, other, small], EVERY) == (0, 0, 1, 1, 0)
    assert draws_of([large, other, frozenset(PAIRS[:20])], EVERY) == (0, 1, 0)


def test_a_model_of_all_pairs_is_of_a_draw_of_its_own():
    assert draws_of([frozenset(PAIRS[:4]), EVERY, frozenset(PAIRS[4:8])], EVERY) == (0, 1, 2)


def test_a_set_that_holds_another_by_chance_is_no_enlargement():
    few = frozenset(PAIRS[:1])
    assert comb(10, 1) / comb(42, 1) > 0.05
    assert draws_of([few, frozenset(PAIRS[:10])], EVERY) == (0, 1)
    assert draws_of([few, frozenset(PAIRS[:10]), EVERY], EVERY, [1, 1, 1]) == (0, 0, 1)
    assert draws_of([few, frozenset(PAIRS[:10])], EVERY, [1, 2]) == (0, 1)
