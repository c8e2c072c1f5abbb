"""Draws of training pairs: which models share one, and so count once where chance is over draws."""

from collections.abc import Sequence
from itertools import combinations
from math import comb

from dragoman.pair import Pair

_CHANCE = 0.05
"""Probability that a set holds another by chance, from which on it is not taken for an enlargement of it."""


def draws_of(
    trained: Sequence[frozenset[Pair]], evaluated: frozenset[Pair], seeds: Sequence[int | None] = ()
) -> tuple[int, ...]:
    """The draw of each model, numbered in the order of the models.

    Models trained on the same pairs, as seeds of one recipe are, are of one draw, and so are nested ones, where a draw
    of four pairs was enlarged to ten. A set that holds another is taken for an enlargement where both were drawn with
    one seed, or where one drawn at random would hold it in less than 1 of 20 cases; so a model trained on every pair is
    of a draw of its own.

    Args:
        trained: the pairs that each model was trained on.
        evaluated: the pairs that all are tested on.
        seeds: the seed that the pairs of each were drawn with; None of what was not drawn, or of which it is not known.
    """
    seeds = seeds or [None] * len(trained)
    every = len(evaluated.union(*trained))
    draws = list(range(len(trained)))
    for one, two in combinations(range(len(trained)), 2):
        small, large = sorted((trained[one], trained[two]), key=len)
        is_one_seed = seeds[one] is not None and seeds[one] == seeds[two] and len(large) < every
        if small <= large and (
            len(small) == len(large) or is_one_seed or _by_chance(len(small), len(large), every) < _CHANCE
        ):
            old, new = draws[two], draws[one]
            draws = [new if draw == old else draw for draw in draws]
    numbers = {draw: number for number, draw in enumerate(dict.fromkeys(draws))}
    return tuple(numbers[draw] for draw in draws)


def _by_chance(small: int, large: int, every: int) -> float:
    """Probability that so many of all pairs, drawn at random, hold a given smaller set of them."""
    return comb(large, small) / comb(every, small)
