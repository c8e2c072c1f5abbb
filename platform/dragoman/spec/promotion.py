"""What a model must show before an alias of the registry moves to it."""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dragoman.errors import DragomanError, nearest
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.spec.base import SpecModel

GROUPS = ("all", "unseen")
"""The scopes that are no partition: every pair, and every pair but the seen ones."""


def _scope(value: Any) -> Any:
    """Tell a partition, a group and a pair apart, so that a misspelt one is answered with the nearest."""
    if isinstance(value, list | tuple) and len(value) == 2:
        return Pair.of(str(value[0]), str(value[1]))
    if value in GROUPS or value in list(Partition):
        return value
    try:
        return Pair.parse(str(value))
    except DragomanError:
        raise ValueError(
            f"is no scope; {nearest(str(value), [*Partition, *GROUPS])} Or name one pair, such as en-de"
        ) from None


Scope = Annotated[Partition | Literal["all", "unseen"] | Pair, BeforeValidator(_scope)]
"""One partition, every pair, every pair but the seen ones, or one pair."""


BOUNDS = ("at_least", "at_most", "gain_at_least", "regression_at_most", "significant_losses_at_most")
"""The keys of a rule that bound something."""


class Rule(SpecModel):
    """One bound on a metric over the pairs of a scope: on their mean, or on each of them."""

    metric: str = "bleu"
    """Name of the metric."""
    over: Scope = "all"
    """The pairs it is taken over."""
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
    significant_losses_at_most: int | None = Field(default=None, ge=0)
    """On how many pairs it may be significantly worse than that model: paired bootstrap on each, Holm's adjustment over
    all the pairs of the grid that both were tested on, 5 %."""

    @model_validator(mode="after")
    def _bounds_something(self) -> "Rule":
        if all(getattr(self, bound) is None for bound in BOUNDS):
            raise ValueError(f"bounds nothing; give {', '.join(BOUNDS[:-1])} or {BOUNDS[-1]}")
        return self


class Promotion(SpecModel):
    """Where the grid's models are registered and what the best of them must pass to get the alias."""

    model: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name in the registry; each finetuned model becomes a version of it."""
    alias: str = Field(default="champion", pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")
    """The alias that moves."""
    metric: str = "bleu"
    """The candidate is the model with the best mean of this metric ..."""
    over: Scope = "all"
    """... over the pairs of this scope."""
    coverage: float = Field(default=1.0, gt=0, le=1)
    """Share of the planned pairs that must have a score, in every rule."""
    missing: Literal["fail", "pass"] = "fail"
    """What a rule says that has no pair to speak of: the grid has none in its scope, or none it shares with the
    model the alias stands at. Pairs that are planned and have no score are `coverage`'s business."""
    rules: tuple[Rule, ...] = Field(min_length=1)
    """All must pass."""

    @field_validator("alias")
    @classmethod
    def _is_free(cls, alias: str) -> str:
        if alias.casefold() == "latest" or re.fullmatch(r"v\d+", alias.casefold()):
            raise ValueError("is a name MLflow keeps for itself; choose another, such as champion")
        return alias
