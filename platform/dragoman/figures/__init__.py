"""Figures of analyses: drawn by matplotlib in the sizes of a paper, and written as SVG, PDF or PNG."""

from dragoman.figures.files import FigureForm, figure_bytes
from dragoman.figures.style import COLORS, COLUMN, PAGE, FigureError, new_figure

__all__ = ["COLORS", "COLUMN", "PAGE", "FigureError", "FigureForm", "figure_bytes", "new_figure"]
