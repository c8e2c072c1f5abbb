"""Curves: a score or a loss over steps, training pairs, examples or whatever is varied."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from textwrap import wrap
from typing import TYPE_CHECKING, Literal, NamedTuple

from dragoman.figures.style import new_figure, series_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKED = 30
"""Places of a curve up to which each has a marker."""

_WIDE = 8.0
"""Ratio of the ends of the x axis from which it is logarithmic."""


class CurvePoint(NamedTuple):
    """One measurement."""

    series: str
    """The curve it belongs to."""
    x: float
    """Where it was measured."""
    y: float
    """What was measured."""


def curve(
    points: Sequence[CurvePoint], *, title: str, x_label: str, y_label: str,
    width: Literal["column", "page"] = "column", logarithmic: bool | None = None,
) -> "Figure":  # fmt: skip
    """Lines through the means at each place; where several were measured at one, as over seeds, each is a dot.

    Args:
        points: the measurements.
        title: what they are of: metric, test set.
        x_label: label of what is varied.
        y_label: label of what is measured.
        width: of a column or a page.
        logarithmic: whether the x axis is; by default where few places, all above 0, reach over a factor of eight.

    Raises:
        FigureError: matplotlib is not installed.
    """
    figure, axes = new_figure(width, height=2.6)
    by_series: defaultdict[str, defaultdict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for point in points:
        by_series[point.series][point.x].append(point.y)
    places = sorted({point.x for point in points})
    for number, (name, own) in enumerate(by_series.items()):
        color, marker = series_style(number)
        xs = sorted(own)
        shown = marker if len(xs) <= _MARKED else None
        axes.plot(
            xs, [fmean(own[x]) for x in xs], color=color, marker=shown, label=name, linewidth=1.2 if shown else 0.6
        )
        several = [(x, y) for x in xs if len(own[x]) > 1 for y in own[x]]
        if several:
            axes.scatter(*zip(*several, strict=True), s=6, color=color, alpha=0.5, linewidths=0, zorder=1)
    is_few = 1 < len(places) <= _MARKED
    if logarithmic is None:
        logarithmic = is_few and places[0] > 0 and places[-1] / places[0] >= _WIDE
    if logarithmic:
        axes.set_xscale("log", base=2)
    if logarithmic and is_few:
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_title("\n".join(wrap(title, 52 if width == "column" else 125)), loc="left")
    if len(by_series) > 1:
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2 if width == "column" else 5
        )
    return figure
