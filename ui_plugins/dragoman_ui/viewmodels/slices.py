"""The slices of a grid's test set on its pages: the filters that are offered, and the lines of one pair."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.line_labels import labels_of
from dragoman.analysis.sliced_scores import sliced
from dragoman.errors import StoreError
from dragoman.line_filter import ORIGINAL, SIDES, LineFilter
from dragoman.metrics.lookup import metric_class
from dragoman.pair import Pair
from dragoman.store.line_labels import Labels
from dragoman.store.records import CellRecord, StoredScore
from dragoman.store.store import Store
from dragoman_ui.viewmodels.store import open_store, stamp

MOST_VALUES = 30
"""Values of one label that are offered; of a label with more, such as a document's name, none."""


def line_choices(grid: str, chosen: str | None) -> list[tuple[str, str]]:
    """Filters of test lines with their names, the chosen one among them; none where lines have no labels.

    Raises:
        StoreError: there is no such grid.
    """
    found = _read(stamp(), open_store(), grid)
    texts = [chosen, *found] if chosen and chosen not in found else found
    return [("", "all lines"), *((text, text) for text in texts)] if texts else []


@lru_cache(maxsize=64)
def _read(moment: str, store: Store, grid: str) -> list[str]:
    del moment
    found = []
    for label, counts in labels_of(store, grid).items():
        values = [value for value, _ in counts.most_common()]
        if label == ORIGINAL:
            values = [side for side in SIDES if counts[side]]
        if len(values) <= MOST_VALUES:
            found += [str(LineFilter(((label, value),))) for value in values]
    return found


def labels_of_cell(store: Store, grid: str, cell: CellRecord) -> Labels:
    """The labels of the lines that a cell of a grid was tested on."""
    pair = cell.cell.pair
    return store.conditions.labels_of_grid(grid, pair).get((cell.cell.test_set, pair, cell.cell.content), {})


def held_lines(pair: Pair, labels: Labels, count: int, lines: str | None) -> NDArray[np.bool_]:
    """The lines of a pair that a filter chooses, as a mask.

    Args:
        pair: the pair.
        labels: the labels of its lines.
        count: how many lines there are.
        lines: the filter; None is all.

    Raises:
        StoreError: there is none.
    """
    held = LineFilter.parse(lines).chosen(pair, labels, count) if lines else np.ones(count, np.bool_)
    if count and not held.any():
        raise StoreError(f"No test line of {pair} has {lines}: choose others, or leave out lines.")
    return held


def scores_of_lines(pair: Pair, scores: Sequence[StoredScore], held: NDArray[np.bool_]) -> tuple[StoredScore, ...]:
    """The scores of some lines of a pair, from the stored statistics; those without are left out."""
    found = []
    for score in scores:
        kind = metric_class(score.metric)
        made = None if kind is None else sliced(kind(pair), score.value, score.statistics, held)
        if made is not None and not isinstance(made, str):
            found.append(score.model_copy(update=made.values))
    return tuple(found)
