"""The gate: a promotion policy, rule by rule, against the numbers of one model. Pure: it reads no store."""

import math
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeGuard

from pydantic import BaseModel, ConfigDict

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

    @property
    def is_against_incumbent(self) -> bool:
        """Whether it compares with the model the alias stands at."""
        return self in (Bound.REGRESSION, Bound.LOSSES)

    @property
    def sign(self) -> str:
        """How the value must stand to the bound."""
        return "≥" if self in (Bound.FLOOR, Bound.GAIN) else "≤"

    @property
    def quantity(self) -> str:
        """What is bounded, after the metric's name."""
        named = {
            Bound.GAIN: " gain over the base",
            Bound.REGRESSION: " regression",
            Bound.LOSSES: " significant losses",
        }
        return named.get(self, "")


class PairNumbers(BaseModel):
    """What is known of a model on one planned pair under one metric."""

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


class Finding(BaseModel):
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
        return f"{self.metric}{self.bound.quantity} over {scope} {self.bound.sign} {self.limit:g}"

    @property
    def measured(self) -> str:
        """What was found: ``12.31 (20 of 20 pairs)``."""
        if self.value is None:
            return f"no value ({self.scored} of {self.pairs} pairs)"
        if self.bound is Bound.LOSSES:
            return f"{self.value:.0f} ({self.scored} of {self.pairs} pairs)"
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
    incumbent: str | None
    """Id of the model the alias stands at, None where it stands at none; `unknown` where Dragoman did not make it."""
    findings: tuple[Finding, ...]
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
) -> tuple[Finding, ...]:
    """Hold a policy to a model's numbers, one finding for each bound of each rule.

    Args:
        policy: the rules.
        numbers: for each metric of the policy, every pair that was planned for the model.
        lower_is_better: metrics that are error rates: they gain by falling and regress by rising.
        has_incumbent: whether the alias stands at a model now; without one, rules of regression pass.
    """
    return tuple(
        _hold(policy, rule, bound, limit, numbers.get(rule.metric, ()), rule.metric in lower_is_better, has_incumbent)
        for rule in policy.rules
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
) -> Finding:
    planned = in_scope(numbers, rule.over)
    if bound.is_against_incumbent:
        planned = [each for each in planned if each.shared]
    figures = [_figure(each, bound, lower_is_better) for each in planned]
    values = [figure.value for figure in figures if figure.value is not None]
    wants_much = bound in (Bound.FLOOR, Bound.GAIN)
    worst: Callable[[Sequence[float]], float] = min if wants_much else max
    value = None if not values else worst(values) if rule.each else math.fsum(values) / len(values)
    if bound is Bound.LOSSES and values:
        value = float(sum(loss > 0 for loss in values))
        figures = [figure for figure in figures if figure.value != 0]

    def holds(figure: float) -> bool:
        return figure >= limit - ROUNDING if wants_much else figure <= limit + ROUNDING

    if bound.is_against_incumbent and not has_incumbent:
        passed, note = True, "there is no incumbent"
    elif not planned:
        passed, note = policy.missing == "pass", _why_none(numbers, rule.over, bound)
    elif len(values) < policy.coverage * len(planned) - ROUNDING:
        lacking = f"{len(planned) - len(values)} of {len(planned)} pairs lack a score"
        passed, note = False, f"{lacking} and {policy.coverage:.0%} must have one"
    else:
        passed, note = value is not None and holds(value), ""
    return Finding(
        metric=rule.metric, over=str(rule.over), each=rule.each, bound=bound, limit=limit, value=value,
        scored=len(values), pairs=len(planned), passed=passed, note=note,
        worst=() if passed else _worst(figures, wants_much),
    )  # fmt: skip


def _why_none(numbers: Sequence[PairNumbers], scope: Scope, bound: Bound) -> str:
    if in_scope(numbers, scope) and bound.is_against_incumbent:
        return "the incumbent was tested on none of these pairs with the same lines"
    if isinstance(scope, Partition | str) and any(each.partition is None for each in numbers):
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
        case Bound.REGRESSION | Bound.LOSSES:
            if not _is_number(numbers.incumbent):
                reason = numbers.incumbent_reason or "no score of the incumbent"
                return PairFigure(pair=numbers.pair, value=None, reason=reason)
            value = better * (numbers.incumbent - value)
            if bound is Bound.LOSSES:
                if numbers.differs is None:
                    return PairFigure(pair=numbers.pair, value=None, reason="no stored statistics to test")
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
