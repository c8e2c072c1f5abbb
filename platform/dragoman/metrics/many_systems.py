"""Differences of every two of many systems, of weighted means over language pairs, in the same random deals.

A deal swaps two systems' outputs on some units (`replicates.dealt`). What it makes of the sums is as far from their
midpoint on one side as on the other, and the difference of the scores of two such points is linear in that distance
but for terms of the third order. So all deals are made of all differences by one product of signs and of each unit's
contribution, and only deals are scored whose linear approximation is too near the observed difference to tell which is
the larger. How near that is, is learnt from the deals that are scored, the furthest and some of all among them. The
p-values are those of scoring every deal; intervals, which are of the deals' spread, are as wide but for a percent.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import fsum, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.base import Metric, Scores, Statistics
from dragoman.metrics.difference import TAIL, Difference
from dragoman.metrics.replicates import Lines, deals, standard_error, weighted_sums
from dragoman.metrics.resampling import SAMPLES, SEED, expanded_interval, resampling_counts
from dragoman.metrics.serialization import unpack
from dragoman.metrics.significance import Test, difference

Versus = tuple[int, int]
"""Two systems by their places: the one whose score is subtracted comes second."""

_WIDTH = 512
"""Columns of statistics that are multiplied at once."""

_AT_ONCE = 2**22
"""Deals of differences that are held at once: 34 MB, several times over."""

_MARGIN = 0.003
"""How far the approximation may be off at first, as a share of the difference; it is widened to what is seen."""

_CHECKED = 64
"""Deals of each difference that are scored besides, to see how far the approximation is off: so many of the furthest,
and of all."""


class Panel(NamedTuple):
    """Several systems on one language pair."""

    metric: Metric
    """The metric."""
    packed: Sequence[bytes]
    """The packed statistics of each system, of the same lines."""
    lines: Lines
    """The units of the lines."""
    weight: float
    """Share of the pair in the mean; all together come to 1."""

    def tables(self) -> NDArray[np.float64]:
        """The statistics by unit: systems × units × k.

        Raises:
            MetricError: they are damaged.
        """
        return np.stack([self.lines.summed(unpack(each)) for each in self.packed])

    @property
    def held(self) -> NDArray[np.bool_]:
        """The units that have a line."""
        return np.bincount(self.lines.of, minlength=self.lines.units) > 0


Blocks = Sequence[Sequence[Panel]]
"""Panels whose lines share units, which are dealt and drawn together; the place of a block is its number."""


class Level(NamedTuple):
    """The mean of one system."""

    value: float
    """The weighted mean over the pairs."""
    low: float
    """Lower end of its 95% interval, an expanded percentile interval of resampled units."""
    high: float
    """Upper end of it."""


class Systems(NamedTuple):
    """What is known of some systems before anything is dealt, and what their deals are made of."""

    blocks: Blocks
    """Their statistics."""
    values: NDArray[np.float64]
    """The score of each on each pair, systems × pairs, in the order of the blocks."""
    levels: tuple[Level, ...]
    """The mean of each."""
    order: tuple[int, ...]
    """The systems by their places, the best first; of equal ones the earlier."""
    versus: tuple[Versus, ...]
    """Every two of them, in that order."""
    deltas: tuple[float, ...]
    """Each as observed."""
    errors: tuple[float, ...]
    """The standard error of each, the jackknife's over units."""
    contributions: tuple[NDArray[np.float64], ...]
    """What each unit of a block contributes to each difference, units × differences."""

    @property
    def units(self) -> int:
        """Units that have a line of a pair."""
        return sum(int(np.any([panel.held for panel in block], axis=0).sum()) for block in self.blocks)

    def tested(
        self, which: Sequence[int], trials: int, seed: int = SEED, *, fits_tail: bool = False
    ) -> list[Difference]:
        """Test some of the differences by approximate randomization; p-values are those of `significance.difference`.

        Args:
            which: places of the differences.
            trials: how many deals.
            seed: of the deals.
            fits_tail: whether small p-values are extrapolated.
        """
        units, higher = self.units, self.blocks[0][0].metric.higher_is_better
        found, each = [], max(1, _AT_ONCE // trials)
        for start in range(0, len(which), each):
            places = which[start : start + each]
            dealt = _Dealt(self, places, trials, seed)
            dealt.refine(TAIL + 1 if fits_tail else _CHECKED)
            found += [
                difference(
                    Test.RANDOMIZATION,
                    self.deltas[place],
                    replicated,
                    se=self.errors[place],
                    units=units,
                    higher_is_better=higher,
                    fits_tail=fits_tail,
                )
                for place, replicated in zip(places, dealt.replicates, strict=True)
            ]
        return found


def systems_of(blocks: Blocks) -> Systems:
    """The means of some systems, and every difference between two of them.

    Args:
        blocks: their statistics.

    Raises:
        MetricError: statistics are damaged.
    """
    count = len(blocks[0][0].packed)
    totals: list[Statistics] = []
    values, left_out, resampled = [], [], np.zeros((count, SAMPLES))
    weights = np.zeros(SAMPLES)
    for number, block in enumerate(blocks):
        left = np.zeros((count, block[0].lines.units))
        for panel in block:
            tables = panel.tables()
            sums = tables.sum(axis=1)
            own = panel.metric.aggregate(sums)
            without = _scores(panel.metric, sums[:, :, None] - tables.transpose(0, 2, 1))
            left += panel.weight * np.where(np.isnan(without), own[:, None], without)
            drawn = _resampled(panel, tables, number)
            resampled += panel.weight * np.where(np.isnan(drawn), 0.0, drawn)
            weights += panel.weight * ~np.isnan(drawn[0])
            totals.append(sums)
            values.append(own)
        left_out.append(left)
    by_pair = np.array(values, dtype=np.float64).T
    shares = [panel.weight for block in blocks for panel in block]
    means = [fsum(share * value for share, value in zip(shares, row, strict=True)) for row in by_pair.tolist()]
    with np.errstate(invalid="ignore"):
        drawn_means = resampled / weights
    sign = 1 if blocks[0][0].metric.higher_is_better else -1
    order = tuple(sorted(range(count), key=lambda place: -sign * means[place]))
    chosen = tuple(combinations(order, 2))
    found = Systems(
        blocks, by_pair, (), order, chosen,
        tuple(fsum(s * (one - two) for s, one, two in zip(shares, *by_pair[[a, b]].tolist(), strict=True))
              for a, b in chosen),
        tuple(sqrt(fsum(standard_error(left[a] - left[b]) ** 2 for left in left_out)) for a, b in chosen),
        tuple(_contributions(blocks, totals, chosen)),
    )  # fmt: skip
    units = found.units
    levels = (Level(mean, *expanded_interval(row, units)) for mean, row in zip(means, drawn_means, strict=True))
    return found._replace(levels=tuple(levels))


def _scores(metric: Metric, sums: NDArray[Any]) -> Scores:
    """The scores of sums that are ... × k × n, which is the quicker layout."""
    return metric.aggregate(np.moveaxis(sums, -2, -1))


def _resampled(panel: Panel, tables: NDArray[np.float64], number: int) -> Scores:
    """The score of each system in each resample of the units; NaN in one without a line."""
    counts = resampling_counts(panel.lines.units, SAMPLES, SEED, number)
    scores: Scores = panel.metric.aggregate((counts @ tables.astype(np.float32)).astype(np.float64))
    if (lacking := panel.lines.lacking) is not None:
        scores = np.where(counts[:, ~lacking].any(axis=1), scores, np.nan)
    return scores


def _contributions(
    blocks: Blocks, totals: Sequence[Statistics], versus: Sequence[Versus]
) -> Iterator[NDArray[np.float64]]:
    """What each unit of each block adds to each difference, by the slopes of the score halfway between the systems."""
    remaining = iter(totals)
    one, two = (list(side) for side in zip(*versus, strict=True))
    for block in blocks:
        found = np.zeros((block[0].lines.units, len(versus)))
        for panel in block:
            tables, sums = panel.tables(), next(remaining)
            middle = (sums[one] + sums[two]) / 2
            for place, (a, b) in enumerate(versus):
                change = tables[a] - tables[b]
                # half of what is between the two outcomes of a typical deal
                steps = np.sqrt((change**2).sum(axis=0)) / 2
                moved = np.flatnonzero(steps)
                if not len(moved):
                    continue
                ways = np.zeros((len(moved), len(steps)))
                ways[np.arange(len(moved)), moved] = steps[moved]
                rise = panel.metric.aggregate(middle[place] + ways) - panel.metric.aggregate(middle[place] - ways)
                found[:, place] += panel.weight * (change[:, moved] @ (rise / (2 * steps[moved])))
        yield found


class _Dealt:
    """The differences in each deal: approximations, of which those that matter are scored."""

    def __init__(self, systems: Systems, which: Sequence[int], trials: int, seed: int) -> None:
        self._systems, self._which, self._trials, self._seed = systems, list(which), trials, seed
        self.replicates = np.zeros((len(self._which), trials))
        self._is_scored = np.zeros((len(self._which), trials), np.bool_)
        for number, contributions in enumerate(systems.contributions):
            start = 0
            for swapped in deals(len(contributions), trials, seed, number):
                signs = 1.0 - 2.0 * swapped
                self.replicates[:, start : start + len(swapped)] += (signs @ contributions[:, self._which]).T
                start += len(swapped)

    def refine(self, furthest: int) -> None:
        """Score the deals that are near the observed differences, and the furthest.

        Args:
            furthest: how many of these.
        """
        approximations = self.replicates.copy()
        distances = np.abs(approximations)
        spread = np.sqrt((distances**2).mean(axis=1))
        margins = np.full(len(distances), _MARGIN)
        observed = np.abs([self._systems.deltas[place] for place in self._which])
        count = min(furthest, self._trials)
        checked = np.zeros_like(self._is_scored)
        np.put_along_axis(checked, np.argpartition(-distances, count - 1, axis=1)[:, :count], values=True, axis=1)
        checked[:, :_CHECKED] = True
        while True:
            near = margins * np.where(spread > 0, np.maximum(observed, spread), np.where(margins > 1, np.inf, 0))
            wanted = checked | (np.abs(distances - observed[:, None]) < near[:, None])
            self._score(wanted & ~self._is_scored)
            # of two systems between which nothing changes a score all approximations are 0, and right
            scale = np.where(spread > 0, np.maximum(distances.T, spread), 1e-9).T
            worst = np.where(self._is_scored, np.abs(self.replicates - approximations) / scale, 0.0).max(axis=1)
            wider = 1.5 * worst > margins
            if not wider.any():
                return
            margins = np.where(wider, 2 * worst, margins)

    def _score(self, wanted: NDArray[np.bool_]) -> None:
        """Replace approximations by the differences of scores."""
        used = np.flatnonzero(wanted.any(axis=0))
        if not len(used):
            return
        self.replicates[wanted] = 0.0
        self._is_scored |= wanted
        chosen = [(place, np.flatnonzero(row[used])) for place, row in enumerate(wanted) if row.any()]
        for number, block in enumerate(self._systems.blocks):
            units = block[0].lines.units
            swapped = np.empty((len(used), units), np.float32)
            start = 0
            for dealt in deals(units, self._trials, self._seed, number):
                begin, end = np.searchsorted(used, (start, start + len(dealt)))
                swapped[begin:end] = dealt[used[begin:end] - start]
                start += len(dealt)
            for panels in _grouped(block):
                tables = [panel.tables() for panel in panels]
                # what is equal for all systems, as the reference is, stays
                moves = [np.ptp(table, axis=0).any(axis=0) for table in tables]
                for place, rows in chosen:
                    versus = self._systems.versus[self._which[place]]
                    self.replicates[place, used[rows]] += _dealt_mean(panels, tables, moves, versus, swapped[rows])


def _grouped(block: Sequence[Panel]) -> Iterator[Sequence[Panel]]:
    """Panels that are multiplied at once."""
    width = len(unpack(block[0].packed[0])[0])
    each = max(1, _WIDTH // width)
    yield from (block[start:end] for start, end in pairwise([*range(0, len(block), each), len(block)]))


def _dealt_mean(
    panels: Sequence[Panel],
    tables: Sequence[NDArray[np.float64]],
    moves: Sequence[NDArray[np.bool_]],
    versus: Versus,
    swapped: NDArray[np.float32],
) -> Scores:
    """The weighted sum over some panels of the difference between two systems in each deal."""
    a, b = versus
    changes = [(table[b] - table[a])[:, moved] for table, moved in zip(tables, moves, strict=True)]
    sums = weighted_sums(np.concatenate(changes, axis=1))(swapped)
    total, start = np.zeros(len(swapped)), 0
    for panel, table, moved in zip(panels, tables, moves, strict=True):
        width = int(moved.sum())
        system, other = table[a].sum(axis=0)[:, None], table[b].sum(axis=0)[:, None]
        first = np.repeat(system, len(swapped), axis=1)
        first[moved] += sums[start : start + width]
        start += width
        one, two = _scores(panel.metric, np.stack([first, system + other - first]))
        total += panel.weight * (one - two)
    return total
