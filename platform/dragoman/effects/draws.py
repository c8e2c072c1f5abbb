"""Draws of training pairs: which models share one, and so count once where chance is over draws."""

from collections.abc import Sequence

from dragoman.pair import Pair


def draws_of(trained: Sequence[frozenset[Pair]], evaluated: frozenset[Pair]) -> tuple[int, ...]:
    """The draw of each model, numbered in the order of the models.

    Models trained on the same pairs, as seeds of one recipe are, are of one draw, and so are nested ones, where a draw of
    four pairs was enlarged to ten. A model trained on every evaluated pair is of a draw of its own: all draws are in it.

    Args:
        trained: the pairs that each model was trained on.
        evaluated: the pairs that all are tested on.
    """
    draws = list(range(len(trained)))

    def root(place: int) -> int:
        while draws[place] != place:
            place = draws[place]
        return place

    for one, pairs in enumerate(trained):
        for two in range(one):
            others = trained[two]
            is_whole = pairs >= evaluated or others >= evaluated
            if pairs == others or (not is_whole and (pairs < others or others < pairs)):
                low, high = sorted((root(one), root(two)))
                draws[high] = low
    roots = [root(place) for place in range(len(trained))]
    numbers = {found: number for number, found in enumerate(dict.fromkeys(roots))}
    return tuple(numbers[found] for found in roots)
