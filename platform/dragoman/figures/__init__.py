"""Figures of analyses: drawn by matplotlib in the sizes of a paper, and written as SVG, PDF or PNG."""

from dragoman.figures.files import FigureForm, figure_bytes
from dragoman.figures.style import COLORS, COLUMN, PAGE, FigureError, SeriesStyle, new_figure, series_style

__all__ = [
    "COLORS",
    "COLUMN",
    "PAGE",
    "FigureError",
    "FigureForm",
    "SeriesStyle",
    "figure_bytes",
    "new_figure",
    "series_style",
]
