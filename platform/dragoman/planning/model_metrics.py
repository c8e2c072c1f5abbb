"""The metrics of a grid that hold a model, with the options that its specification gives them."""

from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.metrics.loaded_metric import ConfiguredMetric
from dragoman.metrics.lookup import installed_metric
from dragoman.metrics.model_metric import ModelMetric
from dragoman.spec.metric import MetricChoice, checked_options, stored_name

PLACE = "evaluation.metrics"
"""Where a specification has them, in errors."""


def configured_metrics(metrics: Iterable[str | MetricChoice]) -> list[ConfiguredMetric]:
    """Those of some metrics of a specification that hold a model.

    Raises:
        SpecError: an option is not one of the metric's, or has a wrong value.
        UnknownPluginError: a metric is not installed.
        ModuleNotFoundError: the extra that a metric needs is not installed.
    """
    options = {stored_name(each): each.options if isinstance(each, MetricChoice) else {} for each in metrics}
    return with_options(options, PLACE)


def with_options(options: Mapping[str, Mapping[str, Any]], place: str) -> list[ConfiguredMetric]:
    """Those of some metrics that hold a model, each with its options.

    Args:
        options: what is said of each metric, by its stored name.
        place: where that stands, for errors.

    Raises:
        SpecError: an option is not one of the metric's, or has a wrong value.
        UnknownPluginError: a metric is not installed.
        ModuleNotFoundError: the extra that a metric needs is not installed.
    """
    checked = {name: checked_options(name, said, f"{place} ({name})") for name, said in options.items()}
    return [
        ConfiguredMetric(name, found)
        for name, found in checked.items()
        if issubclass(installed_metric(name), ModelMetric)
    ]
