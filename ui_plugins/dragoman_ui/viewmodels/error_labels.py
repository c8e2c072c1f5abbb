"""Error labels of hypotheses on pages: which each has, the stretches that make them, and a guess of the language."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

from dragoman.metrics.base import MetricError
from dragoman.metrics.errors.label import Label
from dragoman.metrics.language_detector import Detector
from dragoman.pair import Pair
from dragoman.sentences.labels import Found
from dragoman_ui.viewmodels.text_diff import Part


class Piece(NamedTuple):
    """A piece of a hypothesis that is marked in one way."""

    text: str
    """The piece."""
    matches: bool
    """Whether the reference has it at this place."""
    labels: tuple[Label, ...]
    """The labels that it makes, but for those of the whole text."""


def pieces(parts: Sequence[Part], found: Found) -> list[Piece]:
    """A hypothesis in pieces: stretches that its reference has and has not, parted where a label begins or ends."""
    length = sum(len(part.text) for part in parts)
    places = [(start, end, label) for label, its in found.items() for start, end in its if (start, end) != (0, length)]
    cuts = {cut for start, end, _ in places for cut in (start, end)}
    listed, begun = [], 0
    for part in parts:
        ends = begun + len(part.text)
        bounds = [begun, *sorted(cut for cut in cuts if begun < cut < ends), ends]
        for start, end in pairwise(bounds):
            labels = tuple(dict.fromkeys(label for left, right, label in places if left <= start and end <= right))
            listed.append(Piece(part.text[start - begun : end - begun], part.matches, labels))
        begun = ends
    return listed


class Guess:
    """Guesses the language of a text among those of a grid; None where it can't be detected."""

    def __init__(self, pair: Pair, languages: Collection[str]) -> None:
        """Prepare for the hypotheses of a pair."""
        try:
            self._detector: Detector | None = Detector(pair, languages)
        except MetricError:
            self._detector = None

    def __call__(self, text: str) -> str | None:
        """The language's tag."""
        return self._detector.guess(text) if self._detector else None


def counted(found: Sequence[Collection[Label]]) -> dict[Label, int]:
    """How many hypotheses have each label, in the order of labels; only those that occur."""
    counts = Counter(label for each in found for label in each)
    return {label: counts[label] for label in Label if counts[label]}
