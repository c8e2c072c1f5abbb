"""Answers that draw themselves: partitions, pairs, comparisons and curves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from dragoman.analysis.comparison import Comparison
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.errors import StoreError
from dragoman.figures.curve import CurvePoint, curve
from dragoman.figures.heat_map import heat_map
from dragoman.figures.pair_matrix import PairMatrix
from dragoman.figures.paired import PairedScore, paired_scores
from dragoman.figures.partitions import ScopeScore, partition_scores
from dragoman.metrics.lookup import digits_of, metric_class
from dragoman.notebook.answer import Answer, Plot, has_several, system_of
from dragoman.partition import Partition
from dragoman.tables.table import Row

Width = Literal["column", "page"]
"""Width of a figure: of a column of a paper in two columns (3.3 inches), or of both (6.9)."""


def scale_of(metric: str, what: str = "") -> str:
    """The label of an axis or a colour bar: the metric with its range, and which way is better."""
    low, high = kind.bounds if (kind := metric_class(metric)) else (None, None)
    ends = f" ({low:g} to {high:g})" if low is not None and high is not None and not what else ""
    return f"{what}{metric}{ends}{'' if higher_is_better(metric) else ', lower is better'}"


def measured_on(row: Row) -> str:
    """The test set of a row, for titles."""
    named = f"{row['test_set']}, " if row["test_set"] else ""
    revision = str(row["revision"])
    return f"{named}{row['corpus']} {row['split']}, revision {revision if len(revision) <= 20 else revision[:12] + '…'}"


class PartitionAnswer(Answer):
    """Scores by partition: the table `partitions` of `dragoman results`."""

    def plot(self, *, width: Width | None = None) -> Plot:
        """The means with their intervals, a group of points for each partition.

        Raises:
            StoreError: there are scores of several test sets, or none.
        """
        rows = [row for row in _of_one_test_set(self) if row["mean"] is not None]
        several = has_several(rows, "prompt")
        found = [
            ScopeScore(system_of(row, several), row["scope"], row["mean"], row["low"], row["high"]) for row in rows
        ]
        metric = rows[0]["metric"]
        title = f"{metric} by partition, with 95% intervals: {measured_on(rows[0])}"
        return Plot(title, partial(partition_scores, found, title=title, unit=scale_of(metric), width=width))


class PairAnswer(Answer):
    """Scores of a model's pairs: the table `pairs` of `dragoman results`."""

    def plot(self, *, show: Literal["score", "gain"] = "score", width: Width | None = None) -> Plot:
        """The matrix of sources and targets as a heat map, with the partition of each pair.

        Args:
            show: the scores, or how much better they are than the base's.
            width: of a column or a page; by default as many languages need.

        Raises:
            StoreError: there are scores of several systems or test sets, or none.
        """
        rows = _of_one_test_set(self)
        if has_several(rows, "model") or has_several(rows, "prompt"):
            raise StoreError("A heat map is of one system: ask for the pairs of one model, and one prompt.")
        metric, model = rows[0]["metric"], rows[0]["model"]
        higher, is_gain = higher_is_better(metric), show == "gain"
        values = [_gain(row, higher) if is_gain else row["value"] for row in rows]
        matrix = PairMatrix.of(
            [row["source"] for row in rows],
            [row["target"] for row in rows],
            np.array([np.nan if value is None else value for value in values], np.float64),
            [None if row["partition"] in (None, "unknown") else Partition(row["partition"]) for row in rows],
        )
        what = "gain over the base in " if is_gain else ""
        title = f"{model}: {what}{metric} on {measured_on(rows[0])}"
        return Plot(
            title,
            partial(
                heat_map, matrix, title=title, unit=scale_of(metric, "gain in " if is_gain else ""),
                digits=digits_of(metric), diverging=is_gain, higher_is_better=higher or is_gain, width=width,
            ),
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class CompareAnswer(Answer):
    """A comparison of two systems by scope: the table `scopes` of `dragoman compare`; `pairs` has every pair."""

    pairs: Answer
    """Every pair that both have: the table `pairs`."""
    comparison: Comparison
    """The comparison itself, with its note and what its intervals are about."""

    def plot(self, *, width: Width = "column") -> Plot:
        """The difference on each pair with its interval, the largest gain on top."""
        own = self.comparison
        found = [
            PairedScore(str(each.pair), each.partition_b, each.delta, each.low, each.high, each.significant)
            for each in own.pairs
        ]
        on = f" on {own.caption_b.test_set}" if own.caption_b else ""
        title = f"{own.b} minus {own.a}: {own.metric}{on}"
        draw = partial(
            paired_scores, found, title=title, unit=f"difference in {scale_of(own.metric, ' ').strip()}",
            higher_is_better=higher_is_better(own.metric), width=width,
        )  # fmt: skip
        return Plot(title, draw)


@dataclass(frozen=True, repr=False)
class CurveAnswer(Answer):
    """Measurements over something that is varied: rows of `series`, `x` and `y`."""

    x_label: str
    """What is varied."""
    y_label: str
    """What is measured."""

    def plot(self, *, width: Width = "column") -> Plot:
        """A line for each series through its means, with a dot for each of several measurements at one place."""
        found = [CurvePoint(row["series"], row["x"], row["y"]) for row in self]
        title = self.table.title
        draw = partial(curve, found, title=title, x_label=self.x_label, y_label=self.y_label, width=width)
        return Plot(title, draw)


def _of_one_test_set(rows: Sequence[Row]) -> list[Row]:
    found = list(rows)
    if not found:
        raise StoreError("There are no scores to draw.")
    if has_several(found, "test_set"):
        raise StoreError("A figure is of one test set: name it with test_set=NAME.")
    return found


def _gain(row: Row, higher: bool) -> float | None:
    if row["value"] is None or row["base_value"] is None:
        return None
    gain: float = row["value"] - row["base_value"]
    return gain if higher else -gain
