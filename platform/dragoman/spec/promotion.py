"""What a model must show before an alias of the registry moves to it."""

from typing import Literal

from pydantic import Field, model_validator

from dragoman.partition import Partition
from dragoman.spec.base import SpecModel

Scope = Partition | Literal["all", "unseen"]
"""One partition, every pair, or every pair but the seen ones."""


class Rule(SpecModel):
    """One bound on the mean of a metric over the pairs of a scope; a missing number fails."""

    metric: str = "bleu"
    """Name of the metric."""
    over: Scope = "all"
    """The pairs it is taken over."""
    at_least: float | None = None
    """Floor of the mean."""
    at_most: float | None = None
    """Ceiling of the mean, for rates."""
    gain_at_least: float | None = None
    """Floor of the mean gain over the base model on the same pairs."""
    regression_at_most: float | None = Field(default=None, ge=0)
    """How much the mean may fall below that of the model the alias stands at; passes where there is none."""

    @model_validator(mode="after")
    def _bounds_something(self) -> "Rule":
        if all(bound is None for bound in (self.at_least, self.at_most, self.gain_at_least, self.regression_at_most)):
            raise ValueError("bounds nothing; give at_least, at_most, gain_at_least or regression_at_most")
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
    rules: tuple[Rule, ...] = Field(min_length=1)
    """All must pass."""
