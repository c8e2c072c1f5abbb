"""Significance tests of two models in a slice: paired where statistics allow it, else by the scores' intervals."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.aggregation import masks_by_scope
from dragoman.analysis.estimate import Estimate
from dragoman.analysis.joint_tests import Contrast, JointTests, joint_tests
from dragoman.analysis.languages import over_languages
from dragoman.analysis.pair_differences import PairDifference, Widths, higher_is_better
from dragoman.analysis.pair_scores import PairColumns
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import MOST_PAIRS, disagreement, statistics_of
from dragoman.analysis.significance_plan import MOST_ASKED, Plan
from dragoman.analysis.units import units_of
from dragoman.metrics.difference import Difference
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.significance import Test, adjusted, interval_tests, samples_for
from dragoman.pair import Pair
from dragoman.store.blobs import BlobStore


class ModelTests(NamedTuple):
    """The paired tests of two models in a slice."""

    joint: JointTests[str] | None
    """What was found; None where no paired test can be made."""
    reason: str | None = None
    """Why none can be made."""
    units: str | None = None
    """What is dealt or drawn, and what is not known of it, as sentences."""
    metric: str = ""
    """The metric."""
    scopes: Mapping[str, Mapping[Pair, float]] = {}
    """The pairs of each scope that both have a score for, with their weights."""

    def pair(self, pair: Pair) -> Difference | None:
        """The difference on a pair; None where it can't be tested."""
        return self.joint.pairs.get(pair) if self.joint else None

    def scope(self, scope: str) -> Difference | None:
        """The mean difference over a scope; None where a pair of it can't be tested."""
        return self.joint.means.get(scope) if self.joint else None

    def over_languages(self, scope: str) -> Estimate | None:
        """The mean difference over a scope as of a sample of languages; None where they are too few, or not tested."""
        found, weights = self.scope(scope), self.scopes.get(scope, {})
        if self.joint is None or found is None:
            return None
        deltas = {pair: self.joint.pairs[pair].delta for pair in weights}
        return over_languages(deltas, weights, sentences=found.se**2, units=found.units)

    def lack(self, scope: str) -> str | None:
        """Why the mean difference over a scope has no interval, as a sentence; None where it has one."""
        if self.joint is None:
            return f"No interval of the gain: {self.reason}." if self.reason else None
        pairs = self.scopes.get(scope, {})
        if odd := self.joint.odd & pairs.keys():
            return f"No interval: {disagreement(self.metric, odd)}."
        if pairs.keys() - self.joint.pairs.keys():
            return "No interval where a pair has no statistics stored."
        return None


def model_tests(
    connection: Connection,
    part: Slice,
    columns: PairColumns,
    *,
    ids: tuple[int, int],
    plan: Plan,
    micro: bool = False,
    blobs: BlobStore | None = None,
    for_scopes: bool = False,
) -> ModelTests:
    """Test a model against another on each pair that both have a score for, and on the means over scopes.

    Args:
        connection: a reading transaction.
        part: the slice.
        columns: the model's pairs in it, beside the other's scores.
        ids: number of the model, and of the other.
        plan: how to test; where it is by intervals, which says nothing of scopes, these are tested by randomization.
        micro: weigh each pair of a mean by its segments.
        blobs: the store's blobs, for the sentences of stores that keep no identities of test lines.
        for_scopes: the tests of scopes alone are wanted, and no p-value of a pair.

    Raises:
        MetricError: statistics are damaged.
    """
    kind = metric_class(part.metric)
    shared = ~np.isnan(columns.gains)
    if kind is None:
        return ModelTests(None, f"paired tests need the metric {part.metric}, which is not installed here")
    if (count := int(shared.sum())) > MOST_PAIRS:
        return ModelTests(None, f"paired tests are made of up to {MOST_PAIRS:,} pairs, and these are {count:,}")
    contrasts = {
        pair: Contrast(found.other, found.own)
        for pair, found in statistics_of(connection, part, *ids, shared=True).items()
        if found.own.packed is not None and found.other is not None and found.other.packed is not None
    }
    pairs, weights = columns.pairs, columns.weights(micro).tolist()
    means = {
        scope: {pairs[place]: weights[place] for place in np.flatnonzero(held & shared).tolist()}
        for scope, held in masks_by_scope(columns.partitions).items()
    }
    units = units_of(connection, part, contrasts, unit=plan.unit, blobs=blobs)
    paired = plan._replace(test=Test.RANDOMIZATION) if plan.test is Test.INTERVALS else plan
    joint = joint_tests(kind, contrasts, units, paired, means, for_means=for_scopes)
    return ModelTests(joint, None, units.note, part.metric, means)


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


def tested(metric: str, pairs: Sequence[PairDifference], widths: Widths, found: ModelTests, plan: Plan) -> Tested:
    """Test all pairs of a comparison, adjusted together.

    A pair is tested as asked where both its scores have statistics, and by the intervals of its scores where they have
    none; all pairs by intervals where paired tests would take too long or could find nothing. A pair
    whose statistics don't give its stored scores is not tested.

    Args:
        metric: the metric.
        pairs: every pair both have a score for.
        widths: the widths of the intervals of their scores.
        found: the paired tests.
        plan: what is asked.
    """
    reason = _reason(len(pairs), found, plan)
    joint = None if reason or plan.test is Test.INTERVALS else found.joint
    odd = joint.odd if joint else frozenset[Pair]()
    results = joint.pairs if joint else {}
    samples = joint.samples if joint and results else None
    listed = _adjusted(metric, pairs, widths, results, odd, plan)
    by_intervals = sum(each.test is Test.INTERVALS for each in listed)
    notes = [reason] if reason else []
    if by_intervals and not reason and plan.test is not Test.INTERVALS:
        which = "All pairs" if by_intervals == len(pairs) else f"{by_intervals} of {len(pairs)} pairs"
        notes.append(f"{which} are tested by the intervals of their scores, as no statistics are stored.")
    if odd:
        notes.append(f"{disagreement(metric, odd)}: not tested.")
    if untested := len(pairs) - len(odd) - by_intervals - len(results):
        notes.append(f"{untested} of {len(pairs)} pairs have neither statistics nor intervals stored: not tested.")
    if joint and samples and joint.is_fitted:
        notes.append(plan.tail_note(len(results), samples, of="pairs"))
    elif samples and plan.finds_none(len(results) + by_intervals, samples):
        notes.append(f"With {samples:,} samples no p-value can be small enough for one of so many pairs after Holm.")
    is_paired = bool(results) or not by_intervals
    return Tested(listed, plan.test if is_paired else Test.INTERVALS, samples, notes)


def _reason(pairs: int, found: ModelTests, plan: Plan) -> str | None:
    """Why no paired test is made of any pair, as a sentence."""
    if not pairs or plan.test is Test.INTERVALS:
        return None
    tested = "All pairs are tested by the intervals of their scores"
    if found.reason:
        return f"{tested}: {found.reason}."
    samples = plan.samples_of(pairs)
    if plan.samples is None and plan.finds_none(pairs, samples):
        enough = samples_for(pairs, plan.alpha)
        asked = f"{enough} samples or " if enough <= MOST_ASKED else ""
        return (
            f"{tested}: {plan.test} with {samples:,} samples can find none of {pairs:,} pairs significant at "
            f"{plan.alpha:g} after Holm; ask for {asked}randomization or another correction to have paired tests."
        )
    return None


class _Result(NamedTuple):
    """The fields of a pair's test."""

    test: Test
    low: float
    high: float
    p_value: float
    p_is_floor: bool
    p_better: float
    p_worse: float


def _adjusted(
    metric: str,
    pairs: Sequence[PairDifference],
    widths: Widths,
    results: Mapping[Pair, Difference],
    odd: Collection[Pair],
    plan: Plan,
) -> list[PairDifference]:
    """The pairs with the results of their tests, paired or by intervals, adjusted for the number of all."""
    deltas = np.array([each.delta for each in pairs], dtype=np.float64)
    by_intervals = interval_tests(deltas, widths.b, widths.a)
    is_better = (deltas > 0) == higher_is_better(metric)
    one_sided = (by_intervals.one_sided(is_so).tolist() for is_so in (is_better, ~is_better))
    columns = list(zip(*(column.tolist() for column in by_intervals), *one_sided, strict=True))
    place: dict[int, _Result] = {}
    for index, each in enumerate(pairs):
        low, high, p_value, p_better, p_worse = columns[index]
        if found := results.get(each.pair):
            place[index] = _Result(
                plan.test, found.low, found.high, found.p_value, found.p_is_floor, found.p_better, found.p_worse
            )
        elif each.pair not in odd and not np.isnan(p_value):
            place[index] = _Result(Test.INTERVALS, low, high, p_value, False, p_better, p_worse)
    corrected = adjusted([result.p_value for result in place.values()], plan.correction).tolist()
    listed = list(pairs)
    for (index, result), final in zip(place.items(), corrected, strict=True):
        significant = final <= plan.alpha
        listed[index] = replace(pairs[index], adjusted=final, significant=significant, **result._asdict())
    return listed
