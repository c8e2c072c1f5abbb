"""Comparison of two systems: the difference on each pair with its interval, the largest gain on top."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from dragoman.figures.heat_map import PARTITION_COLORS
from dragoman.figures.pair_matrix import KINDS
from dragoman.figures.style import new_figure
from dragoman.partition import Partition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 70
"""Pairs up to which each is named."""

_ROW = 0.105
"""Inches of a pair that is named."""


class PairedScore(NamedTuple):
    """The difference of two systems on one pair."""

    pair: str
    """The pair."""
    partition: Partition | None
    """Its partition under the system in question; None where that is unknown."""
    delta: float
    """The difference."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of it."""
    significant: bool | None
    """Whether it is significant after adjustment; None where it was not tested."""


def paired_scores(
    scores: Sequence[PairedScore], *, title: str, unit: str, higher_is_better: bool = True,
    width: Literal["column", "page"] = "column",
) -> "Figure":  # fmt: skip
    """Differences one below the other, in the colours of their partitions; significant ones are filled.

    Args:
        scores: the differences.
        title: what they are of: both systems, metric, test set.
        unit: label of the axis.
        higher_is_better: False for error rates, of which the lowest difference is the largest gain.
        width: of a column or a page.

    Raises:
        FigureError: matplotlib is not installed.
    """
    from matplotlib.lines import Line2D

    ordered = sorted(scores, key=lambda each: (-each.delta if higher_is_better else each.delta, each.pair))
    is_named = len(ordered) <= _NAMED
    figure, axes = new_figure(width, height=1.6 + _ROW * min(len(ordered), _NAMED))
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    size = 3 if is_named else 2
    for place, each in enumerate(ordered):
        color = PARTITION_COLORS[each.partition]
        if each.low is not None and each.high is not None:
            axes.plot([each.low, each.high], [place, place], color=color, linewidth=1.0 if is_named else 0.5)
        face = color if each.significant else "white"
        axes.plot([each.delta], [place], marker="o", markersize=size, color=color, markerfacecolor=face)
    if is_named:
        axes.set_yticks(range(len(ordered)), [each.pair for each in ordered], fontsize=6)
    else:
        axes.set(yticks=[], ylabel=f"{len(ordered):,} pairs")
    axes.set_ylim(len(ordered) - 0.5, -0.5)
    axes.set_xlabel(unit)
    axes.set_title("\n".join(wrap(title, 52 if width == "column" else 125)), loc="left")
    found = {each.partition for each in ordered}
    dot: Any = {"marker": "o", "linestyle": "", "markersize": 4}
    handles = [
        Line2D([], [], color=PARTITION_COLORS[kind], label=(kind or "unknown").replace("_", " "), **dot)
        for kind in KINDS
        if kind in found
    ]
    if any(each.significant is not None for each in ordered):
        handles.append(Line2D([], [], color="0.3", markerfacecolor="white", label="not significant", **dot))
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if width == "column" else 6, handletextpad=0.2)
    return figure
