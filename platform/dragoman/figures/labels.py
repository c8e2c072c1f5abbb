"""Labels of points in a figure, placed so that none is printed over another."""

from collections.abc import Sequence
from typing import Any, NamedTuple

_WIDTH, _HEIGHT, _GAP = 0.62, 1.15, 3.0
"""Width of a letter and height of a line in font sizes, and points between a dot and its label."""

_MARGIN = 0.82
"""Share of a figure's width and height that axes take, with their labels outside."""


class _Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: "_Box") -> bool:
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )


_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
"""Where a label may stand beside its point: how far to the right, and up; tried in this order."""


def label_points(
    axes: Any,
    x: Sequence[float],
    y: Sequence[float],
    texts: Sequence[str],
    *,
    size: float = 6.5,
    is_crossed: bool = False,
) -> int:
    """Write a text beside each point, where there is room; a point in a crowd goes without.

    Args:
        axes: the axes, with their limits set.
        x: where the points are.
        y: likewise.
        texts: the labels.
        size: font size in points.
        is_crossed: whether lines go through the points to all sides, as intervals do: labels then stand at corners.

    Returns:
        How many were written.
    """
    figure = axes.get_figure()
    rows, columns = axes.get_subplotspec().get_gridspec().get_geometry()
    wide, high = (
        72 * inches * _MARGIN / count for inches, count in zip(figure.get_size_inches(), (columns, rows), strict=True)
    )
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    places = [
        ((one - left) / (right - left) * wide, (two - bottom) / (top - bottom) * high)
        for one, two in zip(x, y, strict=True)
    ]
    taken = [_Box(one - 2, two - 2, one + 2, two + 2) for one, two in places]
    whole = _Box(0, 0, wide, high)
    written = 0
    for (one, two), text, point in zip(places, texts, zip(x, y, strict=True), strict=True):
        width, height = len(text) * size * _WIDTH, size * _HEIGHT
        for across, up in _SIDES[4:] if is_crossed else _SIDES:
            start = one + across * _GAP - (width if across < 0 else 0 if across else width / 2)
            foot = two + up * _GAP - (height if up < 0 else 0 if up else height / 2)
            box = _Box(start, foot, start + width, foot + height)
            inside = whole.left <= box.left and box.right <= whole.right
            if inside and whole.bottom <= box.bottom and box.top <= whole.top and not any(map(box.meets, taken)):
                taken.append(box)
                axes.annotate(
                    text, point, (across * _GAP, up * _GAP), textcoords="offset points", fontsize=size,
                    ha={1: "left", -1: "right", 0: "center"}[across], va={1: "bottom", -1: "top", 0: "center"}[up],
                )  # fmt: skip
                written += 1
                break
    return written
