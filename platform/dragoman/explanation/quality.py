"""Quality of a language under a model: as source and as target, the mean over the other languages."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.mantel import Matrix
from dragoman.explanation.correlation import Values

ROLES = ("source", "target")
"""The sides of a pair."""


class Quality(NamedTuple):
    """The quality of each language on one side."""

    values: Values
    """out(L), the mean of s → t over t, or in(L), over s; NaN where no pair has a score."""
    done: NDArray[np.int64]
    """Pairs with a score: k ..."""
    pairs: NDArray[np.int64]
    """... of n planned."""


def quality(scores: Matrix, planned: NDArray[np.bool_], role: str) -> Quality:
    """The quality of each language.

    Args:
        scores: the score, or gain, of each pair, sources × targets; NaN where there is none.
        planned: the pairs that it is about.
        role: `source` or `target`.
    """
    over = 1 - ROLES.index(role)
    held = planned & ~np.isnan(scores)
    done = held.sum(axis=over)
    sums = np.where(held, scores, 0).sum(axis=over)
    values = np.divide(sums, done, out=np.full(len(done), np.nan), where=done > 0)
    return Quality(values, done, planned.sum(axis=over))


def matrix(
    sources: Sequence[str], targets: Sequence[str], values: NDArray[np.float64], languages: Sequence[str]
) -> Matrix:
    """Values of pairs as a matrix, sources × targets; NaN where there is none."""
    places = {tag: place for place, tag in enumerate(languages)}
    found = np.full((len(languages), len(languages)), np.nan)
    found[[places[tag] for tag in sources], [places[tag] for tag in targets]] = values
    return found
