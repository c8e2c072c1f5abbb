"""Base class of metrics: sufficient statistics per segment, and a score as a function of their sum."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dragoman.errors import DragomanError
from dragoman.metrics.generation import Generation
from dragoman.pair import Pair

Statistics: TypeAlias = NDArray[np.float64]
"""One row for each segment (n × k); whole numbers for the n-gram metrics."""

Scores: TypeAlias = NDArray[np.floating[Any]]
"""Scores in the metric's usual range, 0 to 100 for those that are percentages."""


class MetricError(DragomanError):
    """Text that a metric can't score, with the reason."""


class MetricNeedError(MetricError):
    """A metric lacks something that can be installed or fetched: a package, or a tokeniser's file."""

    exit_code: ClassVar[int] = 1


class Metric(ABC):
    """One metric for one pair; subclasses register under the entry-point group `dragoman.metrics`.

    Because a score is a function of summed statistics, any resampling of the test set is a weighted sum of
    the stored rows: confidence intervals and paired tests never need the text again.
    """

    name: ClassVar[str]
    """The name in specs, tables and the store."""
    higher_is_better: ClassVar[bool] = True
    """False for error rates."""
    varying: ClassVar[frozenset[str]] = frozenset()
    """Keys of the signature's fields (`key:value`, parted by `|`) that may differ from pair to pair, as a tokeniser's
    follows the target language; scores whose signatures differ in anything else never stand in one table."""

    scaling: ClassVar[frozenset[str]] = frozenset()
    """Those of `varying` that the scale depends on: a mean over several is of no common scale, and says so."""
    floor: ClassVar[float | None] = None
    """Below it means are noise, and tables say so."""
    fewest_lines: ClassVar[int] = 0
    """With fewer lines a corpus score hangs on single sentences, and tables of slices of a test set say so."""
    bounds: ClassVar[tuple[float | None, float | None]] = (None, None)
    """The least and the greatest score there can be, None where there is no bound: quoted scores are held to them."""
    needs_generation: ClassVar[bool] = False
    """Whether its statistics depend on more than texts: on what `inform` is told."""
    digits: ClassVar[int] = 1
    """Digits after the point that tables and pages show."""
    needs_reference: ClassVar[bool] = True
    """Whether a segment without a reference can't be scored."""
    abstains: ClassVar[bool] = False
    """Whether a segment may have no score; its statistics are then all 0, where those of others end with 1."""
    judges_segments: ClassVar[bool] = False
    """Whether the score of a single sentence means something: BLEU is zero for a perfect one of less than 4 words."""

    @abstractmethod
    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        """Choose what follows from the pair (a tokeniser) and from the grid's languages (the candidates of a detector).

        What is heavy is loaded when `signature` or `statistics` first needs it: `aggregate` alone, which is
        all that comparisons of stored scores call, works in the base install.

        Raises:
            MetricError: this metric can't score that pair.
        """

    @classmethod
    def variant(cls, name: str) -> "type[Metric] | None":
        """The metric `PLUGIN:NAME`, where the name chooses a way of computing it; None for any other name."""
        del name
        return None

    def inform(self, generation: Generation) -> None:
        """Take how the hypotheses came about, before `statistics`; most metrics look at texts alone."""
        del generation

    @property
    @abstractmethod
    def signature(self) -> str:
        """Everything the value depends on besides the text: scores are compared only under equal signatures.

        Raises:
            MetricNeedError: a model or an extra that this metric needs is not there.
        """

    @abstractmethod
    def statistics(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
        """The sufficient statistics of each segment.

        Raises:
            MetricError: the sides differ in length or are empty, or something this metric needs is not there.
        """

    def statistics_of_several(
        self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[Sequence[str]]
    ) -> Statistics:
        """The same with all references of each segment; a metric that takes one is given the first.

        Raises:
            MetricError: as `statistics`.
        """
        return self.statistics(sources, hypotheses, [each[0] for each in references])

    def signature_of_several(self, references: Sequence[Sequence[str]]) -> str:
        """The signature of what `statistics_of_several` makes of these references.

        Raises:
            MetricNeedError: as `signature`.
        """
        del references
        return self.signature

    @abstractmethod
    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """The scores of summed statistics; the last axis (k) is folded: (..., k) gives (...).

        Computed in the precision of the sums: resamples are summed in single precision, as sacreBLEU's are.
        """

    def score(self, statistics: Statistics) -> float:
        """The corpus score of a set of segments."""
        return float(self.aggregate(statistics.sum(axis=0)))

    def details(self, statistics: Statistics) -> dict[str, float]:
        """Figures that tables show beside the score, by name: a brevity penalty, a detector's own error rate."""
        del statistics
        return {}


def check_lengths(sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> None:
    """Refuse sides of different lengths: a score of shifted lines looks like any other score."""
    if not len(sources) == len(hypotheses) == len(references):
        raise MetricError(
            f"{len(sources)} sources, {len(hypotheses)} hypotheses and {len(references)} references can't be scored: "
            "there must be one of each for every segment."
        )
    if not references:
        raise MetricError("There are no segments to score.")
