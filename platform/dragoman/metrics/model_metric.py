"""Base class of metrics that hold a model: it is loaded once, and scores batches of segments on a device."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from dragoman.metrics.base import Metric, MetricNeedError, Scores, Statistics
from dragoman.metrics.error_span import ErrorSpan
from dragoman.pair import Pair


class ModelDiedError(MetricNeedError):
    """The process of a model that died, or ran out of memory: it may live when it is started again."""


class Triple(NamedTuple):
    """What is scored: a segment's hypothesis with its source and, where the metric takes one, its reference."""

    pair: Pair
    """The direction translated."""
    source: str
    """The source."""
    hypothesis: str
    """The hypothesis; never empty, as empty ones are scored by rule."""
    reference: str | None
    """The reference; None for a metric that needs none."""


class SegmentScore(NamedTuple):
    """A model's verdict on one segment."""

    value: float
    """The score."""
    spans: tuple[ErrorSpan, ...] = ()
    """The errors it sees."""


class SegmentScorer(ABC):
    """A loaded model, or an endpoint, that scores segments; a metric actor holds one and scores cell after cell.

    It is given the different triples of one cell, none with an empty hypothesis, the longest first, and makes batches
    of them itself: the same triples always come together in the same order, so that a cell's scores follow from its
    text alone. The rule for empty hypotheses is added to the signature where the scores are stored.
    """

    signature: str
    """Fields `key:value`, parted by `|`: the checkpoint and its revision's hash, the package's version, the precision,
    whether a score depends on its batch. Scores are compared only under equal signatures."""
    batch_invariant: bool = False
    """Whether a triple's score is the same to the last bit whatever is scored with it; only then are scores of
    identical triples reused from cell to cell."""

    @abstractmethod
    def score(self, triples: Sequence[Triple]) -> list[SegmentScore]:
        """The score of each triple, in their order.

        Raises:
            MetricError: these triples can't be scored, with the reason; others may be.
            MetricNeedError: the model can't be used any more (memory, an endpoint that is away), with the remedy.
        """

    def close(self) -> None:
        """Give up the model, the device and child processes."""
        return


class NoOptions(BaseModel):
    """The options of a model metric that takes none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelMetric(Metric):
    """A metric whose segments are scored by a model; the corpus score is their mean.

    Statistics are the segment's score and always 1 (k = 2), so that intervals, paired tests and gates are those of
    every other metric. Instances aggregate what is stored, and work in the base install.
    """

    judges_segments: ClassVar[bool] = True
    Options: ClassVar[type[BaseModel]] = NoOptions
    """What a spec may say besides the metric's name; a frozen pydantic model that forbids other keys."""
    path_options: ClassVar[frozenset[str]] = frozenset({"checkpoint"})
    """Those of the options that may be paths: relative ones are looked for beside the spec."""
    marks_spans: ClassVar[bool] = False
    """Whether it marks errors: then a segment without any is one in which it sees none."""
    licence: ClassVar[str] = ""
    """Licence of the checkpoint, as `Apache-2.0`; empty where it follows from the options."""
    gated: ClassVar[bool] = False
    """Whether the checkpoint is fetched only by people who have accepted its terms: never by default."""

    def __init__(self, pair: Pair, languages: Collection[str] = ()) -> None:
        del languages
        self._pair = pair

    @classmethod
    def variant(cls, name: str) -> type[Metric] | None:
        """Itself: the name tells models apart, whose scores are computed alike."""
        del name
        return cls

    @classmethod
    def uncovered(cls, pair: Pair) -> str | None:
        """Why the metric does not cover the languages of a pair, as a sentence; None where it does.

        Such a pair is unscorable for this reason; the model is not asked.
        """
        del pair
        return None

    @classmethod
    @abstractmethod
    def scorer(cls, options: Mapping[str, Any], *, home: Path, device: str) -> SegmentScorer:
        """Load the model.

        Args:
            options: what the spec says, as `Options` has validated it (`model_dump`).
            home: the folder of environments, converted checkpoints and caches.
            device: `cpu` or `cuda`.

        Raises:
            ModelDiedError: the model's process died while it loaded; it is started again.
            MetricNeedError: an environment, the checkpoint or the device is not there, with the remedy.
            MetricError: what is there is no checkpoint of this metric.
        """

    @classmethod
    def worst(cls) -> float | None:
        """The score of an empty hypothesis, by rule: the worse end of the metric's range; None where it has none."""
        least, greatest = cls.bounds
        return least if cls.higher_is_better else greatest

    @classmethod
    def rows(cls, scores: Sequence[SegmentScore]) -> Statistics:
        """The statistics of scored segments; what is no finite number makes a cell unscorable."""
        return np.array([(score.value, 1.0) for score in scores], dtype=np.float64)

    @property
    def signature(self) -> str:
        """Known only to the loaded model.

        Raises:
            MetricNeedError: always.
        """
        self._needs_model()

    def statistics(self, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Statistics:
        """Made by the loaded model.

        Raises:
            MetricNeedError: always.
        """
        self._needs_model()

    def aggregate(self, sums: NDArray[Any]) -> Scores:
        """The mean of the segments' scores; NaN of none."""
        with np.errstate(invalid="ignore"):  # a resample may hold no segment of a pair
            return np.asarray(sums[..., 0] / sums[..., 1])

    def _needs_model(self) -> NoReturn:
        raise MetricNeedError(f"{self.name} is computed by a model: `dragoman score` loads it.")
