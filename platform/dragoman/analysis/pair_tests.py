"""Significance tests of two models on each pair: paired where statistics allow it, else by the scores' intervals."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.pair_differences import PairDifference, Widths
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import MOST_PAIRS, Beside, disagreement, rows_of, statistics_of
from dragoman.errors import StoreError
from dragoman.metrics.base import Metric
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.resampling import SEED
from dragoman.metrics.significance import (
    TRIALS,
    Correction,
    PairedResult,
    Test,
    adjusted,
    interval_tests,
    paired_approximate_randomization,
    paired_bootstrap,
    samples_for,
)
from dragoman.pair import Pair

ALPHA = 0.05
"""Adjusted p-values up to this are significant, by default."""

MOST_SAMPLES = 10_000
"""Resamples of each test by default."""

FEWEST_ASKED, MOST_ASKED = 100, 100_000
"""Bounds of the number of resamples: fewer are meaningless, and more take gigabytes."""


class Plan(NamedTuple):
    """Parameters of the tests of two models."""

    test: Test = Test.BOOTSTRAP
    """How the difference on each pair is tested."""
    correction: Correction = Correction.HOLM
    """How p-values are adjusted for the number of pairs."""
    alpha: float = ALPHA
    """What adjusted p-values are held against."""
    samples: int | None = None
    """Resamples or trials of each test; by default enough for one of the pairs to be significant at all."""
    seed: int = SEED
    """Seed of the draws."""

    def check(self) -> None:
        """Check the parameters.

        Raises:
            StoreError: alpha or the number of samples is out of range.
        """
        if not 0 < self.alpha < 1:
            raise StoreError(f"An alpha of {self.alpha:g} says nothing: choose one between 0 and 1, such as {ALPHA}.")
        if self.samples is not None and not FEWEST_ASKED <= self.samples <= MOST_ASKED:
            raise StoreError(f"{self.samples} samples are not between {FEWEST_ASKED} and {MOST_ASKED:,}.")

    def finds_none(self, pairs: int, samples: int) -> bool:
        """Whether so many samples give no p-value small enough for one of so many pairs to be significant."""
        return self.correction is Correction.HOLM and pairs > self.alpha * (samples + 1)


class Tested(NamedTuple):
    """The pairs of a comparison with their tests."""

    pairs: list[PairDifference]
    """The pairs, in the order they were."""
    test: Test
    """How they were tested; some of them by intervals, with the reason in `notes`."""
    samples: int | None
    """Resamples or trials of each paired test; None where none was made."""
    notes: list[str]
    """Why pairs were tested otherwise than requested, or not at all: sentences."""


def tested(
    connection: Connection,
    part: Slice,
    a_id: int,
    b_id: int,
    pairs: Sequence[PairDifference],
    widths: Widths,
    plan: Plan,
) -> Tested:
    """Test all pairs of a comparison, adjusted together.

    A pair is tested as asked where both its scores have statistics, and by the intervals of its scores where they have
    none; all pairs by intervals where paired tests would take too long or could find nothing. A pair
    whose statistics don't give its stored scores is not tested.

    Args:
        connection: a reading transaction.
        part: the slice.
        a_id: number of model a.
        b_id: number of model b.
        pairs: every pair both have a score for.
        widths: the widths of the intervals of their scores.
        plan: what is asked.

    Raises:
        MetricError: statistics are damaged.
    """
    kind = metric_class(part.metric)
    reason = _reason(part.metric, kind, len(pairs), plan)
    results: dict[Pair, PairedResult] = {}
    odd: set[Pair] = set()
    samples = None
    if kind is not None and reason is None and plan.test is not Test.INTERVALS:
        beside = statistics_of(connection, part, b_id, a_id, shared=True)
        both = {pair: found for pair, found in beside.items() if _is_complete(found)}
        samples = plan.samples or _samples(plan, len(both))
        run = _paired(plan.test)
        for pair, sides in both.items():
            metric = kind(pair)
            system, baseline = (rows_of(metric, side) for side in sides if side is not None)
            if system is None or baseline is None:
                odd.add(pair)
            else:
                results[pair] = run(metric, baseline, system, samples, plan.seed)
    found = _adjusted(pairs, widths, results, odd, plan)
    by_intervals = sum(each.test is Test.INTERVALS for each in found)
    notes = [reason] if reason else []
    if by_intervals and not reason and plan.test is not Test.INTERVALS:
        which = "All pairs" if by_intervals == len(pairs) else f"{by_intervals} of {len(pairs)} pairs"
        notes.append(f"{which} are tested by the intervals of their scores, as no statistics are stored.")
    if odd:
        notes.append(f"{disagreement(part.metric, odd)}: not tested.")
    if untested := len(pairs) - len(odd) - by_intervals - len(results):
        notes.append(f"{untested} of {len(pairs)} pairs have neither statistics nor intervals stored: not tested.")
    if results and samples and plan.finds_none(len(results) + by_intervals, samples):
        notes.append(f"With {samples:,} samples no p-value can be small enough for one of so many pairs after Holm.")
    is_paired = bool(results) or not by_intervals
    return Tested(found, plan.test if is_paired else Test.INTERVALS, samples if results else None, notes)


def _reason(metric: str, kind: type[Metric] | None, pairs: int, plan: Plan) -> str | None:
    """Why no paired test is made of any pair, as a sentence."""
    if not pairs or plan.test is Test.INTERVALS:
        return None
    tested = "All pairs are tested by the intervals of their scores"
    if kind is None:
        return f"{tested}: paired tests need the metric {metric}, which is not installed here."
    if pairs > MOST_PAIRS:
        return f"{tested}: paired tests are made of up to {MOST_PAIRS:,} pairs, and these are {pairs:,}."
    if plan.samples is None and plan.finds_none(pairs, MOST_SAMPLES):
        enough = samples_for(pairs, plan.alpha)
        asked = f"{enough} samples or " if enough <= MOST_ASKED else ""
        return (
            f"{tested}: paired tests with {MOST_SAMPLES:,} samples can find none of {pairs:,} pairs significant at "
            f"{plan.alpha:g} after Holm; ask for {asked}another correction to have them."
        )
    return None


def _is_complete(found: Beside) -> bool:
    return found.own.packed is not None and found.other is not None and found.other.packed is not None


def _samples(plan: Plan, pairs: int) -> int:
    """Samples for one of so many pairs to be significant, within bounds; of trials at least as many as in sacreBLEU."""
    enough = min(samples_for(pairs, plan.alpha), MOST_SAMPLES)
    return max(enough, TRIALS) if plan.test is Test.RANDOMIZATION else enough


def _paired(test: Test) -> Callable[..., PairedResult]:
    return paired_bootstrap if test is Test.BOOTSTRAP else paired_approximate_randomization


def _adjusted(
    pairs: Sequence[PairDifference], widths: Widths, results: dict[Pair, PairedResult], odd: set[Pair], plan: Plan
) -> list[PairDifference]:
    """The pairs with the results of their tests, paired or by intervals, adjusted for the number of all."""
    deltas = np.array([each.delta for each in pairs], dtype=np.float64)
    by_intervals = interval_tests(deltas, widths.b, widths.a)
    lows, highs, p_values = (column.tolist() for column in by_intervals)
    place: dict[int, tuple[Test, float, float, float]] = {}
    for index, each in enumerate(pairs):
        if result := results.get(each.pair):
            place[index] = (plan.test, result.low, result.high, result.p_value)
        elif each.pair not in odd and not np.isnan(p_values[index]):
            place[index] = (Test.INTERVALS, lows[index], highs[index], p_values[index])
    corrected = adjusted([p_value for *_, p_value in place.values()], plan.correction).tolist()
    found = list(pairs)
    for (index, (test, low, high, p_value)), final in zip(place.items(), corrected, strict=True):
        found[index] = replace(
            pairs[index],
            test=test,
            low=low,
            high=high,
            p_value=p_value,
            adjusted=final,
            significant=final <= plan.alpha,
        )
    return found
