"""Lookup of installed metrics by name; the store may hold scores of others too."""

from dragoman import plugins
from dragoman.metrics.base import Metric
from dragoman.plugins import UnknownPluginError


def metric_class(name: str) -> type[Metric] | None:
    """The installed metric of a name; None where it is not installed here (its stored values can still be read)."""
    try:
        kind: type[Metric] = plugins.load("metrics", name)
    except (UnknownPluginError, ModuleNotFoundError):
        return None
    return kind
