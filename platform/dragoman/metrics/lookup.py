"""Lookup of the classes of metrics by their stored names; the store may hold scores of others too."""

from dragoman import plugins
from dragoman.metrics.base import Metric
from dragoman.metrics.names import plugin_of
from dragoman.plugins import UnknownPluginError


def installed_metric(metric: str) -> type[Metric]:
    """The class of a metric that is to be computed here.

    Raises:
        UnknownPluginError: no installed package has it.
        ModuleNotFoundError: the extra that it needs is not installed.
    """
    kind: type[Metric] = plugins.load("metrics", plugin_of(metric))
    _, colon, name = metric.partition(":")
    found = kind.variant(name) if colon else kind
    if found is None:
        raise UnknownPluginError(f"'{metric}' is not one of the metrics: {kind.name} has no variant '{name}'.")
    return found


def metric_class(metric: str) -> type[Metric] | None:
    """The class of a metric; None where it is not installed here (its stored values can still be read)."""
    try:
        return installed_metric(metric)
    except (UnknownPluginError, ModuleNotFoundError):
        return None


def digits_of(metric: str) -> int:
    """Digits after the point of a metric's scores in tables and pages; those of the others where it isn't installed."""
    return (metric_class(metric) or Metric).digits
