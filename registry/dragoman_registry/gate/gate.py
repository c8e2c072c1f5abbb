"""The gate: checks each rule of a promotion policy against the scores of one model. Pure: it reads no store."""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeGuard

from pydantic import BaseModel, ConfigDict

from dragoman.analysis.aggregation import mean
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.promotion import Promotion, Rule, Scope

SHOWN = 5
"""Pairs named behind a verdict."""

ROUNDING = 1e-9
"""Slack of every comparison: the rounding of a mean must not decide a tie, and a tie passes."""


class Bound(StrEnum):
    """The kinds of bound a rule can set."""

    FLOOR = "at_least"
    CEILING = "at_most"
    GAIN = "gain_at_least"
    REGRESSION = "regression_at_most"
    LOSSES = "significant_losses_at_most"
    SIGNIFICANCE = "no_significant_regression"
    SEEDS = "seeds_at_least"

    @property
    def is_against_incumbent(self) -> bool:
        """Whether it compares with the model the alias stands at."""
        return self in (Bound.REGRESSION, Bound.LOSSES, Bound.SIGNIFICANCE)

    @property
    def is_floor(self) -> bool:
        """Whether much is wanted of what it bounds."""
        return self in (Bound.FLOOR, Bound.GAIN, Bound.SEEDS)

    @property
    def is_count(self) -> bool:
        """Whether it bounds a whole number."""
        return self in (Bound.LOSSES, Bound.SEEDS)

    @property
    def quantity(self) -> str:
        """What is bounded, after the metric's name."""
        named = {
            Bound.GAIN: " gain over the base",
            Bound.REGRESSION: " regression",
            Bound.LOSSES: " significant losses",
            Bound.SIGNIFICANCE: " regression",
            Bound.SEEDS: " seeds",
        }
        return named.get(self, "")


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
    """Whether the model and the incumbent differ significantly here; None where that was not or can't be tested."""
    seeds: int = 1
    """Models with a score here that are the model but for their seed, itself among them."""


class PairFigure(BaseModel):
    """One pair behind a verdict."""

    model_config = ConfigDict(frozen=True)

    pair: Pair
    """The direction."""
    value: float | None
    """The bounded quantity on this pair; None where it is missing."""
    reason: str = ""
    """Why it is missing."""

    def __str__(self) -> str:
        return f"{self.pair} ({self.reason or 'no score'})" if self.value is None else f"{self.pair} {self.value:.2f}"


class RuleFinding(BaseModel):
    """One bound of one rule, held to the numbers."""

    model_config = ConfigDict(frozen=True)

    metric: str
    """The metric."""
    over: str
    """The scope."""
    each: bool
    """Whether the bound is on every pair; the value is then the worst pair's."""
    bound: Bound
    """The kind of bound."""
    limit: float
    """The bound."""
    value: float | None
    """The bounded quantity, of significant losses their number; None where no pair has one."""
    p_value: float | None = None
    """The adjusted p-value of a regression that may not be significant; `limit` is the level it is held against."""
    scored: int
    """Pairs with the numbers it needs (k)."""
    pairs: int
    """Pairs that should have them (n)."""
    passed: bool
    """The verdict."""
    note: str = ""
    """What decided, where it was not the value."""
    worst: tuple[PairFigure, ...] = ()
    """The pairs behind a failed verdict: those without a number first, then from the worst on."""

    @property
    def claim(self) -> str:
        """What is asked for: ``bleu gain over the base over unseen ≥ 1``."""
        scope = f"each of {self.over}" if self.each else self.over
        what = f"{self.metric}{self.bound.quantity} over {scope}"
        if self.bound is Bound.SIGNIFICANCE:
            return f"{what} not significant at {self.limit:g}"
        return f"{what} {'≥' if self.bound.is_floor else '≤'} {self.limit:g}"

    @property
    def measured(self) -> str:
        """What was found: ``12.31 (20 of 20 pairs)``."""
        if self.value is None:
            return f"no value ({self.scored} of {self.pairs} pairs)"
        if self.bound.is_count:
            return f"{self.value:.0f} ({self.scored} of {self.pairs} pairs)"
        if self.p_value is not None:
            return f"{self.value:.2f}, p {self.p_value:.4f} ({self.scored} of {self.pairs} pairs)"
        # a value that only just fails must not look like its bound
        digits = next((digits for digits in (2, 4, 6) if self.passed or round(self.value, digits) != self.limit), 8)
        return f"{self.value:.{digits}f} ({self.scored} of {self.pairs} pairs)"

    @property
    def sentence(self) -> str:
        """Claim and finding: ``bleu over seen ≥ 40: 30.25 (4 of 4 pairs), worst de-fr 20.00``."""
        behind = f", worst {', '.join(map(str, self.worst))}" if self.worst else ""
        return f"{self.claim}: {self.note or self.measured}{behind}"


class GateReport(BaseModel):
    """Every finding of a policy about one model, and the verdict."""

    model_config = ConfigDict(frozen=True)

    grid: str
    """The grid whose pairs were looked at."""
    model: str
    """The model's name in the grid."""
    model_id: str
    """Its id."""
    policy: str
    """Hash of the policy."""
    held_to: Promotion | None = None
    """The policy itself; None in reports of before it was kept."""
    incumbent: str | None
    """Id of the model the alias points to, None where it points to none; `unknown` where Dragoman did not make it."""
    findings: tuple[RuleFinding, ...]
    """One for each bound, in the policy's order."""

    @property
    def passed(self) -> bool:
        """Whether every rule holds."""
        return all(finding.passed for finding in self.findings)

    @property
    def reason(self) -> str:
        """The verdict in one sentence."""
        wanted = [finding for finding in self.findings if finding.passed is self.passed]
        said = "; ".join(finding.sentence for finding in wanted)
        checks = "1 check" if len(self.findings) == 1 else f"{len(self.findings)} checks"
        verdict = f"passes {checks}" if self.passed else f"fails {len(wanted)} of {checks}"
        return f"{self.model} {verdict}: {said}."


def judge(
    policy: Promotion,
    numbers: Mapping[str, Sequence[PairNumbers]],
    lower_is_better: frozenset[str] = frozenset(),
    has_incumbent: bool = False,
    p_values: Mapping[Rule, float] | None = None,
) -> tuple[RuleFinding, ...]:
    """Hold a policy to a model's numbers, one finding for each bound of each rule.

    Args:
        policy: the rules.
        numbers: for each metric of the policy, every pair that was planned for the model.
        lower_is_better: metrics that are error rates: they gain by falling and regress by rising.
        has_incumbent: whether the alias stands at a model now; without one, rules of regression pass.
        p_values: of the rules that forbid a significant regression, adjusted; none where it can't be tested.
    """
    return tuple(
        _hold(
            policy,
            rule,
            bound,
            policy.alpha if bound is Bound.SIGNIFICANCE else limit,
            numbers.get(rule.metric, ()),
            rule.metric in lower_is_better,
            has_incumbent,
            (p_values or {}).get(rule),
        )
        for rule in policy.every_rule
        for bound in Bound
        if (limit := getattr(rule, bound)) is not None
    )


def in_scope(numbers: Sequence[PairNumbers], scope: Scope) -> list[PairNumbers]:
    """The pairs of a scope. A pair whose partition is unknown is in `all` alone: unknown is not unseen."""
    if scope == "all":
        return list(numbers)
    if isinstance(scope, Pair):
        return [each for each in numbers if each.pair == scope]
    if scope == "unseen":
        return [each for each in numbers if each.partition is not None and each.partition.is_unseen]
    return [each for each in numbers if each.partition is scope]


def _hold(
    policy: Promotion,
    rule: Rule,
    bound: Bound,
    limit: float,
    numbers: Sequence[PairNumbers],
    lower_is_better: bool,
    has_incumbent: bool,
    p_value: float | None,
) -> RuleFinding:
    planned = in_scope(numbers, rule.over)
    if bound.is_against_incumbent:
        planned = [each for each in planned if each.shared]
    figures = [_figure(each, bound, lower_is_better) for each in planned]
    values = [figure.value for figure in figures if figure.value is not None]
    value = _taken_together(values, rule, bound)
    if bound is Bound.LOSSES:
        figures = [figure for figure in figures if figure.value != 0]

    def holds(figure: float) -> bool:
        if bound is Bound.SIGNIFICANCE:
            return figure <= ROUNDING or (p_value is not None and p_value > limit)
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
        if bound is Bound.SIGNIFICANCE and not passed and p_value is None:
            note = "no stored statistics to test"
    return RuleFinding(
        metric=rule.metric,
        over=str(rule.over),
        each=rule.each,
        bound=bound,
        limit=limit,
        value=value,
        p_value=p_value if bound is Bound.SIGNIFICANCE else None,
        scored=len(values),
        pairs=len(planned),
        passed=passed,
        note=note,
        worst=() if passed else _worst(figures, bound.is_floor),
    )


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


def _figure(numbers: PairNumbers, bound: Bound, lower_is_better: bool) -> PairFigure:
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
        case Bound.REGRESSION | Bound.LOSSES | Bound.SIGNIFICANCE:
            if not _is_number(numbers.incumbent):
                reason = numbers.incumbent_reason or "no score of the incumbent"
                return PairFigure(pair=numbers.pair, value=None, reason=reason)
            value = better * (numbers.incumbent - value)
            if bound is Bound.LOSSES:
                if numbers.differs is None:
                    reason = "no stored statistics to test, or more pairs than Holm lets a test tell apart (choose bh)"
                    return PairFigure(pair=numbers.pair, value=None, reason=reason)
                value = max(value, 0.0) if numbers.differs else 0.0
    return PairFigure(pair=numbers.pair, value=value)


def _worst(figures: Sequence[PairFigure], wants_much: bool) -> tuple[PairFigure, ...]:
    def badness(figure: PairFigure) -> tuple[bool, float]:
        if figure.value is None:
            return (False, 0.0)
        return (True, figure.value if wants_much else -figure.value)

    return tuple(sorted(figures, key=badness)[:SHOWN])


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
