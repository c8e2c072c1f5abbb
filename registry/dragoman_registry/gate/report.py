"""Reports of the gate: every bound of a policy held to one model's numbers, and the verdict."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from dragoman.analysis.caption import Caption, caption_line
from dragoman.metrics.lookup import digits_of
from dragoman.pair import Pair
from dragoman.spec.promotion import Promotion, subject_of
from dragoman.tables.table import figure, probability


class Bound(StrEnum):
    """The kinds of bound a rule can set."""

    FLOOR = "at_least"
    CEILING = "at_most"
    GAIN = "gain_at_least"
    REGRESSION = "regression_at_most"
    UPPER = "regression_upper_at_most"
    LOSSES = "significant_losses_at_most"
    SIGNIFICANCE = "no_significant_regression"
    SEEDS = "seeds_at_least"

    @property
    def is_against_incumbent(self) -> bool:
        """Whether it compares with the model the alias stands at."""
        return self in (Bound.REGRESSION, Bound.UPPER, Bound.LOSSES, Bound.SIGNIFICANCE)

    @property
    def is_of_mean(self) -> bool:
        """Whether it bounds the regression of the mean, which may be one of recipes over their seeds."""
        return self in (Bound.REGRESSION, Bound.UPPER, Bound.SIGNIFICANCE)

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
            Bound.UPPER: " regression's upper end",
            Bound.SEEDS: " seeds",
        }
        return named.get(self, "")


class RuleTest(BaseModel):
    """The test of a model's mean against the incumbent's, over the pairs of one rule."""

    model_config = ConfigDict(frozen=True)

    regression: float
    """How much worse the model is, in points of the metric; negative where it is better."""
    upper: float
    """Upper end of the regression's 95% interval."""
    p_value: float
    """Probability of a regression this large by chance, one-sided; adjusted over the rules that ask for it."""
    p_is_floor: bool = False
    """Whether that is the smallest that the test can give: the true one may be far below."""
    error: float
    """Standard error of the regression."""
    method: str
    """The test: `randomization` of two checkpoints, or `seeds` of two recipes."""
    is_pooled: bool = False
    """Whether recipes are compared, over all their seeds."""
    remark: str = ""
    """What it says something of, as sentences."""

    def saying(self, sentence: str) -> Self:
        """The test with another sentence after its remark."""
        return self.model_copy(update={"remark": " ".join(filter(None, (self.remark, sentence)))})


OLDER_METHOD = "sacrebleu-bs"
"""The test of findings that don't name theirs: those recorded before there was another."""


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
        return self.said(2)

    def said(self, digits: int) -> str:
        """The pair with its value, of so many digits after the point, or the reason why it has none."""
        value = f"({self.reason or 'no score'})" if self.value is None else f"{self.value:.{digits}f}"
        return f"{self.pair} {value}"


class RuleFinding(BaseModel):
    """One bound of one rule, held to the numbers."""

    model_config = ConfigDict(frozen=True)

    metric: str
    """The metric."""
    test_set: str | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set, where the rule or the policy names one."""
    lines: str | None = None
    """The filter of the test lines that it is of; None is all."""
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
    p_is_floor: bool = False
    """Whether that is the smallest that the test can give."""
    method: str = OLDER_METHOD
    """The test behind the p-value, or behind significant losses."""
    regression: float | None = None
    """The regression whose upper end is bounded."""
    error: float | None = None
    """Standard error of the regression, where it was tested."""
    scored: int
    """Pairs with the numbers it needs (k)."""
    pairs: int
    """Pairs that should have them (n)."""
    passed: bool
    """The verdict."""
    note: str = ""
    """What decided, where it was not the value."""
    remark: str = ""
    """What the test says something of, and what this test set can tell."""
    worst: tuple[PairFigure, ...] = ()
    """The pairs behind a failed verdict: those without a number first, then from the worst on."""

    @property
    def subject(self) -> str:
        """What the rule was about: the metric, its test set where one is named, and its lines (`Rule.subject`)."""
        return subject_of(self.metric, test_set=self.test_set, lines=self.lines)

    @property
    def said_of_worst(self) -> list[str]:
        """The pairs behind a failed verdict, each with its value."""
        return [each.said(self._digits) for each in self.worst]

    @property
    def _digits(self) -> int:
        return digits_of(self.metric) + 1

    @property
    def claim(self) -> str:
        """What is asked for: ``bleu gain over the base over unseen ≥ 1``."""
        scope = f"each of {self.over}" if self.each else self.over
        where = "" if self.test_set is None else f" on {self.test_set}"
        what = f"{self.metric}{self.bound.quantity}{where} over {scope}"
        what += f" on lines with {self.lines}" if self.lines else ""
        if self.bound is Bound.SIGNIFICANCE:
            return f"{what} not significant at {self.limit:g}, one-sided"
        return f"{what} {'≥' if self.bound.is_floor else '≤'} {self.limit:g}"

    @property
    def measured(self) -> str:
        """What was found: ``12.31 (20 of 20 pairs)``."""
        if self.value is None:
            return f"no value ({self.scored} of {self.pairs} pairs)"
        if self.bound.is_count:
            return f"{self.value:.0f} ({self.scored} of {self.pairs} pairs)"
        digits = self._digits
        if self.p_value is not None:
            said = probability(self.p_value, is_floor=self.p_is_floor)
            return f"{self.value:.{digits}f}, p {said} ({self.scored} of {self.pairs} pairs)"
        if self.regression is not None:
            upper, found = f"{self.value:.{digits}f}", f"{self.regression:.{digits}f}"
            return f"{upper}, of a regression of {found} ({self.scored} of {self.pairs} pairs)"
        # a value that only just fails must not look like its bound
        finer = (digits, digits + 2, digits + 4)
        digits = next((each for each in finer if self.passed or round(self.value, each) != self.limit), digits + 6)
        return f"{self.value:.{digits}f} ({self.scored} of {self.pairs} pairs)"

    def found(self, alias: str = "champion") -> str:
        """What was found, forwards: more is better, and worse is below 0, of error rates too.

        Such as ``47.50 bleu``, ``+13.00 bleu over the base`` and ``against the champion: -2.34 bleu, p 0.005: worse``.

        Args:
            alias: the alias of the model it is compared with.
        """
        if self.value is None or (self.note and not self.bound.is_count):
            return self.note or "no value"
        if self.bound is Bound.SEEDS:
            return f"{self.value:.0f} seeds"
        if self.bound is Bound.LOSSES:
            pairs = "pair" if self.value == 1 else "pairs"
            return f"against the {alias}: significantly worse on {self.value:.0f} {pairs}"
        if self.bound is Bound.GAIN:
            return f"{self._forwards(self.value)} over the base"
        if not self.bound.is_against_incumbent:
            return f"{self.value:.{self._digits}f} {self.metric}"
        against = f"against the {alias}: "
        if self.bound is Bound.UPPER and self.regression is not None:
            found = self._forwards(-self.regression)
            return (
                f"{against}{found}, {self._forwards(-self.value, unit=False)} at worst: {self._word(self.regression)}"
            )
        if self.p_value is None:
            return f"{against}{self._forwards(-self.value)}: {self._word(self.value)}"
        said = probability(self.p_value, is_floor=self.p_is_floor)
        # a difference that may be chance is neither
        is_shown = self.value <= 0 or self.p_value <= self.limit
        word = self._word(self.value) if is_shown else "not shown to be worse"
        return f"{against}{self._forwards(-self.value)}, p {said}: {word}"

    def _forwards(self, value: float, unit: bool = True) -> str:
        return f"{figure(value, self._digits, sign=True)}{f' {self.metric}' if unit else ''}"

    def _word(self, regression: float) -> str:
        if round(regression, self._digits) == 0:
            return "as good"
        return "worse" if regression > 0 else "better"

    @property
    def asked(self) -> str:
        """What is asked for: ``≥ 40 over seen``, ``≤ 1 worse over all``."""
        scope = f"over {'each of ' if self.each else ''}{self.over}"
        limit = f"{self.limit:g}"
        bare = f"{'≥' if self.bound.is_floor else '≤'} {limit}"
        said = {
            Bound.REGRESSION: f"≤ {limit} worse",
            Bound.UPPER: f"≤ {limit} worse at worst",
            Bound.LOSSES: f"≤ {limit} such pairs",
            Bound.SIGNIFICANCE: "no significant loss",
            Bound.SEEDS: f"≥ {limit} seeds",
            Bound.GAIN: f"≥ {limit} gain",
        }
        return f"{said.get(self.bound, bare)} {scope}"

    @property
    def sentence(self) -> str:
        """Claim and finding: ``bleu over seen ≥ 40: 30.25 (4 of 4 pairs), worst de-fr 20.00``."""
        behind = f", worst {', '.join(self.said_of_worst)}" if self.worst else ""
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
    test_set: str | None = None
    """Identity of the test set that was looked at; None in reports of before it was kept."""
    further_test_sets: tuple[str, ...] = Field(default=(), exclude_if=lambda test_sets: not test_sets)
    """Identities of others that rules were about."""
    captions: dict[str, Caption] = Field(default_factory=dict)
    """What the model's scores were measured on, and how, by what rules are about (`Rule.subject`); none in reports of
    before they were kept."""
    findings: tuple[RuleFinding, ...]
    """One for each bound, in the policy's order."""

    @property
    def caption(self) -> str | None:
        """What the model's scores were measured on, and how, in a line."""
        return caption_line(self.captions)

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
