"""Quality of a language under a model: as source and as target, the mean over the other languages."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.mantel import Matrix
from dragoman.explanation.correlation import Values

ROLES = ("source", "target")
"""The sides of a pair."""


class By(StrEnum):
    """How the quality of a language is read from its pairs."""

    MEANS = "means"
    """Its mean over the other languages. Of a language it leaves out the pair with itself, so that where sources differ
    much, the strong ones look weak as targets; and in a partition, languages have different others."""
    EFFECTS = "effects"
    """Its effect in a sum of one effect of the source and one of the target (least squares), which compares like with
    like: by how much better it is than the mean language, the other side alike."""


class Quality(NamedTuple):
    """The quality of each language on one side."""

    values: Values
    """out(L), the mean of s → t over t, or in(L), over s, or its effect; NaN where there is none."""
    done: NDArray[np.int64]
    """Pairs with a score: k ..."""
    pairs: NDArray[np.int64]
    """... of n planned."""


def quality(scores: Matrix, planned: NDArray[np.bool_], role: str, by: By = By.MEANS) -> Quality:
    """The quality of each language.

    Args:
        scores: the score, or gain, of each pair, sources × targets; NaN where there is none.
        planned: the pairs that it is about.
        role: `source` or `target`.
        by: how it is read. There are no effects where the pairs fall apart, so that nothing compares their languages.
    """
    over = 1 - ROLES.index(role)
    held = planned & ~np.isnan(scores)
    done = held.sum(axis=over)
    sums = np.where(held, scores, 0).sum(axis=over)
    values = np.divide(sums, done, out=np.full(len(done), np.nan), where=done > 0)
    if by is By.EFFECTS:
        values = np.where(done > 0, _effects(scores, held)[ROLES.index(role)], np.nan)
    return Quality(values, done, planned.sum(axis=over))


def _effects(scores: Matrix, held: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The effects of the languages as sources and as targets, each about its mean; NaN where not determined."""
    count = len(scores)
    rows, columns = np.nonzero(held)
    design = np.zeros((len(rows), 2 * count))
    design[np.arange(len(rows)), rows] = design[np.arange(len(rows)), count + columns] = 1
    used = design.any(axis=0)
    if not used.any() or np.linalg.matrix_rank(design.T @ design) < used.sum() - 1:
        return np.full((2, count), np.nan)
    effects = np.linalg.lstsq(design, scores[rows, columns], rcond=None)[0]
    sides = np.where(used, effects, np.nan).reshape(2, count)
    return np.asarray(sides - np.nanmean(sides, axis=1, keepdims=True), np.float64)


def matrix(
    sources: Sequence[str], targets: Sequence[str], values: NDArray[np.float64], languages: Sequence[str]
) -> Matrix:
    """Values of pairs as a matrix, sources × targets; NaN where there is none."""
    places = {tag: place for place, tag in enumerate(languages)}
    found = np.full((len(languages), len(languages)), np.nan)
    found[[places[tag] for tag in sources], [places[tag] for tag in targets]] = values
    return found
