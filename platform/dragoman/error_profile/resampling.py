"""Resampling of the lines of pairs: percentages in each resample, and the interval of their mean over pairs."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.bootstrap import mean_resampled
from dragoman.metrics.replicates import Lines
from dragoman.metrics.resampling import SAMPLES, expanded_interval, resampled_sums
from dragoman.pair import Pair

Numbers = NDArray[np.float64]


class Drawn(NamedTuple):
    """How the lines of a pair are resampled."""

    block: int
    """Number of the block of pairs that are drawn together."""
    lines: Lines | None
    """The units of the lines; None where each is one."""

    def units(self, lines: int) -> int:
        """Units that are drawn, of a pair of so many lines."""
        return lines if self.lines is None else self.lines.units

    def percentages(self, columns: Numbers, counts: Numbers) -> Numbers:
        """What the sums of columns are of that of the counts in every resample, in percent; NaN where that is none.

        Args:
            columns: lines × columns.
            counts: what each line counts for.

        Returns:
            Samples × columns.
        """
        counted = np.column_stack([columns, counts])
        rows = counted if self.lines is None else self.lines.summed(counted)
        sums = resampled_sums(rows, SAMPLES, block=self.block).astype(np.float64)
        with np.errstate(invalid="ignore"):
            return np.asarray(100 * sums[:, :-1] / sums[:, -1:], np.float64)


def mean_interval(
    resampled: Mapping[Pair, Numbers],
    weights: Mapping[Pair, float],
    drawn: Mapping[Pair, Drawn],
    lines: Mapping[Pair, int],
) -> tuple[float, float] | None:
    """The 95% interval of a weighted mean over some pairs; None over none.

    Args:
        resampled: the value of each pair in every resample.
        weights: the pairs with their weights.
        drawn: how each is resampled.
        lines: how many lines each has.
    """
    means = mean_resampled({pair: resampled[pair] for pair in weights}, weights)
    units = {drawn[pair].block: drawn[pair].units(lines[pair]) for pair in weights}
    return None if means is None else expanded_interval(means, sum(units.values()))
