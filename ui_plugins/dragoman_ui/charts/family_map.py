"""A pair matrix summed up by language family: the mean over the pairs from one family into another."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import PairColumns
from dragoman.family import family_name
from dragoman.tables.table import Row, Table, number, word
from dragoman_ui.charts.color_scale import Scale
from dragoman_ui.charts.heatmap import DIVERGING, falls
from dragoman_ui.viewmodels.view import Show

MANY = 100
"""Languages from which a grid's first look is by family."""


class FamilyTile(NamedTuple):
    """The pairs from one family into another."""

    value: float | None
    """The mean of what the map shows, each pair alike; None where no pair has a number."""
    scored: int
    """Pairs that have one."""
    pairs: int
    """All its pairs."""
    look: str
    """The CSS class: a step of a scale, or that of no number."""


class FamilyMap(NamedTuple):
    """A matrix of family by family."""

    families: tuple[tuple[str, int], ...]
    """Each family with the number of its languages, the largest first."""
    rows: tuple[tuple[FamilyTile | None, ...], ...]
    """One row for each source family, one tile for each target family; None where there is no pair."""
    scale: Scale
    """The scale of the steps."""


def family_map(columns: PairColumns, languages: Sequence[str], show: Show, higher_is_better: bool = True) -> FamilyMap:
    """Sum up the pairs of one model by family.

    Args:
        columns: every planned pair of the grid.
        languages: the grid's languages.
        show: the quantity that is averaged; where the matrix shows partitions, the score.
        higher_is_better: False for error rates, whose scale is turned round.
    """
    counts = Counter(map(family_name, languages))
    families = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    place = {name: index for index, (name, _) in enumerate(families)}
    diverges, is_turned = show in DIVERGING, falls(show, higher_is_better)
    numbers = (-1 if is_turned else 1) * columns.gains if diverges else columns.own.values
    cells = _places(columns.sources, place) * len(families) + _places(columns.targets, place)
    known, size = ~np.isnan(numbers), len(families) ** 2
    pairs, scored = np.bincount(cells, minlength=size), np.bincount(cells[known], minlength=size)
    sums = np.bincount(cells[known], numbers[known], minlength=size)
    means = [float(total) / int(count) if count else None for total, count in zip(sums, scored, strict=True)]
    shown = [mean for mean in means if mean is not None]
    if diverges:
        scale = Scale.of_differences(shown, higher_is_better or is_turned)
    else:
        scale = Scale.of_scores(shown, higher_is_better)
    tiles = [
        FamilyTile(
            mean,
            int(count),
            int(every),
            f"{'d' if diverges else 'q'}{scale.step(mean)}" if mean is not None else "s-no-base",
        )
        if every
        else None
        for mean, count, every in zip(means, scored, pairs, strict=True)
    ]
    rows = tuple(tuple(tiles[start : start + len(families)]) for start in range(0, size, len(families)))
    return FamilyMap(tuple(families), rows, scale)


def family_table(grid: str, what: str, found: FamilyMap, facts: Row, caption: str | None, digits: int) -> Table:
    """What a family map shows, as a table.

    Args:
        grid: name of the grid.
        what: what the means are of.
        found: the map.
        facts: what every row says of how the scores were measured.
        caption: the same in a line.
        digits: digits after the point.
    """
    rows: list[dict[str, Any]] = [
        {
            "source_family": source,
            "target_family": target,
            "source_languages": sources,
            "target_languages": targets,
            "mean": tile.value,
            "scored": tile.scored,
            "pairs": tile.pairs,
            **facts,
        }
        for (source, sources), tiles in zip(found.families, found.rows, strict=True)
        for (target, targets), tile in zip(found.families, tiles, strict=True)
        if tile
    ]
    return Table(
        name="families", title=f"{grid}: {what} by family", content=rows, stub=2, caption=caption,
        columns=[word("source_family", "from"), word("target_family", "into"), number("mean", digits=digits),
                 number("scored", "scored pairs", 0), number("pairs", digits=0)],
    )  # fmt: skip


def _places(tags: NDArray[np.str_], place: dict[str, int]) -> NDArray[np.intp]:
    names, numbers = np.unique(tags, return_inverse=True)
    return np.array([place[family_name(str(name))] for name in names], np.intp)[numbers]
