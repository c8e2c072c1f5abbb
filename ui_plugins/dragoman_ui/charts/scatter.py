"""Scatter plot of runs: number of training pairs against score on unseen pairs."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.run_table import Run
from dragoman.metrics.lookup import digits_of
from dragoman.partition import Evidence
from dragoman.tables.table import figure
from dragoman_ui.charts.color_scale import Scale


class Dot(NamedTuple):
    """One run; places are in percent of the axes."""

    name: str
    """Its label."""
    title: str
    """Its tooltip."""
    x: float
    """Horizontal position."""
    y: float
    """Vertical position."""
    low: float | None
    """Position of the lower end of its interval."""
    high: float | None
    """Position of the upper end."""


class Chart(NamedTuple):
    """A drawing of runs."""

    x: str
    """Label of the horizontal axis."""
    y: str
    """Label of the vertical axis."""
    across: list[tuple[float, str]]
    """Horizontal ticks: positions and labels."""
    up: list[tuple[float, str]]
    """Vertical ticks."""
    dots: list[Dot]
    """The runs that have both numbers."""

    @property
    def said(self) -> str:
        """The chart in a sentence, as its `aria-label`."""
        return f"{self.y} by {self.x}: {'; '.join(dot.title for dot in self.dots)}"


def chart(runs: Sequence[Run], metric: str, scope: str, show_gain: bool = False) -> Chart:
    """Draw the number of training pairs against the mean score, or the gain over the base, on some scope.

    Args:
        runs: the runs; one whose training is unknown, or that has no score there, is left out.
        metric: name of the metric.
        scope: a partition, `unseen` or `all`.
        show_gain: draw the gain in place of the score.
    """
    found = []
    for run in runs:
        row = run.scope(scope)
        if row is None or run.evidence is Evidence.UNKNOWN:
            continue
        numbers = (row.gain, row.gain_low, row.gain_high) if show_gain else (row.mean, row.low, row.high)
        if numbers[0] is not None:
            found.append((run, row, numbers[0], numbers[1:]))
    most = max((run.pairs for run, *_ in found), default=1)
    values = [value for *_, mean, ends in found for value in (mean, *ends) if value is not None]
    scale = Scale.of_scores(values)

    def across(pairs: float) -> float:
        return round(100 * math.log1p(pairs) / math.log1p(max(most, 1)), 2)

    def up(value: float | None) -> float | None:
        return None if value is None else round(100 * (value - scale.worst) / (scale.best - scale.worst), 2)

    dots = [
        Dot(
            run.model,
            f"{run.grid}, {run.model}: {run.pairs} training pairs, {figure(mean, digits_of(metric), show_gain)} on "
            f"{row.gain_pairs if show_gain else row.done} of {row.pairs} pairs",
            across(run.pairs),
            up(mean) or 0.0,
            up(ends[0]),
            up(ends[1]),
        )
        for run, row, mean, ends in found
    ]
    what = "gain over the base " if show_gain else "" if higher_is_better(metric) else "(lower is better) "
    digits = 0 if scale.best - scale.worst >= 40 else 1 if scale.best - scale.worst >= 4 else 2
    return Chart(
        x="training pairs (logarithmic)",
        y=f"{metric} {what}on {scope.replace('_', ' ')} pairs",
        across=[(across(tick), f"{tick:,}") for tick in _ticks(most)],
        up=[(up(tick) or 0.0, figure(tick, digits)) for tick in scale.ticks],
        dots=dots,
    )


def _ticks(most: int) -> list[int]:
    """Zero, then one and three times the powers of ten, and the largest number where there is room for it."""
    powers = [factor * 10**power for power in range(7) for factor in (1, 3)]
    ticks = [0, *(tick for tick in powers if tick <= most)]
    return [*ticks, most] if most > 1.5 * ticks[-1] else ticks
