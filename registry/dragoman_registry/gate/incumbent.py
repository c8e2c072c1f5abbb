"""The incumbent's scores on the same lines and under the same signature as a model's, from whichever grid has them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dragoman.analysis.joint_tests import Contrast, JointTests, joint_tests
from dragoman.analysis.scores_by_text import Lines, LinesScore, scores_by_lines
from dragoman.analysis.segment_statistics import Stored
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import independent
from dragoman.cell import Cell
from dragoman.metrics.base import Metric
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.significance import Correction, adjusted
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion, Rule
from dragoman.store.store import Store
from dragoman_registry.gate.gate import PairNumbers, in_scope
from dragoman_registry.registry_client.versions import RegisteredVersion

Scored = dict[Pair, Contrast]
"""The scores of the incumbent and of the model on each pair, with their statistics."""


class IncumbentNumbers(NamedTuple):
    """A model's numbers with the incumbent's beside them."""

    numbers: list[PairNumbers]
    """One of each pair."""
    p_values: dict[Rule, float]
    """P-values, one-sided and not adjusted, of the rules that forbid a significant regression; none where it can't be
    tested."""


def beside_incumbent(
    store: Store,
    policy: Promotion,
    metric: str,
    numbers: Sequence[PairNumbers],
    cells: Mapping[Pair, Cell],
    incumbent: RegisteredVersion,
) -> IncumbentNumbers:
    """Put the incumbent's numbers beside a model's, and test where the policy asks whether it is worse.

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
    tests = _tests(kind, both, policy, {rule: _shared(found, rule) for rule in by_scope})
    p_values = {rule: difference.p_worse for rule, difference in tests.means.items()}
    if by_pair:
        differs = _worse(tests, policy)
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
) -> Scored:
    """The scores of the incumbent and of the model, for each pair that has statistics of both."""
    both: Scored = {}
    for each in numbers:
        lines = (each.pair, cells[each.pair].content)
        if lines in ours and lines in theirs:
            system, baseline = (
                Stored(side[lines].values.get(each.signature, 0.0), side[lines].statistics.get(each.signature))
                for side in (ours, theirs)
            )
            if system.packed is not None and baseline.packed is not None:
                both[each.pair] = Contrast(baseline, system)
    return both


def _tests(
    kind: type[Metric], both: Scored, policy: Promotion, rules: Mapping[Rule, Sequence[Pair]]
) -> JointTests[Rule]:
    """Whether the model is worse than the incumbent, on each pair and on the mean of each rule.

    The pairs are taken as independent.
    """
    plan = Plan(correction=Correction(policy.correction), alpha=policy.alpha)
    means = {rule: dict.fromkeys(pairs, 1.0) for rule, pairs in rules.items()}
    return joint_tests(kind, both, independent({}), plan, means)


def _shared(numbers: Sequence[PairNumbers], rule: Rule) -> list[Pair]:
    """The pairs of a rule that both have a score for."""
    scope = in_scope(numbers, rule.over)
    return [each.pair for each in scope if each.value is not None and each.incumbent is not None]


def _worse(tests: JointTests[Rule], policy: Promotion) -> dict[Pair, bool]:
    """Whether the model is significantly worse on each pair: one-sided, adjusted over all; none where none can be."""
    plan = Plan(correction=Correction(policy.correction), alpha=policy.alpha)
    if plan.finds_none(len(tests.pairs), tests.samples):
        return {}
    p_values = adjusted([each.p_worse for each in tests.pairs.values()], Correction(policy.correction))
    return {pair: bool(p_value <= policy.alpha) for pair, p_value in zip(tests.pairs, p_values, strict=True)}
