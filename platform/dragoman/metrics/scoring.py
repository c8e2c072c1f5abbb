"""Scoring one pair under several metrics."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from dragoman.cell import Unscorable
from dragoman.metrics.base import Metric, MetricError, MetricNeedError, Statistics, check_lengths
from dragoman.metrics.error_span import ErrorSpan
from dragoman.metrics.generation import Generation
from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.model_metric import ModelMetric
from dragoman.metrics.resampling import confidence_interval
from dragoman.pair import Pair
from dragoman.script import likely_script


@dataclass(frozen=True, eq=False)
class ScoreRecord:
    """One metric's verdict on a set of hypotheses."""

    metric: str
    """Name of the metric."""
    signature: str
    """Everything the value depends on besides the text; only equal signatures are compared."""
    value: float
    """The corpus score."""
    low: float
    """Lower end of the 95% bootstrap interval."""
    high: float
    """Upper end of it."""
    statistics: Statistics
    """Sufficient statistics, segments × k; `packing.pack` makes bytes of them."""
    details: dict[str, float] = field(default_factory=dict)
    """Figures shown beside the score (`Metric.details`)."""
    spans: tuple[tuple[ErrorSpan, ...], ...] | None = None
    """The errors that a model metric sees in each segment; None of metrics that mark none."""


def score(
    metrics: Sequence[str],
    pair: Pair,
    languages: Collection[str],
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    *,
    further: Sequence[Sequence[str]] = (),
    generation: Generation | None = None,
) -> list[ScoreRecord | Unscorable]:
    """The scores of a pair's hypotheses, one for each metric and in that order.

    Args:
        metrics: names of metrics that hold no model (`text_metrics`).
        pair: the direction translated.
        languages: the grid's languages, the candidates of a language detector.
        sources: one line for each segment.
        hypotheses: likewise.
        references: likewise.
        further: further references of each segment, which may be more or fewer of some.
        generation: how the hypotheses came about, where that is known: some metrics of errors look at it.

    Raises:
        MetricError: the sides differ in length or are empty. What only one metric can't do becomes its `Unscorable`.
        UnknownPluginError: a name is not a metric's.
    """
    check_lengths(sources, hypotheses, references)
    several = None
    if any(further):
        several = [(first, *more) for first, more in zip(references, further, strict=True)]
    found = []
    for name in metrics:
        kind = installed_metric(name)
        found.append(_score(kind, pair, languages, sources, hypotheses, references, several, generation))
    return found


def text_metrics(metrics: Sequence[str]) -> list[str]:
    """Those of some metrics that are computed from the text alone, and not by a model.

    Raises:
        UnknownPluginError: a name is not a metric's.
        ModuleNotFoundError: the extra that a metric needs is not installed.
    """
    return [name for name in metrics if not issubclass(installed_metric(name), ModelMetric)]


def require(metrics: Sequence[str], pairs: Iterable[Pair], languages: Collection[str]) -> None:
    """Make sure that metrics have what they need, such as a tokeniser's library or file, before anything is begun.

    What a metric needs follows the target's script: one pair into each is tried. That it can't score a pair at all,
    whatever is installed, is no fault here.

    Args:
        metrics: names of metric plugins.
        pairs: the directions that will be scored.
        languages: the grid's languages.

    Raises:
        MetricNeedError: a metric can't run, with the reason and the remedy.
        UnknownPluginError: a name is not a metric's.
    """
    into = {likely_script(pair.target): pair for pair in pairs}
    for name in metrics:
        try:
            kind = installed_metric(name)
        except ImportError as error:
            raise MetricNeedError(f"The metric {name} needs a package that is not installed here: {error}.") from error
        if issubclass(kind, ModelMetric):
            continue  # what its model lacks is said where it is loaded, and keeps nothing else waiting
        for pair in into.values():
            try:
                _ = kind(pair, languages).signature
            except MetricNeedError:
                raise
            except MetricError:
                continue


def _score(
    kind: type[Metric],
    pair: Pair,
    languages: Collection[str],
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str],
    several: Sequence[Sequence[str]] | None,
    generation: Generation | None,
) -> ScoreRecord | Unscorable:
    try:
        metric = kind(pair, languages)
        if generation is not None:
            metric.inform(generation)
        if several is None:
            statistics = metric.statistics(sources, hypotheses, references)
        else:
            statistics = metric.statistics_of_several(sources, hypotheses, several)
        low, high = confidence_interval(metric, statistics)
        return ScoreRecord(
            metric=metric.name,
            signature=metric.signature if several is None else metric.signature_of_several(several),
            value=metric.score(statistics),
            low=low,
            high=high,
            statistics=statistics,
            details=metric.details(statistics),
        )
    except MetricError as error:
        return Unscorable(kind.name, str(error))
