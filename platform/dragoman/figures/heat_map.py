"""Heat map of a pair matrix: a number for each source and target, and the partition of each pair."""

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np

from dragoman.figures.family_bands import draw_bands
from dragoman.figures.language_codes import draw_codes
from dragoman.figures.pair_matrix import BANDED, KINDS, NO_PAIR, PairMatrix
from dragoman.figures.style import COLUMN, PAGE, import_matplotlib, new_figure
from dragoman.partition import Partition

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

PARTITION_COLORS: Final[dict[Partition | None, str]] = {
    Partition.SEEN: "#0072b2",
    Partition.REVERSED: "#56b4e9",
    Partition.RECOMBINED: "#009e73",
    Partition.ONE_SIDED: "#f0e442",
    Partition.UNSEEN_SOURCE: "#e69f00",
    Partition.UNSEEN_TARGET: "#d55e00",
    Partition.UNSEEN_BOTH: "#cc79a7",
    None: "#8a8f98",
}
"""Colours of the partitions, as on the pages: Okabe and Ito's palette; of the unknown a grey."""

_SCORES, _DIFFERENCES = ("#e3f3f7", "#7fb2cf", "#1f3a85"), ("#8f3d00", "#e8b48c", "#f6f5f2", "#9db4e0", "#274aa0")
"""Colours from the worst to the best, as on the pages."""

_COLUMN_HOLDS = 12
"""Languages up to which a heat map is as wide as a column."""

_WRITTEN, _PARTED, _MARKED = 15.0, 7.0, 5.0
"""Points of a tile's side from which its number is written, it is parted from others, and its partition marked."""


_BESIDE, _BESIDE_BANDED, _BELOW = 0.5, 1.65, 0.3
"""Inches that codes, and those and the names of families take beside a matrix; and the share of a figure's width that
the map of partitions takes below it."""


_LAYOUTS = 4
"""Times that a figure is laid out at most, until its tiles are squares."""


class Limits(NamedTuple):
    """The ends of a colour scale."""

    low: float
    """The number at its lower end."""
    high: float
    """The number at its upper end."""


def shared_limits(matrices: Iterable[PairMatrix], *, diverging: bool = False) -> Limits:
    """Round ends of a scale that holds the numbers of several matrices.

    Args:
        matrices: the matrices.
        diverging: with zero in the middle, for differences; otherwise the scale starts at zero, or below where numbers
            do.
    """
    import_matplotlib()
    from matplotlib.ticker import MaxNLocator

    numbers = np.concatenate([matrix.values[~np.isnan(matrix.values)] for matrix in matrices])
    if diverging:
        end = float(np.abs(numbers).max(initial=0.0)) or 1.0
        low, high = -end, end
    else:
        low, high = float(numbers.min(initial=0.0)), float(numbers.max(initial=0.0))
    ticks = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], symmetric=diverging).tick_values(
        low, high if high > low else low + 1.0
    )
    return Limits(float(ticks[0]), float(ticks[-1]))


def heat_map(
    matrix: PairMatrix,
    *,
    title: str,
    unit: str,
    digits: int = 1,
    diverging: bool = False,
    higher_is_better: bool = True,
    limits: Limits | None = None,
    width: Literal["column", "page"] | None = None,
) -> "Figure":
    """A matrix of pair scores with the partition of each pair, legible from 6 to 200 languages.

    Tiles of 5 points and more have their partition's colour in a corner; of smaller ones a second, smaller map shows
    the partitions. Numbers are written in tiles that hold them; languages are written at both axes up to some 300 of
    them; from 17 languages on, bands name their families.

    Args:
        matrix: the pairs.
        title: what the numbers are of: model, metric, test set.
        unit: label of the colour bar: the metric and its range.
        digits: digits after the point of the numbers in tiles.
        diverging: whether the numbers are differences, whose scale has zero in its middle.
        higher_is_better: False for error rates, whose scale is turned round.
        limits: the ends of the scale; round ones that hold all numbers by default.
        width: of a column or a page; by default a column up to 12 languages.

    Raises:
        FigureError: matplotlib is not installed.
    """
    chosen = width or ("column" if matrix.side <= _COLUMN_HOLDS else "page")
    is_banded = matrix.side >= BANDED
    wide = COLUMN if chosen == "column" else PAGE
    across = wide - (_BESIDE_BANDED if is_banded else _BESIDE)
    tile = 72 * across / len(matrix.targets)
    is_marked = tile >= _MARKED
    lines = wrap(title, 52 if chosen == "column" else 112)
    handles = partition_handles([matrix])
    columns = 3 if chosen == "column" else 6
    high = across * len(matrix.sources) / len(matrix.targets) + 0.9 + 0.15 * len(lines) + 0.2 * is_banded
    below = 0.2 * -(-len(handles) // columns) if is_marked else _BELOW * wide
    ratios = [1.0] if is_marked else [high, below]
    figure, parts = new_figure(chosen, height=high + below, rows=len(ratios), ratios=ratios)
    axes = parts if is_marked else parts[0]
    image = draw_heat_map(
        axes, matrix, limits=limits or shared_limits([matrix], diverging=diverging), digits=digits,
        diverging=diverging, higher_is_better=higher_is_better, tile=tile,
    )  # fmt: skip
    axes.set_title("\n".join(lines), loc="left", pad=10 if is_banded else 5)
    color_bar(figure, image, axes, unit)
    if is_marked:
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=1.0, columnspacing=1.2)
    else:
        _partition_map(parts[1], matrix, handles)
    _make_square(figure, axes, matrix)
    return figure


def draw_heat_map(
    axes: "Axes",
    matrix: PairMatrix,
    *,
    limits: Limits,
    tile: float,
    digits: int = 1,
    diverging: bool = False,
    higher_is_better: bool = True,
    codes: bool = True,
) -> "AxesImage":
    """Draw a heat map on given axes: several of them with the same limits are small multiples on one scale.

    Args:
        axes: the axes.
        matrix: the pairs.
        limits: the ends of the scale (`shared_limits`).
        tile: the side of a tile in points, as far as it is known before the figure is laid out.
        digits: digits after the point of the numbers in tiles.
        diverging: whether the numbers are differences.
        higher_is_better: False for error rates.
        codes: whether the languages are written at the axes.

    Returns:
        What `color_bar` makes the bar of.
    """
    from matplotlib.colors import LinearSegmentedColormap

    colors = list(_DIFFERENCES if diverging else _SCORES)
    cmap = LinearSegmentedColormap.from_list("scores", colors if higher_is_better else colors[::-1])
    image = axes.imshow(
        np.ma.masked_invalid(matrix.values), cmap=cmap, vmin=limits.low, vmax=limits.high, interpolation="none",
        aspect="auto",
    )  # fmt: skip
    _part(axes, matrix, tile)
    _cross(axes, matrix)
    if tile >= _MARKED:
        _mark(axes, matrix, tile)
    if tile >= _WRITTEN:
        _write(axes, matrix, image, tile=tile, digits=digits)
    if codes:
        draw_codes(axes, matrix, tile=tile)
    else:
        axes.set(xticks=[], yticks=[])
    if matrix.side >= BANDED:
        draw_bands(axes, matrix, tile=tile, named=codes)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, pad=2)
    return image


def color_bar(figure: "Figure", image: "AxesImage", axes: Any, unit: str) -> None:
    """A colour bar below axes, or below several, with a unit.

    Args:
        figure: the figure.
        image: what `draw_heat_map` returned.
        axes: the axes, or several.
        unit: the bar's label.
    """
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", aspect=40, shrink=0.8, pad=0.02, label=unit)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2)


def partition_handles(matrices: Sequence[PairMatrix]) -> list[Any]:
    """The entries of a legend: the partitions that occur in some matrices, with their pairs where it is one matrix."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    counts = [matrix.counts for matrix in matrices]
    handles: list[Any] = []
    for kind in KINDS:
        found = [each[kind] for each in counts if kind in each]
        if found:
            name = (kind or "unknown").replace("_", " ")
            label = f"{name} ({found[0]:,})" if len(matrices) == 1 else name
            handles.append(Patch(facecolor=PARTITION_COLORS[kind], label=label))
    lacking = sum(int(matrix.lacking.sum()) for matrix in matrices)
    if lacking:
        handles.append(Line2D([], [], marker="x", linestyle="", color="0.45", label=f"no score ({lacking:,})"))
    return handles


def _part(axes: "Axes", matrix: PairMatrix, tile: float) -> None:
    if tile >= _PARTED:
        axes.set_xticks(np.arange(0.5, len(matrix.targets) - 1), minor=True)
        axes.set_yticks(np.arange(0.5, len(matrix.sources) - 1), minor=True)
        axes.grid(which="minor", color="white", linewidth=0.6)
        axes.tick_params(which="minor", length=0)


def _cross(axes: "Axes", matrix: PairMatrix) -> None:
    rows, columns = np.nonzero(matrix.lacking)
    if len(rows):
        axes.plot(columns, rows, linestyle="", marker="x", color="0.45", markersize=2, markeredgewidth=0.5)


def _mark(axes: "Axes", matrix: PairMatrix, tile: float) -> None:
    """A triangle in the upper left corner of each tile, in the colour of its partition."""
    from matplotlib.collections import PolyCollection

    side = min(0.42, 5.0 / tile)
    rows, columns = np.nonzero(matrix.kinds != NO_PAIR)
    corner = np.array([(-0.5, -0.5), (-0.5 + side, -0.5), (-0.5, -0.5 + side)])
    shapes = np.stack([columns, rows], axis=1)[:, None, :] + corner
    colors = [PARTITION_COLORS[KINDS[kind]] for kind in matrix.kinds[rows, columns]]
    axes.add_collection(
        PolyCollection(list(shapes), facecolors=colors, edgecolors="white", linewidths=min(0.5, tile / 20))
    )


def _write(axes: "Axes", matrix: PairMatrix, image: "AxesImage", *, tile: float, digits: int) -> None:
    numbers = matrix.values
    size = min(7.0, 1.55 * (tile - 2) / max(len(f"{number:.{digits}f}") for number in numbers[~np.isnan(numbers)]))
    for row, column in zip(*np.nonzero(~np.isnan(numbers)), strict=True):
        light = np.array(image.cmap(image.norm(numbers[row, column]))[:3]) ** 2.2
        is_dark = light @ (0.2126, 0.7152, 0.0722) < 0.18  # where white has the greater contrast, by WCAG 2
        axes.text(
            column, row, f"{numbers[row, column]:.{digits}f}", ha="center", va="center", fontsize=size,
            color="white" if is_dark else "black",
        )  # fmt: skip


def _partition_map(axes: "Axes", matrix: PairMatrix, handles: Sequence[Any]) -> None:
    """The partitions of a large matrix as a smaller map, with the legend beside it."""
    from matplotlib.colors import ListedColormap

    axes.axis("off")
    small = axes.inset_axes((0.0, 0.0, 0.36, 0.9))
    small.imshow(
        np.ma.masked_equal(matrix.kinds, NO_PAIR), cmap=ListedColormap([PARTITION_COLORS[kind] for kind in KINDS]),
        vmin=-0.5, vmax=len(KINDS) - 0.5, interpolation="none",
    )  # fmt: skip
    small.set(xticks=[], yticks=[])
    small.set_title("partitions", loc="left")
    small.spines[["left", "bottom"]].set_visible(False)
    axes.legend(handles=list(handles), loc="center left", bbox_to_anchor=(0.4, 0.45))


def _make_square(figure: "Figure", axes: "Axes", matrix: PairMatrix) -> None:
    """Give the figure the height at which tiles are squares, once its width has been laid out."""
    rows: Any = axes.get_subplotspec().get_gridspec()  # type: ignore[union-attr]
    for _ in range(_LAYOUTS):
        figure.draw_without_rendering()
        box = axes.get_window_extent()
        square = box.width * len(matrix.sources) / len(matrix.targets)
        if abs(square - box.height) < 0.01 * square:
            break
        heights = rows.get_height_ratios()
        rows.set_height_ratios([square, *(box.height * each / heights[0] for each in heights[1:])])
        figure.set_figheight(float(figure.get_figheight() + (square - box.height) / figure.dpi))
