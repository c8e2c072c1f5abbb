"""How many training examples: so many of each pair, or so many in all, shared out by temperature."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dragoman.pair import Pair
from dragoman.spec.base import SpecModel


class SharedExamples(SpecModel):
    """A number of examples for all pairs together, shared out among them by how much text each has."""

    total: int = Field(ge=1)
    """Examples of all pairs together (fewer where the corpus has fewer)."""
    temperature: float = Field(default=1.0, ge=1, le=1000)
    """At 1 a pair's share is that of its text; the higher, the more equal the shares, and at 1000 they are equal."""


def _shape(value: Any) -> Any:
    """Tell the two forms apart before pydantic does, so that an error speaks of the form that was meant."""
    return SharedExamples.model_validate(value) if isinstance(value, dict) else value


Examples = Annotated[Annotated[int, Field(ge=1)] | SharedExamples, BeforeValidator(_shape)]
"""A number for each pair, or a number that all pairs share."""


def expected(examples: "int | SharedExamples", pairs: Sequence[Pair]) -> dict[Pair, int]:
    """Examples of each pair as far as a spec alone tells: a shared number is taken to be shared equally."""
    if isinstance(examples, SharedExamples):
        return dict.fromkeys(pairs, max(1, examples.total // max(1, len(pairs))))
    return dict.fromkeys(pairs, examples)
