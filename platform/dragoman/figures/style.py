"""Style of figures: widths of a paper in two columns, fonts, and colours that all can tell apart."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from dragoman.errors import DragomanError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN: Final = 3.3
"""Inches: the width of a column of a paper in two columns."""

PAGE: Final = 6.9
"""Inches: the width of both columns together."""

COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's colours, which people with colour-blindness tell apart (https://jfly.uni-koeln.de/color/)."""

_MARKERS: Final = "osD^v<>PX"


class SeriesStyle(NamedTuple):
    """How a series of a figure is told from the others."""

    color: str
    """Its colour."""
    marker: str
    """Its marker."""


def series_style(number: int) -> SeriesStyle:
    """The colour and marker of a series by its number, from 0; no two of 63 have both in common."""
    return SeriesStyle(COLORS[number % len(COLORS)], _MARKERS[number % len(_MARKERS)])


STYLE: Final[Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "figure.dpi": 150,
    "savefig.dpi": 300,
    "svg.fonttype": "none",  # text stays text, which can be edited and read aloud
    "pdf.fonttype": 42,
    "svg.hashsalt": "dragoman",  # ids that are the same each time
}
"""Settings of matplotlib."""


class FigureError(DragomanError):
    """A figure that can't be drawn or written here, with the remedy."""


def import_matplotlib() -> None:
    """Import matplotlib, which an extra installs.

    Raises:
        FigureError: it is not installed.
    """
    try:
        import_module("matplotlib.figure")
    except ImportError as error:
        raise FigureError(
            "Figures need matplotlib, which is not installed here: `pip install 'dragoman[figures]'`."
        ) from error


def new_figure(
    width: Literal["column", "page"] = "column",
    *,
    height: float | None = None,
    rows: int = 1,
    columns: int = 1,
    ratios: Sequence[float] | None = None,
) -> "tuple[Figure, Any]":
    """An empty figure and its axes, as `Figure.subplots` gives them; nothing of it is kept by matplotlib.

    It is drawn while `figure_bytes` calls what draws it, in the style of this module.

    Args:
        width: of a column (3.3 inches) or of a page (6.9).
        height: inches; by default three quarters of a column for every row.
        rows: rows of axes.
        columns: axes of each row.
        ratios: heights of the rows, relative to each other; all alike by default.

    Raises:
        FigureError: matplotlib is not installed.
    """
    import_matplotlib()
    from matplotlib.figure import Figure

    inches = COLUMN if width == "column" else PAGE
    figure = Figure(figsize=(inches, height or 0.75 * COLUMN * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, height_ratios=ratios)
