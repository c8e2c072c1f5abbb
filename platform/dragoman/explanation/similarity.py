"""Similarity of languages: by family tree and script from CLDR, by features of URIEL+, or by common words."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from dragoman.analysis.mantel import Matrix
from dragoman.errors import DragomanError, nearest
from dragoman.explanation import uriel
from dragoman.explanation.language_lines import LanguageLines, word_overlap
from dragoman.family import language_groups
from dragoman.script import likely_script

CLDR = "cldr"
"""The measure by default."""


Lines = Mapping[str, LanguageLines]
"""The test lines by language, which some measures read."""


class Measure(NamedTuple):
    """A way to tell how similar two languages are."""

    about: str
    """What it is, for people."""
    source: str
    """Where its data are from, with the licence where that is not the package's own."""
    matrix: Callable[[Sequence[str], Lines], Matrix]
    """The similarities of some languages, from 0 to 1, languages × languages; NaN where there are no data."""


def tree_similarity(a: str, b: str) -> float:
    """The share of two languages' lines in the family tree that is common: 1 less the tree distance.

    Of the longer of the two lines, counted from the family down to the language itself: 1 for one language, 0 for two
    of different families. NaN where CLDR has no line for one of them.
    """
    lines = language_groups(a), language_groups(b)
    if not all(lines):
        return float("nan")
    shared = sum(one == other for one, other in zip(*lines, strict=False))
    return shared / max(map(len, lines))


def script_similarity(a: str, b: str) -> float:
    """1 where two languages are usually written in one script, or in the scripts that their tags name; else 0."""
    return float(likely_script(a) == likely_script(b))


def measure(name: str) -> Measure:
    """The measure of a name.

    Raises:
        DragomanError: there is none.
    """
    if name not in MEASURES:
        raise DragomanError(f"There is no measure of similarity '{name}'; {nearest(name, MEASURES)}")
    return MEASURES[name]


def _by(similarity: Callable[[str, str], float]) -> Callable[[Sequence[str], Lines], Matrix]:
    def matrix(languages: Sequence[str], lines: Lines) -> Matrix:
        del lines
        return np.array([[similarity(a, b) for b in languages] for a in languages], np.float64)

    return matrix


def _of_uriel(category: str) -> Measure:
    def matrix(languages: Sequence[str], lines: Lines) -> Matrix:
        del lines
        return 1 - uriel.distances(languages, category)

    return Measure(f"1 less the {category} distance of URIEL+ (angular)", uriel.SOURCE, matrix)


_FROM_CLDR = "CLDR's language groups and likely scripts"

MEASURES = {
    CLDR: Measure(
        "the mean of the common share of the family tree and of whether the script is the same",
        _FROM_CLDR,
        _by(lambda a, b: (tree_similarity(a, b) + script_similarity(a, b)) / 2),
    ),
    "tree": Measure("the common share of the family tree", _FROM_CLDR, _by(tree_similarity)),
    "script": Measure("whether the script is the same", _FROM_CLDR, _by(script_similarity)),
    "words": Measure(
        "the share of common words among the different words of the test lines (word overlap)",
        "the test lines",
        lambda languages, lines: word_overlap(lines, languages),
    ),
    **{f"uriel-{category}": _of_uriel(category) for category in uriel.CATEGORIES},
}
"""The measures by name."""
