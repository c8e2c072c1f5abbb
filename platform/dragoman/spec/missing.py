"""Treatment of pairs that the corpus has no text for."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from dragoman.errors import nearest
from dragoman.language import Language
from dragoman.spec.base import SpecModel


class Pivot(SpecModel):
    """Training text of a missing pair is made through a language that the corpus pairs with both of its languages."""

    pivot: Language
    """That language. A sentence of it that stands in both bitexts, letter for letter, joins its two translations."""


Missing = Literal["stop", "drop"] | Pivot


def _shape(value: Any) -> Any:
    """Tell the forms apart before pydantic does, so that an error speaks of the form that was meant."""
    if isinstance(value, dict):
        return Pivot.model_validate(value)
    if isinstance(value, str) and value not in ("stop", "drop"):
        remedy = "name the language: {pivot: en}" if value == "pivot" else nearest(value, ("stop", "drop", "pivot"))
        raise ValueError(f"is no answer to a missing pair; {remedy}")
    return value


MissingField = Annotated[Missing, BeforeValidator(_shape)]
"""`stop`: the grid is refused. `drop`: the pair is left out, reported and recorded as missing. `{pivot: en}`: training
text is made through English; what can't be made so, and test text, is dropped."""
