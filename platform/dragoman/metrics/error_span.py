"""Error spans: where a metric or a judge sees an error in a hypothesis or its source, and how bad it is."""

from typing import NamedTuple


class ErrorSpan(NamedTuple):
    """One marked error; its ends count code points, as indices of a Python string do."""

    start: int
    """Index of its first character."""
    end: int
    """Index after its last one; where it equals `start`, something is missing there."""
    severity: str
    """`minor`, `major` or `critical`."""
    category: str = ""
    """The kind of error, such as `accuracy/omission`; empty where none is named."""
    on_source: bool = False
    """Whether it lies in the source instead of the hypothesis."""
    confidence: float | None = None
    """How sure the model is of it, 0 to 1; None where it does not say."""
