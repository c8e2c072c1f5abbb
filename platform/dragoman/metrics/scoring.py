"""Scoring one pair under several metrics."""

from collections.abc import Collection, Sequence

from dragoman import plugins
from dragoman.metrics.base import Metric, MetricError, check_lengths
from dragoman.metrics.resampling import confidence_interval
from dragoman.metrics.score import ScoreRecord, Unscorable
from dragoman.pair import Pair


def score(
    metrics: Sequence[str],
    pair: Pair,
    languages: Collection[str],
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
) -> list[ScoreRecord | Unscorable]:
    """The scores of a pair's hypotheses, one for each metric and in that order.

    Args:
        metrics: names of metric plugins.
        pair: the direction translated.
        languages: the grid's languages, the candidates of a language detector.
        sources: one line for each segment.
        hypotheses: likewise.
        references: likewise.

    Raises:
        MetricError: the sides differ in length or are empty. What only one metric can't do becomes its `Unscorable`.
        UnknownPluginError: a name is not a metric's.
    """
    check_lengths(sources, hypotheses, references)
    return [_score(plugins.load("metrics", name), pair, languages, sources, hypotheses, references) for name in metrics]


def _score(
    kind: type[Metric],
    pair: Pair,
    languages: Collection[str],
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
) -> ScoreRecord | Unscorable:
    try:
        metric = kind(pair, languages)
        statistics = metric.statistics(sources, hypotheses, references)
        low, high = confidence_interval(metric, statistics)
        return ScoreRecord(
            metric=metric.name,
            signature=metric.signature,
            value=metric.score(statistics),
            low=low,
            high=high,
            statistics=statistics,
            details=metric.details(statistics),
        )
    except MetricError as error:
        return Unscorable(kind.name, str(error))
