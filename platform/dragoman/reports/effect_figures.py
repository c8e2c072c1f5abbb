"""Figures of effects: intervals side by side, and curves over the number of training pairs."""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from dragoman.figures import COLORS, new_figure, series_style
from dragoman.tables.table import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ROW = 0.24
"""Inches of a row."""


def interval_rows(names: Sequence[str]) -> "tuple[Figure, Any]":
    """A figure for intervals one below the other: a row for each name, the first on top, and a line at 0."""
    figure, axes = new_figure(height=0.7 + _ROW * len(names))
    axes.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    return figure, axes


def forest(rows: Sequence[Row], named: str, label: str) -> "Callable[[], Figure]":
    """What draws a forest plot: an estimate with its interval in each row, and a line at 0.

    Args:
        rows: rows of findings.
        named: key of a row's name.
        label: label of the axis.
    """

    def draw() -> "Figure":
        figure, axes = interval_rows([str(row[named]).replace("_", " ") for row in rows])
        for place, row in enumerate(rows):
            color = COLORS[0] if place == 0 else COLORS[-1]
            if row["low"] is not None and row["high"] is not None:
                axes.plot([row["low"], row["high"]], [place, place], color=color)
            axes.plot([row["estimate"]], [place], marker="s", color=color)
        axes.set_xlabel(label)
        axes.locator_params(axis="x", nbins=6)
        return figure

    return draw


def curves(points: Sequence[Row], label: str) -> "Callable[[], Figure]":
    """What draws the points of curves, with a bar of one standard deviation over draws; a panel for each design."""
    designs = list(dict.fromkeys(row["design"] for row in points))
    scopes = [scope for scope in dict.fromkeys(row["scope"] for row in points) if scope != "all"]

    def draw() -> "Figure":
        figure, panels = new_figure("page" if len(designs) > 1 else "column", height=3.0, columns=len(designs))
        panels = list(panels.flat) if len(designs) > 1 else [panels]
        for axes, design in zip(panels, designs, strict=True):
            for number, scope in enumerate(scopes):
                _line(axes, [row for row in points if (row["design"], row["scope"]) == (design, scope)], number)
            numbers = sorted({row["pairs"] for row in points if row["design"] == design})
            axes.set_xscale("log", base=2)
            axes.set_xticks(numbers, [str(each) for each in numbers], minor=False)
            axes.minorticks_off()
            axes.set_xlabel("training pairs")
            axes.set_ylabel(label)
            if len(designs) > 1:
                axes.set_title("\n".join(wrap(design, 100 // len(designs))))
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        return figure

    return draw


def trend(points: Sequence[Row]) -> str:
    """What the curve of unseen pairs, or else of the first scope, does from its first point to its last, in words."""
    scopes = list(dict.fromkeys(row["scope"] for row in points))
    scope = "unseen" if "unseen" in scopes else scopes[0]
    design = next(row["design"] for row in points if row["scope"] == scope)
    line = [row for row in points if (row["design"], row["scope"]) == (design, scope)]
    first, last = line[0], line[-1]
    return f"{scope} goes from {first['mean']:.1f} at {first['pairs']} pairs to {last['mean']:.1f} at {last['pairs']}"


def _line(axes: Any, rows: Sequence[Row], number: int) -> None:
    if not rows:
        return
    axes.errorbar(
        [row["pairs"] for row in rows], [row["mean"] for row in rows], yerr=[row["sd"] or 0 for row in rows],
        **series_style(number)._asdict(), capsize=2, elinewidth=0.8,
        label=str(rows[0]["scope"]).replace("_", " "),
    )  # fmt: skip
