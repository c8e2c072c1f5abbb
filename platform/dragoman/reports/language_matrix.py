"""Matrix of languages as a figure: the language of texts, or the one asked for, by the language found."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np

from dragoman.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def language_matrix(
    shares: Collection[tuple[str, str, float]], *, rows: str, least: float = 0.0
) -> "Callable[[], Figure]":
    """What draws the matrix, languages found that have no row at the end.

    Args:
        shares: the language of a row, the language found, and a share of that row in percent, which are added up.
        rows: label of the rows.
        least: the share from which it is written out, where it is above 0.
    """
    asked = sorted({own for own, _, _ in shares})
    columns = [*asked, *sorted({found for _, found, _ in shares} - set(asked))]
    matrix = np.zeros((len(asked), len(columns)))
    for own, found, share in shares:
        matrix[asked.index(own), columns.index(found)] += share

    def draw() -> "Figure":
        figure, axes = new_figure("page", height=1.4 + 0.22 * len(asked))
        axes.imshow(matrix, cmap="Blues", vmin=0, vmax=100, aspect="auto")
        axes.set_xticks(range(len(columns)), columns, rotation=45, ha="right")
        axes.set_yticks(range(len(asked)), asked)
        axes.set_xlabel("language found")
        axes.set_ylabel(rows)
        for row, column in zip(*np.nonzero((matrix > 0) & (matrix >= least)), strict=True):
            share = matrix[row, column]
            colour = "white" if share > 60 else "black"
            axes.text(column, row, f"{share:.0f}", ha="center", va="center", fontsize=6, color=colour)
        return figure

    return draw
