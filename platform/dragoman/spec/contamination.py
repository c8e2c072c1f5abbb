"""Settings of the contamination check: how training text is compared with the test set, and the limit."""

from pydantic import Field

from dragoman.spec.base import SpecModel

SIMILARITY = 0.75
"""From where two sentences are nearly the same: a changed word in four, if all are of a length."""


class Contamination(SpecModel):
    """The check of training text against the sentences that will be tested."""

    similarity: float = Field(default=SIMILARITY, gt=0.5, le=1)
    """How alike two sentences must be to be nearly the same: 1 - edits / length; 1 finds exact copies only."""
    at_most: float = Field(default=1.0, ge=0, le=1)
    """The share of the test sentences of one side of one pair that may be in its training text; more stops the run.
    By default nothing does."""
