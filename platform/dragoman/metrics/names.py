"""Names of metrics in tables and in the store: `PLUGIN`, or `PLUGIN:NAME` where a spec tells several of it apart."""

from dragoman.plugins import available


def plugin_of(metric: str) -> str:
    """Name of the plugin that computes a metric."""
    return metric.partition(":")[0]


def is_installed(metric: str) -> bool:
    """Whether a metric's plugin is installed here; nothing is imported."""
    return plugin_of(metric) in available("metrics")
