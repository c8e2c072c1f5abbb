"""Error labels of hypotheses on pages: which each has, the stretches that make them, and a guess of the language."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from dragoman.metrics.base import MetricError
from dragoman.metrics.errors.label import MEASURED, Label
from dragoman.metrics.errors.metric import ErrorMetric, Places
from dragoman.metrics.generation import Generation
from dragoman.metrics.language_detector import Detector
from dragoman.metrics.lookup import installed_metric
from dragoman.pair import Pair
from dragoman.store.blobs import TOO_LONG, Bitext, Line
from dragoman_ui.viewmodels.text_diff import Part

Found = Mapping[Label, Places]
"""The labels of a hypothesis, in their order, with the stretches of text that make each."""


def found_labels(
    pair: Pair, languages: Collection[str], text: Bitext, lines: Sequence[Line], prompt: str | None
) -> list[Found]:
    """The labels of each hypothesis but for its language, which a detector would take long for: scores have that.

    Args:
        pair: the direction.
        languages: the grid's languages.
        text: the test lines.
        lines: the hypotheses.
        prompt: the prompt in use, as people are shown it.
    """
    generation = Generation.of(prompt, [line.finish_reason for line in lines])
    hypotheses = [line.text for line in lines]
    found: list[dict[Label, Places]] = [{} for _ in lines]
    for label in MEASURED:
        if label is Label.LANGUAGE:
            continue
        kind = installed_metric(label.metric)
        metric = kind(pair, languages)
        metric.inform(generation)
        if not isinstance(metric, ErrorMetric):
            continue
        try:
            places = metric.found(text.sources, hypotheses, text.references)
        except MetricError:  # how translations from files ended is not known
            continue
        for own, its in zip(found, places, strict=True):
            if its is not None:
                own[label] = its
    for own, line in zip(found, lines, strict=True):
        if line.finish_reason in TOO_LONG:
            own[Label.NO_ROOM] = ()
    return list(found)


def with_language(found: Found, text: str) -> Found:
    """The same labels with that of a wrong language, at its place in their order."""
    every = {**found, Label.LANGUAGE: ((0, len(text)),)}
    return {label: every[label] for label in Label if label in every}


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
