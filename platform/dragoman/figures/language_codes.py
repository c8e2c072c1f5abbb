"""Language codes at the axes of a matrix, as small as can be read, and staggered where tiles are smaller."""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal

from dragoman.figures.pair_matrix import PairMatrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST, _MOST = 4.6, 7.0
"""Smallest and largest size of codes in points."""

_LEVELS = 4
"""Rows that codes are staggered in, at most."""

_WIDTH, _GAP = 0.62, 2.0
"""Width of a letter in font sizes, and points between a code and what is next to it."""


def draw_codes(axes: "Axes", matrix: PairMatrix, *, tile: float) -> None:
    """Write the languages of both sides; none where tiles are too small for it.

    Args:
        axes: the axes of the matrix.
        matrix: the matrix.
        tile: the side of a tile in points.
    """
    axes.set(xlabel="target language", ylabel="source language")
    levels = ceil(_LEAST / tile)
    if levels > _LEVELS:
        axes.set(xticks=[], yticks=[])
    elif levels == 1:
        size = max(_LEAST, min(_MOST, 0.9 * tile))
        longest = max(map(len, matrix.targets)) * _WIDTH * size
        turned = 90 if longest > 0.95 * tile else 0
        axes.set_xticks(range(len(matrix.targets)), matrix.targets, fontsize=size, rotation=turned)
        axes.set_yticks(range(len(matrix.sources)), matrix.sources, fontsize=size)
    else:
        axes.set(xticks=[], yticks=[])
        deepest = max(_staggered(axes, matrix.sources, "y", levels), _staggered(axes, matrix.targets, "x", levels))
        axes.xaxis.labelpad = axes.yaxis.labelpad = deepest + 3


def _staggered(axes: "Axes", tags: Sequence[str], side: Literal["x", "y"], levels: int) -> float:
    """Write codes at several distances, with a line from each to its place; returns how deep they are, in points."""
    line = {"arrowstyle": "-", "linewidth": 0.25, "color": "0.7", "shrinkA": 0, "shrinkB": 0}
    across = side == "x"
    depths = _depths([_WIDTH * _LEAST * len(tag) for tag in tags], levels)
    for place, (tag, (away, _)) in enumerate(zip(tags, depths, strict=True)):
        axes.annotate(
            tag,
            (place, 0) if across else (0, place),
            (0, -away) if across else (-away, 0),
            xycoords=("data", "axes fraction") if across else ("axes fraction", "data"),
            textcoords="offset points",
            rotation=90 if across else 0,
            ha="center" if across else "right",
            va="top" if across else "center",
            fontsize=_LEAST,
            arrowprops=line if away > _GAP else None,
            annotation_clip=False,
        )
    return max(end for _, end in depths)


def _depths(lengths: Sequence[float], levels: int) -> list[tuple[float, float]]:
    """Where each of some texts begins and ends, as near as the ones before it leave room; so many are side by side."""
    found: list[tuple[float, float]] = []
    for length in lengths:
        near = sorted(found[-levels + 1 :])
        start = _GAP
        for begins, ends in near:
            if start + length + _GAP > begins and ends + _GAP > start:
                start = ends + _GAP
        found.append((start, start + length))
    return found
