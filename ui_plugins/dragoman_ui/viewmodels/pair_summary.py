"""View model of a filtered set of a model's pairs: means by partition, k of n, and the pairs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import ScopeMeans, masks_by_scope, mean, means_by_scope
from dragoman.analysis.pair_scores import STATES, Numbers, PairColumns
from dragoman.analysis.partition_table import PartitionRow
from dragoman.language import english_name
from dragoman.metrics.detector_misses import Misses
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.schema import PARTITIONS


class Point(NamedTuple):
    """One pair."""

    pair: Pair
    """The direction."""
    partition: Partition | None
    """Its partition under the model's training graph."""
    state: str
    """State of its cell."""
    reason: str | None
    """Why it has no score."""
    value: float | None
    """The score."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""
    base_value: float | None
    """The base's score."""
    off_target: float | None
    """Its off-target rate, in percent."""
    gain: float | None
    """The gain over the base; of an error rate, how much it falls."""


class Summary(PartitionRow):
    """The chosen pairs of one scope taken together: a row of the partition table, without intervals."""

    median: float | None
    """Median score."""


def points(
    columns: PairColumns, rates: Numbers | None, chosen: NDArray[np.bool_], *, higher_is_better: bool = True
) -> list[Point]:
    """The chosen pairs.

    Args:
        columns: every pair of the grid.
        rates: their off-target rates, where they have been measured.
        chosen: mask of the pairs to include.
        higher_is_better: False for error rates, which gain by falling.
    """
    nothing = np.full(len(chosen), np.nan)
    gains = columns.gains if higher_is_better else -columns.gains
    numbers = (*columns.own, columns.other.values, nothing if rates is None else rates, gains)
    figures = [[None if value != value else value for value in each[chosen].tolist()] for each in numbers]
    rows = zip(
        np.flatnonzero(chosen).tolist(),
        columns.sources[chosen].tolist(),
        columns.targets[chosen].tolist(),
        columns.partitions[chosen].tolist(),
        columns.states[chosen].tolist(),
        *figures,
        strict=True,
    )
    return [
        Point(Pair(source, target), PARTITIONS[partition], STATES[state].value, columns.reasons.get(place), *figures)
        for place, source, target, partition, state, *figures in rows
    ]


def summaries(
    columns: PairColumns,
    rates: Numbers | None,
    chosen: NDArray[np.bool_],
    misses: Mapping[str, Misses],
    *,
    higher_is_better: bool = True,
) -> list[Summary]:
    """The scopes that occur among the chosen pairs; arguments as for `points`, and the detector's misses by target."""
    masks, better = masks_by_scope(columns.partitions, chosen=chosen), 1 if higher_is_better else -1
    rows = []
    for scope, found in means_by_scope(columns, chosen=chosen).items():
        mask = masks[scope]
        row = _summary(
            scope,
            found,
            columns.own.values[mask],
            None if rates is None else rates[mask],
            better,
        )
        targets = [] if rates is None else columns.targets[mask & ~np.isnan(rates)].tolist()
        if misses.keys() >= set(targets):
            missed = mean([misses[target].missed for target in targets])
            undecided = mean([misses[target].undecided for target in targets])
            row = row.model_copy(update={"off_target_missed": missed, "off_target_undecided": undecided})
        rows.append(row)
    return rows


def _summary(scope: str, found: ScopeMeans, values: Numbers, rates: Numbers | None, better: int) -> Summary:
    known = [] if rates is None else rates[~np.isnan(rates)].tolist()
    return Summary(
        scope=scope,
        done=found.done,
        pairs=found.pairs,
        mean=found.mean,
        median=float(np.nanmedian(values)) if found.done else None,
        gain_pairs=found.both,
        base_mean=found.other_mean,
        gain=None if found.gain is None else better * found.gain,
        off_target=mean(known),
        off_target_pairs=len(known),
    )


SORTS: dict[str, Callable[[Point], Any]] = {
    "pair": lambda point: (english_name(point.pair.source), english_name(point.pair.target), point.pair),
    "worst": lambda point: (point.value is None, point.value),
    "best": lambda point: (point.value is None, -(point.value or 0)),
    "gain": lambda point: (point.gain is None, -(point.gain or 0)),
    "loss": lambda point: (point.gain is None, point.gain),
}
"""Orders of pairs by name; those without the number come last."""


def in_order(found: Sequence[Point], order: str, higher_is_better: bool) -> list[Point]:
    """Pairs in one of the orders; for error rates, the worst score is the highest."""
    turned = {"worst": "best", "best": "worst"}
    return sorted(found, key=SORTS[order if higher_is_better else turned.get(order, order)])
