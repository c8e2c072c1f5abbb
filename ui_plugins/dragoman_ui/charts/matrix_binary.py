"""Binary encoding of a pair matrix for the browser's canvas: tens of thousands of pairs in a few hundred kilobytes.

First four bytes, the length of the head (little-endian); the head, JSON, padded with spaces to a multiple of four; then
its columns one after the other, each row by row over all of `sources` × `targets`:

=============== ====== =============================================================
`value` … `other` int16  the number times `factor`, -32768 where there is none
`partition`     uint8  place in `partitions`
`state`         uint8  place in `states`; 255 where the grid has no such pair
`significant`   uint8  1 where the difference is more than the intervals explain
=============== ====== =============================================================
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.pair_scores import STATES, Numbers, PairColumns, differing
from dragoman.family import family_name
from dragoman.language import english_name
from dragoman.partition import TrainingGraph
from dragoman.script import script_name
from dragoman.store.schema import PARTITIONS
from dragoman_ui.charts.color_scale import Scale
from dragoman_ui.charts.heatmap import DIVERGING, falls, ordered
from dragoman_ui.viewmodels.view import Order, Show

NOTHING = -32768
"""The int16 for no number."""

_MOST = 32_000
"""The largest number of an int16."""

NO_PAIR = 255
"""State where the grid has no such pair."""


def drawing(
    columns: PairColumns,
    languages: Sequence[str],
    graph: TrainingGraph,
    show: Show,
    order: Order,
    higher_is_better: bool = True,
) -> bytes:
    """Lay out the pairs of one model.

    Args:
        columns: every planned pair of the grid.
        languages: the grid's languages, in its order.
        graph: what the model was trained on.
        show: the quantity that colours the tiles.
        order: how languages are ordered.
        higher_is_better: False for error rates, whose scale is turned round.
    """
    sources, targets = sides_in_order(columns, languages, graph, order, higher_is_better)
    places = _places(columns.sources, sources) * len(targets) + _places(columns.targets, targets)
    numbers = {
        "value": columns.own.values,
        "low": columns.own.lows,
        "high": columns.own.highs,
        "other": columns.other.values,
    }
    factor = _factor(list(numbers.values()))
    scale = scale_of(columns, show, higher_is_better)
    significant = differing(columns.own, columns.other) if show is Show.DIFFERENCE else np.zeros(len(places), np.bool_)
    size = len(sources) * len(targets)
    parts = [
        _scatter(np.where(np.isnan(each), NOTHING, np.round(each * factor)), places, size, NOTHING, np.int16)
        for each in numbers.values()
    ]
    for column, empty in ((columns.partitions, 0), (columns.states, NO_PAIR), (significant, 0)):
        parts.append(_scatter(column, places, size, empty, np.uint8))
    head = {
        "sources": sources,
        "targets": targets,
        "names": {tag: english_name(tag) for tag in {*sources, *targets}},
        "families": {tag: family_name(tag) for tag in {*sources, *targets}},
        "scripts": {tag: script_name(tag) for tag in {*sources, *targets}},
        "numbers": list(numbers),
        "factor": factor,
        "worst": scale.worst,
        "best": scale.best,
        "diverging": scale.diverging,
        "sign": -1 if falls(show, higher_is_better) else 1,
        "partitions": [partition or "unknown" for partition in PARTITIONS],
        "states": [state.value for state in STATES],
        "reasons": _reasons(columns.reasons, places),
    }
    written = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    written += b" " * (-len(written) % 4)
    return len(written).to_bytes(4, "little") + written + b"".join(part.tobytes() for part in parts)


def sides_in_order(
    columns: PairColumns, languages: Sequence[str], graph: TrainingGraph, order: Order, higher_is_better: bool = True
) -> tuple[list[str], list[str]]:
    """The sources and the targets of a matrix in their order; arguments as for `drawing`."""
    sources, targets = (
        ordered(set(np.unique(tags).tolist()), languages, graph, order, _means(tags, columns), higher_is_better)
        for tags in (columns.sources, columns.targets)
    )
    return sources, targets


def scale_of(columns: PairColumns, show: Show, higher_is_better: bool) -> Scale:
    """The colour scale of a matrix."""
    if show in DIVERGING:
        is_turned = falls(show, higher_is_better)
        return Scale.of_differences(_ends(columns.gains), higher_is_better or is_turned)
    return Scale.of_scores(_ends(columns.own.values), higher_is_better)


def _ends(values: Numbers) -> list[float]:
    known = values[~np.isnan(values)]
    return [float(known.min()), float(known.max())] if len(known) else []


def _means(tags: NDArray[np.str_], columns: PairColumns) -> dict[str, float]:
    """Mean score of each language on one side of its pairs."""
    scored = ~np.isnan(columns.own.values)
    names, numbers = np.unique(tags[scored], return_inverse=True)
    totals = np.bincount(numbers, columns.own.values[scored], len(names)) / np.maximum(np.bincount(numbers), 1)
    return dict(zip(names.tolist(), totals.tolist(), strict=True))


def _places(tags: NDArray[np.str_], order: Sequence[str]) -> NDArray[np.intp]:
    names, numbers = np.unique(tags, return_inverse=True)
    return np.array([order.index(str(name)) for name in names], np.intp)[numbers]


def _factor(columns: Sequence[Numbers]) -> int:
    """The largest power of ten by which the numbers still fit."""
    most = max((abs(end) for column in columns for end in _ends(column)), default=0.0)
    return int(10 ** min(4, max(0, math.floor(math.log10(_MOST / most))))) if most else 1


def _scatter(
    column: NDArray[np.generic], places: NDArray[np.intp], size: int, empty: int, kind: type
) -> NDArray[np.generic]:
    laid: NDArray[Any] = np.full(size, empty, kind)
    laid[places] = column
    return laid


def _reasons(reasons: Mapping[int, str], places: NDArray[np.intp]) -> dict[str, str]:
    return {str(places[place]): reason for place, reason in reasons.items()}
