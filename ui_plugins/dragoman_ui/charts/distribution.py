"""Box plots of the scores of each partition, with a dot for each pair."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from dragoman.analysis.aggregation import scopes_of
from dragoman.partition import Partition
from dragoman_ui.charts.color_scale import Scale

MOST_DOTS = 400
"""Pairs above which no dots are drawn, only the box and its whiskers."""


class Scored(Protocol):
    """A pair with its score and the base's."""

    @property
    def partition(self) -> Partition | None:
        """Its partition under the model's training graph."""

    @property
    def value(self) -> float | None:
        """Its score."""

    @property
    def base_value(self) -> float | None:
        """The base's."""


class Box(BaseModel):
    """Quantiles of some numbers, as positions in percent of the axis."""

    model_config = ConfigDict(frozen=True)

    low: float
    """5% of the pairs lie below."""
    lower: float
    """25% do."""
    median: float
    """Half of them do."""
    upper: float
    """75% do."""
    high: float
    """95% do."""


class Spread(BaseModel):
    """The scores of one scope's pairs, and the base model's on the same axis."""

    model_config = ConfigDict(frozen=True)

    dots: tuple[float, ...]
    """Each pair's position, in percent of the axis; none where there are too many to draw."""
    box: Box
    """Their quantiles."""
    base: Box | None
    """The base model's."""


def spreads(scores: Sequence[Scored], scale: Scale) -> dict[str, Spread]:
    """The spread of each scope that has a score: partitions, `unknown`, `unseen` and `all`."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    base: defaultdict[str, list[float]] = defaultdict(list)
    by_partition: defaultdict[Partition | None, list[Scored]] = defaultdict(list)
    for score in scores:
        by_partition[score.partition].append(score)
    for partition, found in by_partition.items():
        for scope in scopes_of(partition):
            values[scope] += [_place(score.value, scale) for score in found if score.value is not None]
            base[scope] += [_place(score.base_value, scale) for score in found if score.base_value is not None]
    return {
        scope: Spread(
            dots=tuple(sorted(places)) if len(places) <= MOST_DOTS else (),
            box=_box(places),
            base=_box(base[scope]) if base[scope] else None,
        )
        for scope, places in values.items()
        if places
    }


def _place(value: float, scale: Scale) -> float:
    low, high = sorted((scale.worst, scale.best))
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def _box(places: Sequence[float]) -> Box:
    low, lower, median, upper, high = np.quantile(places, (0.05, 0.25, 0.5, 0.75, 0.95)).round(2).tolist()
    return Box(low=low, lower=lower, median=median, upper=upper, high=high)
