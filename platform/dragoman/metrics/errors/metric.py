"""Error metrics: the percentage of hypotheses that have a label."""

from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, Scores, Statistics, check_lengths
from dragoman.metrics.errors.label import Label
from dragoman.metrics.generation import Generation
from dragoman.pair import Pair

FLAG, ON_REFERENCE, COUNT = range(3)
"""The columns of the statistics."""

Places = tuple[tuple[int, int], ...]
"""Stretches of a hypothesis that make a label: start and end (exclusive), in code points."""


class Examined(NamedTuple):
    """A text that is examined for an error."""

    source: str
    """The source."""
    text: str
    """The hypothesis, or the reference as though it were one."""
    reference: str | None
    """The reference, which excuses what it has too; None where it is itself examined."""
    expected: float
    """Characters that it should have: those of the reference; of the reference, those that follow from the source."""
    finish_reason: str | None = None
    """Why a hypothesis ended, where that is known."""

    @property
    def others(self) -> tuple[str, ...]:
        """The source, and the reference where there is one."""
        return (self.source,) if self.reference is None else (self.source, self.reference)


class ErrorMetric(Metric):
    """Percentage of hypotheses with a label.

    The references are examined as though they were hypotheses, without a reference to excuse them: the rate at which a
    label is given to them is its rate of false alarms on this text, if an upper one, and stands in `details`.

    Statistics, 0 or 1 for each segment: hypothesis labelled, reference labelled, and always 1 (k = 3).
    """

    label: ClassVar[Label]
    higher_is_better: ClassVar[bool] = False
    bounds: ClassVar[tuple[float | None, float | None]] = (0.0, 100.0)
    rule: ClassVar[int] = 1
    """Raised when a text can be labelled otherwise."""

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        self._pair = pair
        self._languages = languages
        self._generation: Generation | None = None

    def inform(self, generation: Generation) -> None:
        """Take the prompt in use and why each hypothesis ended."""
        self._generation = generation

    @property
    def signature(self) -> str:
        """The label and the version of its rule."""
        return f"label:{self.label}|rule:{self.rule}"

    @abstractmethod
    def places(self, examined: Examined) -> Places | None:
        """Where a text has the error; without a place where none can be named, and None where it has no such error."""

    def statistics(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
        """The labels of each hypothesis and each reference.

        Raises:
            MetricError: the sides differ in length, or what this label depends on is not known.
        """
        check_lengths(sources, hypotheses, references)
        rows = [
            (self.places(own) is not None, self.places(of_reference) is not None, 1)
            for own, of_reference in self._examined(sources, hypotheses, references)
        ]
        return np.array(rows, dtype=np.float64)

    def found(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]
    ) -> list[Places | None]:
        """Where each hypothesis has the error; arguments and errors as for `statistics`."""
        check_lengths(sources, hypotheses, references)
        return [self.places(own) for own, _ in self._examined(sources, hypotheses, references)]

    def _examined(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]
    ) -> list[tuple[Examined, Examined]]:
        """Each hypothesis, and each reference, as it is examined."""
        ratio = sum(map(len, references)) / max(1, sum(map(len, sources)))
        ends: Sequence[str | None] = self._generation.finish_reasons if self._generation else [None] * len(sources)
        return [
            (
                Examined(source, hypothesis, reference, len(reference.strip()), end),
                Examined(source, reference, None, ratio * len(source)),
            )
            for source, hypothesis, reference, end in zip(sources, hypotheses, references, ends, strict=True)
        ]

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """Labelled hypotheses per hundred segments; NaN of none."""
        with np.errstate(invalid="ignore"):  # a resample may hold no segment of a pair
            return np.asarray(100 * sums[..., FLAG] / sums[..., COUNT])

    def details(self, statistics: Statistics) -> dict[str, float]:
        """The rate of the label on the references, in percent."""
        return {"on_references": 100 * float(statistics[:, ON_REFERENCE].mean())}
