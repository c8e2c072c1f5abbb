"""Promotion policies: the rules a model must pass before an alias of the registry moves to it."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from dragoman.errors import DragomanError, SpecError, nearest
from dragoman.line_filter import LineFilter, LineFilterError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.base import Name, SpecModel

GROUPS = ("all", "unseen")
"""The scopes that are no partition: every pair, and every pair but the seen ones."""


def _pair(value: Any) -> Pair:
    if isinstance(value, list | tuple) and len(value) == 2:
        return Pair.of(str(value[0]), str(value[1]))
    return Pair.parse(str(value))


def _scope(value: Any) -> Any:
    """Tell a partition, a group and a pair apart, so that a misspelt one is answered with the nearest."""
    if value in GROUPS or value in list(Partition):
        return value
    try:
        return _pair(value)
    except DragomanError:
        raise ValueError(
            f"is no scope; {nearest(str(value), [*Partition, *GROUPS])} Or name one pair, such as en-de"
        ) from None


Scope = Annotated[Partition | Literal["all", "unseen"] | Pair, BeforeValidator(_scope)]
"""One partition, every pair, every pair but the seen ones, or one pair."""


def is_in(scope: Scope, pair: Pair, partition: Partition | None) -> bool:
    """Whether a scope holds a pair. One whose partition is unknown is in `all` alone: unknown is not unseen."""
    if isinstance(scope, Pair) or scope == "all":
        return scope in ("all", pair)
    if scope == "unseen":
        return partition is not None and partition.is_unseen
    return partition is scope


def subject_of(metric: str, *, test_set: str | None, lines: str | None) -> str:
    """A metric's name, on which test set it is where one is named, and of which test lines where not of all."""
    on = f" on {test_set}" if test_set else ""
    return f"{metric}{on} of lines with {lines}" if lines else f"{metric}{on}"


CONTAMINATION = "contamination"
"""What rules call the share of a pair's test sentences, in percent, that is in the model's training text."""

BOUNDS = (
    "at_least",
    "at_most",
    "gain_at_least",
    "regression_at_most",
    "regression_upper_at_most",
    "significant_losses_at_most",
    "no_significant_regression",
    "seeds_at_least",
)
"""The keys of a rule that bound something."""

ALIAS = r"^[A-Za-z][A-Za-z0-9_-]*$"
"""Names that MLflow takes for an alias, but those it keeps for itself."""


def _alias(alias: str) -> str:
    if alias.casefold() == "latest" or re.fullmatch(r"v\d+", alias.casefold()):
        raise ValueError("is a name MLflow keeps for itself; choose another, such as champion")
    return alias


Alias = Annotated[str, Field(pattern=ALIAS, max_length=200), AfterValidator(_alias)]
"""Name of an alias of a registered model: MLflow takes 255 letters, those of a scope after it included."""

Missing = Literal["fail", "pass"]
"""What a rule says that has no number to speak of."""


class Rule(SpecModel):
    """One bound on a metric over the pairs of a scope: on their mean, or on each of them."""

    metric: str = "bleu"
    """Name of the metric; `contamination` is the percentage of a pair's test sentences, source or target, that is
    in the text the model was trained on."""
    test_set: Name | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set it is about, of a grid that has several; the policy's by default."""
    over: Scope = "all"
    """The pairs it is taken over."""
    lines: str | None = Field(default=None, exclude_if=lambda lines: lines is None)
    """Only the test lines with these labels, as in `original=source` (several with commas between): a slice."""
    each: bool = False
    """Whether every pair must keep the bound by itself, instead of their mean."""
    at_least: float | None = None
    """Floor."""
    at_most: float | None = None
    """Ceiling, for rates."""
    gain_at_least: float | None = None
    """Floor of the gain over the base model on the same pairs; for an error rate the gain is how much it falls."""
    regression_at_most: float | None = Field(default=None, ge=0)
    """How much worse it may be than the model the alias stands at, on the same lines; passes where there is none."""
    regression_upper_at_most: float | None = Field(default=None, ge=0)
    """How much worse than that model it must be shown not to be: the upper end of the 95% interval of the regression
    of the mean, which is small only where the test set is large enough to tell."""
    significant_losses_at_most: int | None = Field(default=None, ge=0)
    """On how many pairs it may be significantly worse than that model: a paired test of each, adjusted over all
    the pairs of the grid that both were tested on."""
    no_significant_regression: Literal[True] | None = None
    """Its mean may not be significantly below that model's: one one-sided test over all the pairs of the scope,
    adjusted over all the rules of this kind."""
    seeds: Literal["pooled", "checkpoint"] | None = None
    """What rules about a regression compare: the recipes, over all their seeds (`pooled`), or the two checkpoints
    alone. By default recipes, where one of the two has several seeds, for what asks for significance and for the upper
    end of a regression; checkpoints for `regression_at_most`, and for the upper end between seeds of one recipe."""
    seeds_at_least: int | None = Field(default=None, ge=2)
    """How many models of the grid, equal but for their seed, must have a score on every pair of the scope; the one
    in question counts."""
    coverage: float | None = Field(default=None, gt=0, le=1)
    """Instead of the policy's `coverage`."""
    missing: Missing | None = None
    """Instead of the policy's `missing`."""

    @field_validator("lines")
    @classmethod
    def _chooses_lines(cls, lines: str | None) -> str | None:
        try:
            return None if lines is None else str(LineFilter.parse(lines))
        except LineFilterError as error:
            raise ValueError(str(error)) from error

    @model_validator(mode="after")
    def _bounds_something(self) -> "Rule":
        given = [bound for bound in BOUNDS if getattr(self, bound) is not None]
        if not given:
            raise ValueError(f"bounds nothing; give {', '.join(BOUNDS[:-1])} or {BOUNDS[-1]}")
        if self.metric == CONTAMINATION and given != ["at_most"]:
            raise ValueError("bounds contamination, which takes at_most and nothing else")
        if self.metric == CONTAMINATION and self.lines:
            raise ValueError("bounds contamination, which is of all test lines; leave out lines")
        if self.each and self.no_significant_regression:
            raise ValueError("asks for no_significant_regression of each pair; say significant_losses_at_most: 0")
        if self.each and self.regression_upper_at_most is not None:
            raise ValueError("asks for regression_upper_at_most of each pair; give each pair a rule of its own")
        return self

    @property
    def subject(self) -> str:
        """What it bounds a number of: the metric, on which test set where one is named, and of which lines."""
        return subject_of(self.metric, test_set=self.test_set, lines=self.lines)

    @property
    def is_of_mean(self) -> bool:
        """Whether it bounds the regression of the mean against the incumbent."""
        return (
            self.regression_at_most is not None
            or self.regression_upper_at_most is not None
            or bool(self.no_significant_regression)
        )


class Candidates(SpecModel):
    """The sentences on which the candidate for an alias is chosen."""

    split: Literal["dev", "test"] = "dev"
    """`dev` keeps the test set for the gate alone; `test` chooses on the scores of the evaluation itself."""
    sentences: int = Field(default=50, ge=1)
    """The first so many sentences of dev for each pair; every finetuned model translates them once."""


class ScopeChampion(SpecModel):
    """A scope whose best model gets an alias of its own: `champion-unseen_both`, say."""

    over: Scope
    """The candidate for it is the model with the best mean over these pairs."""
    test_set: Name | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set it is about; the policy's by default."""
    rules: tuple[Rule, ...] = ()
    """What it must pass; by default the policy's own rules."""

    @model_validator(mode="before")
    @classmethod
    def _takes_a_scope(cls, value: Any) -> Any:
        return value if isinstance(value, dict) else {"over": value}

    def within(self, policy: "Promotion") -> "Promotion":
        """The policy as it applies to this scope."""
        meant = {"over": self.over, "rules": self.rules or policy.rules, "test_set": self.test_set or policy.test_set}
        return policy.model_copy(update={**meant, "champions": ()})


class Promotion(SpecModel):
    """Where the grid's models are registered and what the best of them must pass to get the alias."""

    policy: Name | None = None
    """Name of the policy, for reports; what was decided is recorded with the hash of all of it as well."""
    version: int | None = Field(default=None, ge=1)
    """Version of the policy: under one name and version nothing else may be decided later."""
    model: Name
    """Name in the registry; each finetuned model becomes a version of it."""
    alias: Alias = "champion"
    """The alias that moves."""
    aliases: tuple[Alias, ...] = ("candidate", "challenger", "champion")
    """The aliases a version can be promoted to by this policy, besides `alias`; none of them moves otherwise."""
    test_set: Name | None = Field(default=None, exclude_if=lambda name: name is None)
    """Name of the test set that it is about, of a grid that has several; the first by default."""
    metric: str = "bleu"
    """The candidate is the model with the best mean of this metric ..."""
    over: Scope = "all"
    """... over the pairs of this scope ..."""
    candidates: Candidates = Candidates()
    """... on these sentences; where a grid has one finetuned model there is nothing to choose."""
    signatures: dict[str, str] = Field(default_factory=dict)
    """For a metric that the grid was scored with under several signatures: text that the one to look at holds."""
    coverage: float = Field(default=1.0, gt=0, le=1)
    """Share of the planned pairs that must have a score, in every rule."""
    missing: Missing = "fail"
    """What a rule says that has no pair to speak of: the grid has none in its scope, or none it shares with the
    model the alias stands at. Pairs that are planned and have no score are `coverage`'s business."""
    correction: Literal["holm", "bh"] = "holm"
    """How p-values are adjusted for many tests: Holm, against even one false alarm; Benjamini and Hochberg, for the
    share of them."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Adjusted p-values up to this are significant."""
    protected: tuple[Annotated[Pair, BeforeValidator(_pair)], ...] = ()
    """Pairs that may not become significantly worse, in `metric`, than those of the model the alias stands at."""
    protected_margin: float | None = Field(default=None, ge=0)
    """How much worse each of them must be shown not to be (`regression_upper_at_most`), where the test set can tell."""
    rules: tuple[Rule, ...] = Field(min_length=1)
    """All must pass."""
    champions: tuple[ScopeChampion, ...] = ()
    """Scopes that have a champion of their own, under `alias` and the scope's name: `champion-unseen_both`."""

    @field_validator("aliases")
    @classmethod
    def _are_different(cls, aliases: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(aliases)) != len(aliases):
            raise ValueError("must name each alias once")
        return aliases

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The rules, each with its test set, and those that keep the protected pairs, of the model to be served."""
        bounds = {"significant_losses_at_most": 0, "regression_upper_at_most": self.protected_margin}
        kept = (Rule(metric=self.metric, over=pair, seeds="checkpoint", **bounds) for pair in self.protected)
        named = {"test_set": self.test_set}
        return tuple(
            rule if rule.test_set or not self.test_set else rule.model_copy(update=named)
            for rule in (*self.rules, *kept)
        )

    @property
    def by_scope(self) -> dict[str, ScopeChampion]:
        """The aliases of the scopes that have a champion of their own."""
        return {f"{self.alias}-{_alias_part(champion)}": champion for champion in self.champions}

    @property
    def known_aliases(self) -> tuple[str, ...]:
        """Every alias this policy speaks of."""
        return tuple(dict.fromkeys((self.alias, *self.aliases, *self.by_scope)))

    def meant_for(self, alias: str) -> "Promotion":
        """The policy as it applies to one of its aliases.

        Raises:
            SpecError: the policy does not speak of that alias.
        """
        if alias not in self.known_aliases:
            raise SpecError(
                f"The policy for '{self.model}' has no alias '{alias}'; {nearest(alias, self.known_aliases)} "
                "`aliases` in the policy names more."
            )
        champion = self.by_scope.get(alias)
        meant = self if champion is None else champion.within(self)
        return meant.model_copy(update={"alias": alias, "champions": ()})


def _alias_part(champion: ScopeChampion) -> str:
    # a tag may hold hyphens, and MLflow takes neither points nor another sign between two of them
    scope = "-".join(champion.over) if isinstance(champion.over, Pair) else str(champion.over)
    return scope if champion.test_set is None else f"{scope}-{champion.test_set.replace('.', '-')}"
