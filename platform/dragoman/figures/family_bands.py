"""Bands of language families along the sides of a matrix, with their names where there is room."""

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from dragoman.figures.pair_matrix import Band, PairMatrix, bands

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

_GREYS = ("0.35", "0.72")
"""Colours of bands, one after the other."""

_SIZE = 6.0
"""Font size of names in points."""

_WIDE, _AWAY = 4.0, 5.0
"""Width of a band, and how far its middle is from the matrix, in points."""

_NAMED = 14.0
"""How far the names are from it."""


def draw_bands(axes: "Axes", matrix: PairMatrix, *, tile: float, named: bool = True) -> None:
    """Draw the bands at the right and the upper side, and white lines between the families.

    Args:
        axes: the axes of the matrix.
        matrix: the matrix.
        tile: the side of a tile in points.
        named: whether the families of the sources are named at the right side.
    """
    rows, columns = bands(matrix.sources), bands(matrix.targets)
    for number, band in enumerate(rows):
        _strip(axes, band, number, is_row=True)
    for number, band in enumerate(columns):
        _strip(axes, band, number, is_row=False)
    thin = min(1.0, tile / 8)
    for band in rows[1:]:
        axes.axhline(band.start - 0.5, color="white", linewidth=thin)
    for band in columns[1:]:
        axes.axvline(band.start - 0.5, color="white", linewidth=thin)
    if named:
        _name(axes, rows, distance=1.15 * _SIZE / tile)


def _strip(axes: "Axes", band: Band, number: int, *, is_row: bool) -> None:
    """One band, outside the axes."""
    from matplotlib.lines import Line2D

    ends, edge = (band.start - 0.5, band.end - 0.5), (1.0, 1.0)
    style = {"linewidth": _WIDE, "color": _GREYS[number % 2], "solid_capstyle": "butt", "clip_on": False}
    sides = (edge, ends) if is_row else (ends, edge)
    axes.add_artist(Line2D(*sides, transform=_beside(axes, _AWAY, is_row=is_row), **style))  # type: ignore[arg-type]


def _beside(axes: "Axes", points: float, *, is_row: bool) -> "Transform":
    """Places along one side of the axes, so many points outside of it."""
    from matplotlib.transforms import blended_transform_factory, offset_copy

    ways = (axes.transAxes, axes.transData) if is_row else (axes.transData, axes.transAxes)
    across, up = (points, 0.0) if is_row else (0.0, points)
    return offset_copy(blended_transform_factory(*ways), axes.get_figure(root=True), x=across, y=up, units="points")


def _name(axes: "Axes", found: Sequence[Band], *, distance: float) -> None:
    """Write the names beside the bands of the rows, pushed apart so that none is printed over another.

    Where there is no room for all, the smallest bands go without.

    Args:
        axes: the axes.
        found: the bands.
        distance: between two names, in rows.
    """
    count = found[-1].end
    largest = sorted(found, key=lambda band: (band.start - band.end, band.start))[: max(1, int(count / distance))]
    named = sorted(largest, key=lambda band: band.start)
    middles = [(band.start + band.end - 1) / 2 for band in named]
    places = list(accumulate(middles, lambda above, own: max(own, above + distance)))
    lowest = count - 0.5
    for index in reversed(range(len(places))):
        places[index] = lowest = min(places[index], lowest)
        lowest -= distance
    line = {"arrowstyle": "-", "linewidth": 0.3, "color": "0.6", "shrinkA": 0, "shrinkB": 0, "relpos": (0, 0.5)}
    for band, middle, place in zip(named, middles, places, strict=True):
        axes.annotate(
            band.family, (1.0, middle), (1.0, place), annotation_clip=False, fontsize=_SIZE, va="center_baseline",
            xycoords=_beside(axes, _AWAY + _WIDE / 2, is_row=True), textcoords=_beside(axes, _NAMED, is_row=True),
            arrowprops=line if abs(place - middle) > distance / 3 else None,
        )  # fmt: skip
