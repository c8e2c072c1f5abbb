"""The incumbent's scores on the same lines and under the same signature as a model's, from whichever grid has them."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np

from dragoman.analysis.bootstrap import resampled
from dragoman.analysis.pair_tests import MOST_SAMPLES, Plan
from dragoman.analysis.scores_by_text import Lines, LinesScore, scores_by_lines
from dragoman.cell import Cell
from dragoman.metrics.base import Metric
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.resampling import SEED
from dragoman.metrics.serialization import unpack
from dragoman.metrics.significance import (
    Correction,
    adjusted,
    bootstrap_p_value,
    paired_bootstrap,
    samples_for,
)
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion, Rule
from dragoman.store.store import Store
from dragoman_registry.gate.gate import PairNumbers, in_scope
from dragoman_registry.registry_client.versions import RegisteredVersion

Statistics = dict[Pair, tuple[bytes, bytes]]
"""The packed statistics of the incumbent and of the model on each pair."""


class IncumbentNumbers(NamedTuple):
    """A model's numbers with the incumbent's beside them."""

    numbers: list[PairNumbers]
    """One of each pair."""
    p_values: dict[Rule, float]
    """P-values of the rules that forbid a significant regression, not adjusted; none where it can't be tested."""


def beside_incumbent(
    store: Store,
    policy: Promotion,
    metric: str,
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    incumbent: RegisteredVersion,
) -> IncumbentNumbers:
    """Put the incumbent's numbers beside a model's, and test where the policy asks whether the two differ.

    Args:
        store: the results store.
        policy: the rules; those of other metrics are left alone.
        metric: the metric the numbers are of.
        numbers: the model's numbers.
        cells: the model's cell of each pair.
        incumbent: the version the alias stands at.
    """
    if incumbent.model is None or not numbers:
        return IncumbentNumbers(list(numbers), {})
    rules = [rule for rule in policy.every_rule if rule.metric == metric]
    by_pair = any(rule.significant_losses_at_most is not None for rule in rules)
    by_scope = [rule for rule in rules if rule.no_significant_regression]
    tested = by_pair or bool(by_scope)
    theirs = scores_by_lines(store, incumbent.model, metric, incumbent.prompt, incumbent.decoding, tested)
    found = []
    for each in numbers:
        rival = theirs.get((each.pair, cells[each.pair].content))
        if rival is None:
            found.append(each)
            continue
        value = rival.values.get(each.signature)
        reason = "the incumbent's score has another signature" if rival.values and value is None else ""
        found.append(each.model_copy(update={"shared": True, "incumbent": value, "incumbent_reason": reason}))
    if not tested:
        return IncumbentNumbers(found, {})
    own = cells[numbers[0].pair]
    ours = scores_by_lines(store, own.model, metric, own.prompt, own.decoding, tested)
    both = _statistics(found, cells, ours, theirs)
    kind = metric_class(metric)
    if kind is None or not both:
        return IncumbentNumbers(found, {})
    p_values = {rule: p_value for rule in by_scope if (p_value := _p_value(kind, found, rule, both)) is not None}
    if by_pair:
        differs = _significant(kind, both, policy)
        found = [each.model_copy(update={"differs": differs.get(each.pair)}) for each in found]
    return IncumbentNumbers(found, p_values)


def adjusted_rules(p_values: Mapping[Rule, float], policy: Promotion) -> dict[Rule, float]:
    """P-values adjusted for their number as the policy says."""
    return dict(zip(p_values, adjusted(list(p_values.values()), Correction(policy.correction)).tolist(), strict=True))


def _statistics(
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    ours: Mapping[Lines, LinesScore],
    theirs: Mapping[Lines, LinesScore],
) -> Statistics:
    """The packed statistics of the incumbent and of the model, for each pair that has them of both."""
    both: Statistics = {}
    for each in numbers:
        lines = (each.pair, cells[each.pair].content)
        if lines in ours and lines in theirs:
            system, baseline = (side[lines].statistics.get(each.signature) for side in (ours, theirs))
            if system is not None and baseline is not None:
                both[each.pair] = (baseline, system)
    return both


def _significant(kind: type[Metric], both: Statistics, policy: Promotion) -> dict[Pair, bool]:
    """Whether the two differ on each pair: paired bootstrap, adjusted over all of them; nothing where none could."""
    plan = Plan(correction=Correction(policy.correction), alpha=policy.alpha)
    samples = min(samples_for(len(both), policy.alpha), MOST_SAMPLES)
    if plan.finds_none(len(both), samples):
        return {}
    results = [
        paired_bootstrap(kind(pair), unpack(baseline), unpack(system), samples, SEED)
        for pair, (baseline, system) in both.items()
    ]
    p_values = adjusted([result.p_value for result in results], plan.correction)
    return {pair: bool(p_value <= policy.alpha) for pair, p_value in zip(both, p_values, strict=True)}


def _p_value(kind: type[Metric], numbers: Sequence[PairNumbers], rule: Rule, both: Statistics) -> float | None:
    """The p-value of the mean difference over the pairs of a rule that both have; None where one can't be resampled."""
    shared = [each for each in in_scope(numbers, rule.over) if each.value is not None and each.incumbent is not None]
    if not shared or not all(each.pair in both for each in shared):
        return None
    differences = [
        resampled(kind, each.pair, both[each.pair][1]) - resampled(kind, each.pair, both[each.pair][0])
        for each in shared
    ]
    delta = fmean((each.value or 0.0) - (each.incumbent or 0.0) for each in shared)
    return bootstrap_p_value(np.mean(differences, axis=0), delta)
