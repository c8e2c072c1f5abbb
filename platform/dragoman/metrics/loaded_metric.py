"""A model metric that is loaded: it scores the hypotheses of one pair after another, each triple once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dragoman.cell import Unscorable
from dragoman.metrics.base import MetricError, MetricNeedError, check_lengths
from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.model_metric import ModelMetric, SegmentScore, SegmentScorer, Triple
from dragoman.metrics.resampling import confidence_interval
from dragoman.metrics.scoring import ScoreRecord
from dragoman.pair import Pair

REMEMBERED = 200_000
"""Scores of triples that are kept for other cells, where a score does not depend on its batch."""


class ConfiguredMetric(NamedTuple):
    """A model metric as a spec or a command wants it."""

    name: str
    """Its name in the store."""
    options: dict[str, Any]
    """Its options, validated, with their defaults."""

    @property
    def kind(self) -> type[ModelMetric]:
        """Its class.

        Raises:
            UnknownPluginError: it is not installed.
            MetricError: it holds no model.
        """
        kind = installed_metric(self.name)
        if not issubclass(kind, ModelMetric):
            raise MetricError(f"The metric {self.name} holds no model.")
        return kind


class LoadedMetric:
    """A metric with its model."""

    def __init__(self, metric: ConfiguredMetric, *, home: Path, device: str = "cpu") -> None:
        """Load the model.

        Args:
            metric: the metric.
            home: the folder of environments, converted checkpoints and caches.
            device: `cpu` or `cuda`.

        Raises:
            MetricError: the checkpoint is not one of this metric's.
            MetricNeedError: an environment, the checkpoint or the device is not there, with the remedy.
        """
        self._metric, self._kind = metric, metric.kind
        self._scorer: SegmentScorer = self._kind.scorer(metric.options, home=home, device=device)
        self._known: dict[Triple, SegmentScore] = {}

    @property
    def signature(self) -> str:
        """The model's, and what becomes of empty hypotheses."""
        worst = self._kind.worst()
        return self._scorer.signature if worst is None else f"{self._scorer.signature}|empty:{worst:g}"

    def score(
        self, pair: Pair, sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]
    ) -> ScoreRecord | Unscorable:
        """The score of a pair's hypotheses.

        Args:
            pair: the direction translated.
            sources: one line for each segment.
            hypotheses: likewise.
            references: likewise; a metric that needs none is given none.

        Raises:
            MetricError: the sides differ in length or are empty. What the metric can't do becomes its `Unscorable`.
            MetricNeedError: the model can't be used any more.
        """
        check_lengths(sources, hypotheses, references)
        name = self._metric.name
        if (reason := self._kind.uncovered(pair)) is not None:
            return Unscorable(name, reason)
        held = references if self._kind.needs_reference else [None] * len(sources)
        triples = [Triple(pair, *each) for each in zip(sources, hypotheses, held, strict=True)]
        try:
            scores = self._scores(triples)
        except MetricNeedError:
            raise
        except MetricError as error:
            return Unscorable(name, str(error))
        statistics = np.array([(score.value, 1.0) for score in scores], dtype=np.float64)
        if not np.isfinite(statistics).all():
            bad = int(np.argmin(np.isfinite(statistics[:, 0])))
            return Unscorable(name, f"The score of segment {bad + 1} is no finite number ({statistics[bad, 0]}).")
        metric = self._kind(pair)
        low, high = confidence_interval(metric, statistics)
        return ScoreRecord(
            metric=name,
            signature=self.signature,
            value=metric.score(statistics),
            low=low,
            high=high,
            statistics=statistics,
            details=metric.details(statistics),
            spans=self._spans(scores),
        )

    def _spans(self, scores: Sequence[SegmentScore]) -> tuple[tuple[ErrorSpan, ...], ...] | None:
        """The errors of each segment; None where the metric marks none."""
        marks = self._kind.marks_spans or any(score.spans for score in scores)
        return tuple(score.spans for score in scores) if marks else None

    def close(self) -> None:
        """Give up the model."""
        self._scorer.close()

    def _scores(self, triples: Sequence[Triple]) -> list[SegmentScore]:
        """The score of each triple: an empty hypothesis by rule, and what several are alike in once."""
        asked = [triple for triple in dict.fromkeys(triples) if triple.hypothesis.strip()]
        if len(asked) < len(set(triples)) and self._kind.worst() is None:
            raise MetricError(f"Hypotheses are empty, and the range of {self._kind.name} has no worst score for them.")
        found = {triple: self._known[triple] for triple in asked if triple in self._known}
        if new := sorted((triple for triple in asked if triple not in found), key=_length, reverse=True):
            scores = self._scorer.score(new)
            if len(scores) != len(new):
                raise MetricError(f"{self._kind.name} gave {len(scores)} scores of {len(new)} segments.")
            found.update(zip(new, scores, strict=True))
            if self._scorer.batch_invariant:
                self._remember({triple: found[triple] for triple in new})
        worst = SegmentScore(self._kind.worst() or 0.0)
        return [found[triple] if triple.hypothesis.strip() else worst for triple in triples]

    def _remember(self, scores: dict[Triple, SegmentScore]) -> None:
        if len(self._known) + len(scores) > REMEMBERED:
            self._known.clear()
        self._known.update(scores)


def _length(triple: Triple) -> int:
    return sum(map(len, (triple.source, triple.hypothesis, triple.reference or "")))
