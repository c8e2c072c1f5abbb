"""Scores of systems by partition, each a point with its interval."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Literal, NamedTuple

from dragoman.figures.style import new_figure, series_style
from dragoman.partition import Partition

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SCOPES = (*Partition, "unknown", "unseen", "all")
"""Partitions from left to right."""

_SPREAD = 0.6
"""Share of a partition's room that its systems take."""


class ScopeScore(NamedTuple):
    """A system's mean score over a partition."""

    system: str
    """The system."""
    scope: str
    """The partition, or `unseen` or `all`."""
    mean: float
    """The mean."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end of it."""


def partition_scores(
    scores: Sequence[ScopeScore], *, title: str, unit: str, width: Literal["column", "page"] | None = None
) -> "Figure":
    """Points with intervals: partitions from left to right, systems side by side in each.

    Args:
        scores: the scores; systems are drawn in the order in which they first occur.
        title: what they are of: metric, test set.
        unit: label of the axis of scores.
        width: of a column or a page; by default a page where a column has no room for all.

    Raises:
        FigureError: matplotlib is not installed.
    """
    systems = list(dict.fromkeys(each.system for each in scores))
    scopes = sorted({each.scope for each in scores}, key=_SCOPES.index)
    chosen = width or ("column" if len(scopes) * len(systems) <= 24 and len(scopes) <= 6 else "page")
    figure, axes = new_figure(chosen, height=2.7)
    for number, system in enumerate(systems):
        own = [each for each in scores if each.system == system]
        aside = _SPREAD * ((number + 0.5) / len(systems) - 0.5)
        lows, highs = (
            [abs(each.mean - (each.mean if end is None else end)) for each, end in zip(own, ends, strict=True)]
            for ends in ([each.low for each in own], [each.high for each in own])
        )
        axes.errorbar(
            [scopes.index(each.scope) + aside for each in own], [each.mean for each in own], yerr=[lows, highs],
            **series_style(number)._asdict(), linestyle="", capsize=2, elinewidth=0.9, label=system,
        )  # fmt: skip
    for place in range(1, len(scopes)):
        axes.axvline(place - 0.5, color="0.9", linewidth=0.6, zorder=0)
    is_tight = len(scopes) > (4 if chosen == "column" else 9)
    names = [scope.replace("_", "\n" if not is_tight else " ") for scope in scopes]
    axes.set_xticks(range(len(scopes)), names, rotation=40 if is_tight else 0, ha="right" if is_tight else "center")
    axes.set_xlim(-0.5, len(scopes) - 0.5)
    axes.set_ylabel(unit)
    axes.set_title("\n".join(wrap(title, 52 if chosen == "column" else 125)), loc="left")
    if len(systems) > 1:
        figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=2 if chosen == "column" else 5
        )
    return figure
