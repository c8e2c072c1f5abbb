"""Lookup of the classes of metrics by their stored names; the store may hold scores of others too."""

import re
from collections.abc import Sequence

from dragoman import plugins
from dragoman.metrics.base import Metric
from dragoman.metrics.model_metric import ModelMetric
from dragoman.metrics.names import plugin_of
from dragoman.plugins import UnknownPluginError

_GATED = " (gated)"

_NON_COMMERCIAL = re.compile(r"\bNC\b|non-?commercial", re.IGNORECASE)


def installed_metric(metric: str) -> type[Metric]:
    """The class of a metric that is to be computed here.

    Raises:
        UnknownPluginError: no installed package has it.
        ModuleNotFoundError: the extra that it needs is not installed.
    """
    kind: type[Metric] = plugins.load("metrics", plugin_of(metric))
    return kind


def metric_class(metric: str) -> type[Metric] | None:
    """The class of a metric; None where it is not installed here (its stored values can still be read)."""
    try:
        return installed_metric(metric)
    except (UnknownPluginError, ModuleNotFoundError):
        return None


def sentence_metric(metrics: Sequence[str]) -> str | None:
    """The default metric of single sentences: the first of a grid's metrics that judges them, or else the first."""
    judging = (each for each in metrics if (metric_class(each) or Metric).judges_segments)
    return next(judging, next(iter(metrics), None))


def terms_of_use(metric: str, signature: str = "") -> str | None:
    """What one has to know before relying on a metric for a product, as a sentence; None where there is nothing.

    Args:
        metric: its name.
        signature: of its scores: a field in it, as `licence:CC-BY-NC-4.0 (gated)`, is of the very checkpoint.
    """
    kind = metric_class(metric)
    said = next((part.partition(":")[2] for part in signature.split("|") if part.startswith("licence:")), "")
    said, is_gated = said.removesuffix(_GATED), said.endswith(_GATED)
    if kind is not None and issubclass(kind, ModelMetric):
        said, is_gated = said or kind.licence, is_gated or kind.gated
    is_closed = _NON_COMMERCIAL.search(said) is not None
    if not (is_gated or is_closed):
        return None
    gated = "; it is gated: whoever fetches it has to accept its terms first" if is_gated else ""
    use = ", not for commercial use" if is_closed else ""
    return f"The checkpoint of {metric} is under {said or 'terms of its own'}{use}{gated}."


def digits_of(metric: str) -> int:
    """Digits after the point of a metric's scores in tables and pages; those of the others where it isn't installed."""
    return (metric_class(metric) or Metric).digits
