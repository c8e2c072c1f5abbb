"""Scores of some lines of a test, from the stored statistics of all."""

from collections.abc import Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.segment_statistics import agrees
from dragoman.metrics.base import Metric, Statistics
from dragoman.metrics.resampling import confidence_intervals
from dragoman.metrics.serialization import pack, unpack


class SlicedScore(NamedTuple):
    """A score of some lines."""

    values: dict[str, float]
    """Its `value`, and the ends of its interval, `low` and `high`."""
    statistics: bytes
    """The statistics of the lines, packed."""


def chosen_rows(metric: Metric, value: float, packed: bytes | None, held: NDArray[np.bool_]) -> Statistics | str:
    """The statistics of the chosen lines, or why they have no score.

    Args:
        metric: the metric.
        value: the score of all lines.
        packed: their statistics.
        held: the mask of the chosen lines.

    Raises:
        MetricError: the statistics are damaged.
    """
    if packed is None:
        return "no statistics of its lines are stored, so that a slice of them can't be scored"
    rows = unpack(packed)
    if len(rows) != len(held) or not agrees(float(metric.aggregate(rows.sum(axis=0))), value):
        return f"its stored statistics don't give its score by the {metric.name} that is installed here"
    if held.any() and not isfinite(float(metric.aggregate(rows[held].sum(axis=0)))):
        return f"none of its lines has a score by {metric.name}"
    return rows[held]


def scored(tables: Sequence[tuple[Metric, Statistics]]) -> list[dict[str, float]]:
    """The scores of some statistics with their intervals, each by the metric beside it."""
    intervals = confidence_intervals(tables)
    return [
        {"value": metric.score(rows), "low": low, "high": high}
        for (metric, rows), (low, high) in zip(tables, intervals, strict=True)
    ]


def sliced(metric: Metric, value: float, packed: bytes | None, held: NDArray[np.bool_]) -> SlicedScore | str:
    """The score of the chosen lines, or why there is none; arguments and errors as for `chosen_rows`."""
    chosen = chosen_rows(metric, value, packed, held)
    return chosen if isinstance(chosen, str) else SlicedScore(scored([(metric, chosen)])[0], pack(chosen))
