"""Metrics: their plugin interface, sacreBLEU's, the off-target rate, and tests on stored statistics."""

from typing import TYPE_CHECKING

from dragoman.exports import lazy_exports

if TYPE_CHECKING:
    from dragoman.cell import Unscorable
    from dragoman.metrics.base import Metric, MetricError, MetricNeedError, Scores, Statistics, check_lengths
    from dragoman.metrics.difference import Difference
    from dragoman.metrics.error_span import ErrorSpan
    from dragoman.metrics.lookup import metric_class
    from dragoman.metrics.model_metric import ModelDiedError, ModelMetric, SegmentScore, SegmentScorer, Triple
    from dragoman.metrics.resampling import confidence_interval, resampled_scores
    from dragoman.metrics.scoring import ScoreRecord, score
    from dragoman.metrics.serialization import pack, unpack
    from dragoman.metrics.significance import (
        Correction,
        Test,
        adjusted,
        paired_approximate_randomization,
        paired_bootstrap,
        sacrebleu_bootstrap,
    )

__all__ = [
    "Correction",
    "Difference",
    "ErrorSpan",
    "Metric",
    "MetricError",
    "MetricNeedError",
    "ModelDiedError",
    "ModelMetric",
    "ScoreRecord",
    "Scores",
    "SegmentScore",
    "SegmentScorer",
    "Statistics",
    "Test",
    "Triple",
    "Unscorable",
    "adjusted",
    "check_lengths",
    "confidence_interval",
    "metric_class",
    "pack",
    "paired_approximate_randomization",
    "paired_bootstrap",
    "resampled_scores",
    "sacrebleu_bootstrap",
    "score",
    "unpack",
]

_NAMES = {
    "dragoman.cell": ("Unscorable",),
    "dragoman.metrics.base": (
        "Metric",
        "MetricError",
        "MetricNeedError",
        "Scores",
        "Statistics",
        "check_lengths",
    ),
    "dragoman.metrics.difference": ("Difference",),
    "dragoman.metrics.error_span": ("ErrorSpan",),
    "dragoman.metrics.lookup": ("metric_class",),
    "dragoman.metrics.model_metric": (
        "ModelDiedError",
        "ModelMetric",
        "SegmentScore",
        "SegmentScorer",
        "Triple",
    ),
    "dragoman.metrics.resampling": (
        "confidence_interval",
        "resampled_scores",
    ),
    "dragoman.metrics.scoring": (
        "ScoreRecord",
        "score",
    ),
    "dragoman.metrics.serialization": (
        "pack",
        "unpack",
    ),
    "dragoman.metrics.significance": (
        "Correction",
        "Test",
        "adjusted",
        "paired_approximate_randomization",
        "paired_bootstrap",
        "sacrebleu_bootstrap",
    ),
}

__getattr__ = lazy_exports(__name__, _NAMES)
