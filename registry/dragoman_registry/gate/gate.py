"""The gate: checks each rule of a promotion policy against the scores of one model. Pure: it reads no store."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeGuard

from pydantic import BaseModel, ConfigDict

from dragoman.analysis.aggregation import mean
from dragoman.analysis.detectable import WANTED
from dragoman.analysis.power import HALF_DEVIATE, passes_margin, smallest_excluded
from dragoman.metrics.lookup import terms_of_use
from dragoman.metrics.significance import Test
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.promotion import Promotion, Rule, Scope, is_in
from dragoman_registry.gate.report import Bound, PairFigure, RuleFinding, RuleTest

SHOWN = 5
"""Pairs named behind a verdict."""

ROUNDING = 1e-9
"""Slack of every comparison: the rounding of a mean must not decide a tie, and a tie passes."""


Bounded = tuple[Rule, Bound]
"""One bound of a rule."""


class PairNumbers(BaseModel):
    """A model's score on one planned pair under one metric."""

    model_config = ConfigDict(frozen=True)

    pair: Pair
    """The direction."""
    partition: Partition | None
    """How the pair stands to what the model was trained on; None where that is unknown."""
    value: float | None
    """The model's score; None where there is none."""
    base: float | None = None
    """The base model's score on the same lines."""
    incumbent: float | None = None
    """The score, on the same lines and under the same signature, of the model the alias stands at."""
    shared: bool = False
    """Whether the incumbent was planned on the same lines, so that it should have a score."""
    signature: str = ""
    """What the score was computed under."""
    reason: str = ""
    """Why the model's score is missing."""
    incumbent_reason: str = ""
    """Why the incumbent's is."""
    differs: bool | None = None
    """Whether the model is significantly worse than the incumbent here; None where that was not or can't be tested."""
    recipe_differs: bool | None = None
    """Whether the model's recipe is, over its seeds; None where recipes were not compared."""
    seeds: int = 1
    """Models with a score here that are the model but for their seed, itself among them."""


def judge(
    policy: Promotion,
    numbers: Mapping[str, Sequence[PairNumbers]],
    lower_is_better: frozenset[str] = frozenset(),
    has_incumbent: bool = False,
    tests: Mapping[Bounded, RuleTest] | None = None,
) -> tuple[RuleFinding, ...]:
    """Hold a policy to a model's numbers, one finding for each bound of each rule.

    Args:
        policy: the rules.
        numbers: for each subject of the policy's rules (`Rule.subject`), every pair that was planned for the model.
        lower_is_better: metrics that are error rates: they gain by falling and regress by rising.
        has_incumbent: whether the alias stands at a model now; without one, rules of regression pass.
        tests: of the bounds on the regression of a mean; none of those where it can't be tested.
    """
    return tuple(
        _hold(
            policy,
            rule,
            bound,
            policy.alpha if bound is Bound.SIGNIFICANCE else limit,
            numbers.get(rule.subject, ()),
            rule.metric in lower_is_better,
            has_incumbent,
            (tests or {}).get((rule, bound)),
        )
        for rule in policy.every_rule
        for bound in Bound
        if (limit := getattr(rule, bound)) is not None
    )


def in_scope(numbers: Sequence[PairNumbers], scope: Scope) -> list[PairNumbers]:
    """The pairs of a scope."""
    return [each for each in numbers if is_in(scope, each.pair, each.partition)]


def _hold(
    policy: Promotion,
    rule: Rule,
    bound: Bound,
    limit: float,
    numbers: Sequence[PairNumbers],
    lower_is_better: bool,
    has_incumbent: bool,
    test: RuleTest | None,
) -> RuleFinding:
    planned = in_scope(numbers, rule.over)
    if bound.is_against_incumbent:
        planned = [each for each in planned if each.shared]
    figures = [_figure(each, bound, lower_is_better, rule.seeds != "checkpoint") for each in planned]
    values = [figure.value for figure in figures if figure.value is not None]
    value = _taken_together(values, rule, bound)
    if test is not None and bound.is_of_mean and not rule.each and (test.is_pooled or bound is Bound.UPPER):
        value = test.upper if bound is Bound.UPPER else test.regression
    if bound is Bound.LOSSES:
        figures = [figure for figure in figures if figure.value != 0]

    def holds(figure: float) -> bool:
        if bound is Bound.SIGNIFICANCE:
            return figure <= ROUNDING or (test is not None and test.p_value > limit)
        return figure >= limit - ROUNDING if bound.is_floor else figure <= limit + ROUNDING

    coverage = rule.coverage or policy.coverage
    if bound.is_against_incumbent and not has_incumbent:
        passed, note = True, "there is no incumbent"
    elif not planned:
        passed, note = (rule.missing or policy.missing) == "pass", _why_none(numbers, rule, bound)
    elif len(values) < coverage * len(planned) - ROUNDING:
        lacking = f"{len(planned) - len(values)} of {len(planned)} pairs lack a score"
        passed, note = False, f"{lacking} and {coverage:.0%} must have one"
    else:
        passed, note = value is not None and holds(value), ""
        if test is None and (bound is Bound.UPPER or (bound is Bound.SIGNIFICANCE and not passed)):
            passed, note = False, "no stored statistics to test"
    is_tested = test is not None and bound.is_of_mean and has_incumbent
    return RuleFinding(
        metric=rule.metric,
        test_set=rule.test_set,
        lines=rule.lines,
        over=str(rule.over),
        each=rule.each,
        bound=bound,
        limit=limit,
        value=value,
        p_value=test.p_value if is_tested and test is not None and bound is Bound.SIGNIFICANCE else None,
        p_is_floor=is_tested and test is not None and bound is Bound.SIGNIFICANCE and test.p_is_floor,
        method=test.method if is_tested and test is not None else Test.RANDOMIZATION,
        regression=test.regression if is_tested and test is not None and bound is Bound.UPPER else None,
        error=test.error if is_tested and test is not None else None,
        remark=" ".join(
            [
                *(_remarks(test, bound, limit) if is_tested and test is not None else ()),
                *filter(None, [terms_of_use(rule.metric, next((each.signature for each in planned), ""))]),
            ]
        ),
        scored=len(values),
        pairs=len(planned),
        passed=passed,
        note=note,
        worst=() if passed else _worst(figures, bound.is_floor),
    )


def _remarks(test: RuleTest, bound: Bound, limit: float) -> list[str]:
    """What a test says something of, and what its rule could find on this test set, as sentences."""
    said = [test.remark] if test.remark else []
    if bound is Bound.UPPER and test.error:
        said.append(
            f"Of models as good as the incumbent {passes_margin(limit, test.error):.0%} pass this bound; it would take "
            f"one of {smallest_excluded(test.error):.2f} for {WANTED:.0%} of them."
        )
    elif bound is Bound.SIGNIFICANCE and test.error:
        said.append(
            f"It shows no model to be as good: one that is worse by {HALF_DEVIATE * test.error:.2f} passes one time in "
            "two. regression_upper_at_most asks for that."
        )
    return said


def _taken_together(values: Sequence[float], rule: Rule, bound: Bound) -> float | None:
    """The bounded quantity of some pairs: their mean, the worst of them, or of losses how many there are."""
    if not values:
        return None
    if bound is Bound.LOSSES:
        return float(sum(loss > 0 for loss in values))
    if rule.each or bound is Bound.SEEDS:
        return min(values) if bound.is_floor else max(values)
    return mean(values)


def _why_none(numbers: Sequence[PairNumbers], rule: Rule, bound: Bound) -> str:
    if in_scope(numbers, rule.over) and bound.is_against_incumbent:
        return "the incumbent was tested on none of these pairs with the same lines"
    if isinstance(rule.over, Partition | str) and any(each.partition is None for each in numbers):
        return "what the model was trained on is unknown, so its pairs are in no partition"
    return "the grid has no such pair"


def _figure(numbers: PairNumbers, bound: Bound, lower_is_better: bool, of_recipes: bool) -> PairFigure:
    value, better = numbers.value, -1 if lower_is_better else 1
    if not _is_number(value):
        return PairFigure(pair=numbers.pair, value=None, reason=numbers.reason)
    match bound:
        case Bound.GAIN:
            if not _is_number(numbers.base):
                return PairFigure(pair=numbers.pair, value=None, reason="no score of the base")
            value = better * (value - numbers.base)
        case Bound.SEEDS:
            value = float(numbers.seeds)
        case Bound.REGRESSION | Bound.UPPER | Bound.LOSSES | Bound.SIGNIFICANCE:
            if not _is_number(numbers.incumbent):
                reason = numbers.incumbent_reason or "no score of the incumbent"
                return PairFigure(pair=numbers.pair, value=None, reason=reason)
            value = better * (numbers.incumbent - value)
            if bound is Bound.LOSSES:
                known = numbers.recipe_differs is not None and of_recipes
                differs = numbers.recipe_differs if known else numbers.differs
                if differs is None:
                    reason = "no stored statistics to test, or more pairs than Holm lets a test tell apart (choose bh)"
                    return PairFigure(pair=numbers.pair, value=None, reason=reason)
                value = max(value, 0.0) if differs else 0.0
    return PairFigure(pair=numbers.pair, value=value)


def _worst(figures: Sequence[PairFigure], wants_much: bool) -> tuple[PairFigure, ...]:
    def badness(figure: PairFigure) -> tuple[bool, float]:
        if figure.value is None:
            return (False, 0.0)
        return (True, figure.value if wants_much else -figure.value)

    return tuple(sorted(figures, key=badness)[:SHOWN])


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
