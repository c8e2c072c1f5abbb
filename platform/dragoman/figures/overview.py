"""Figures of an overview: means with intervals by partition, seen against unseen, and heat maps on one scale."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dragoman.figures.heat_map import color_bar, draw_heat_map, partition_handles, shared_limits
from dragoman.figures.labels import label_points
from dragoman.figures.pair_matrix import BANDED, PairMatrix
from dragoman.figures.style import COLORS, PAGE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]
"""A row of an overview's table: fields of each scope after its name, as in `seen_mean`, and the system's aliases."""

MOST_PANELS: Final = 5
"""Scopes that a figure of means shows beside each other, at most."""

MOST_MAPS: Final = 9
"""Systems whose heat maps stand beside each other, at most."""

_MAPS_BESIDE, _CODED = 3, 24
"""Heat maps in a row, and languages up to which their codes are written at the axes."""

_ROW, _LETTERS = 0.17, 26
"""Inches of a system's row, and letters of its name."""


def interval_panels(
    rows: Sequence[Row], names: Sequence[str], scopes: Sequence[str], label: str
) -> "Callable[[], Figure]":
    """What draws the systems' means by partition, each with its 95% interval: a panel for each scope.

    A champion's point is a star. A system whose scope is the same pairs as another has its point in that panel alone.

    Args:
        rows: the rows of an overview, one for each system.
        names: the systems' names, in the order of the rows; the first is on top.
        scopes: the scopes; of more than `MOST_PANELS` the first ones.
        label: the metric, with its unit.
    """
    shown = list(scopes)[:MOST_PANELS]

    def draw() -> "Figure":
        figure, made = new_figure("page", height=0.75 + _ROW * max(len(rows), 2), columns=len(shown))
        panels = list(made.flat) if len(shown) > 1 else [made]
        for place, (axes, scope) in enumerate(zip(panels, shown, strict=True)):
            for row_place, row in enumerate(rows):
                _point(axes, row, scope, row_place)
            axes.set_title(scope.replace("_", " "))
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.set_yticks(range(len(rows)), [_short(name) for name in names] if place == 0 else [""] * len(rows))
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x", linewidth=0.4, color="0.88")
            axes.set_axisbelow(True)
            axes.locator_params(axis="x", nbins=4)
        figure.supxlabel(f"mean {label}, with 95% intervals", fontsize=8)
        return figure

    return draw


def seen_against_unseen(rows: Sequence[Row], names: Sequence[str], label: str) -> "Callable[[], Figure]":
    """What draws the systems' means on unseen pairs over those on seen pairs, with intervals; a champion is a star.

    Args:
        rows: the rows of an overview; those without a mean on seen or on unseen pairs are left out.
        names: the systems' names, in the order of the rows.
        label: the metric, with its unit.
    """
    points = [
        (row, name) for row, name in zip(rows, names, strict=True) if None not in (row["seen_mean"], row["unseen_mean"])
    ]

    def draw() -> "Figure":
        figure, axes = new_figure(height=3.0)
        for row, _ in points:
            x, y = row["seen_mean"], row["unseen_mean"]
            axes.errorbar(
                x, y, xerr=_sides(row, "seen"), yerr=_sides(row, "unseen"), fmt="*" if row["aliases"] else "o",
                color=COLORS[1] if row["aliases"] else COLORS[0], markersize=8 if row["aliases"] else 4, elinewidth=0.8,
            )  # fmt: skip
        axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())
        axes.axline((0, 0), slope=1, color="0.7", linewidth=0.7, zorder=0)
        x, y = ([row[f"{scope}_mean"] for row, _ in points] for scope in ("seen", "unseen"))
        label_points(axes, x, y, [_short(name) for _, name in points], is_crossed=True)
        axes.set_xlabel(f"{label} on seen pairs")
        axes.set_ylabel(f"{label} on unseen pairs")
        return figure

    return draw


def _point(axes: Any, row: Row, scope: str, place: int) -> None:
    mean, low, high = (row.get(f"{scope}_{key}") for key in ("mean", "low", "high"))
    if mean is None:
        return
    is_champion = bool(row["aliases"])
    color = COLORS[1] if is_champion else COLORS[0]
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=color)
    axes.plot([mean], [place], marker="*" if is_champion else "o", markersize=7 if is_champion else 3.5, color=color)


def _sides(row: Row, scope: str) -> list[list[float]] | None:
    """How far an interval reaches below and above its mean; None where there is none."""
    mean, low, high = (row[f"{scope}_{key}"] for key in ("mean", "low", "high"))
    return None if low is None or high is None else [[max(mean - low, 0.0)], [max(high - mean, 0.0)]]


def _short(name: str) -> str:
    return name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"


def heat_maps(
    matrices: Mapping[str, PairMatrix], *, unit: str, higher_is_better: bool = True
) -> "Callable[[], Figure]":
    """What draws heat maps of several systems beside each other, on one colour scale.

    Args:
        matrices: the pairs of each system, by its name; of more than `MOST_MAPS` the first ones.
        unit: label of the colour bar.
        higher_is_better: False for error rates, whose scale is turned round.
    """
    shown = dict(list(matrices.items())[:MOST_MAPS])
    columns = min(len(shown), _MAPS_BESIDE)
    rows = -(-len(shown) // columns)

    def draw() -> "Figure":
        side = max(matrix.side for matrix in shown.values())
        across = PAGE / columns
        figure, made = new_figure("page", height=rows * (across + 0.1) + 0.9, rows=rows, columns=columns)
        panels = list(made.flat) if len(shown) > 1 else [made]
        limits, image = shared_limits(shown.values()), None
        for axes, (name, matrix) in zip(panels, shown.items(), strict=False):
            image = draw_heat_map(
                axes, matrix, limits=limits, tile=72 * across * 0.8 / side, higher_is_better=higher_is_better,
                codes=side <= _CODED,
            )  # fmt: skip
            axes.set_title(_short(name), loc="left", pad=10 if side >= BANDED else 5)
        for axes in panels[len(shown) :]:
            axes.axis("off")
        if image is not None:
            color_bar(figure, image, panels, unit)
        handles = partition_handles(list(shown.values()))
        figure.legend(handles=handles, loc="outside lower center", ncols=6, handlelength=1.0, columnspacing=1.2)
        return figure

    return draw
