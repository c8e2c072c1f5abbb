"""Lookup of installed metrics by name; the store may hold scores of others too."""

from dragoman import plugins
from dragoman.metrics.base import Metric
from dragoman.plugins import UnknownPluginError


def installed_metric(metric: str) -> type[Metric]:
    """The class of a metric that is to be computed here: `PLUGIN`, or `PLUGIN:NAME` where a name chooses a variant.

    Raises:
        UnknownPluginError: no installed package has it.
        ModuleNotFoundError: the extra that it needs is not installed.
    """
    plugin, colon, name = metric.partition(":")
    kind: type[Metric] = plugins.load("metrics", plugin)
    if not colon:
        return kind
    found = kind.variant(name)
    if found is None:
        raise UnknownPluginError(f"'{metric}' is not one of the metrics: {plugin} has no variant '{name}'.")
    return found


def metric_class(name: str) -> type[Metric] | None:
    """The installed metric of a name; None where it is not installed here (its stored values can still be read)."""
    try:
        return installed_metric(name)
    except (UnknownPluginError, ModuleNotFoundError):
        return None
