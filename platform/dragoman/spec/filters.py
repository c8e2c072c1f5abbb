"""Filters of training text, as a spec writes them."""

from pydantic import Field

from dragoman.spec.base import SpecModel


class Filters(SpecModel):
    """What a segment must be like to be drawn; by default, anything."""

    min_length: int = Field(default=1, ge=1)
    """Characters each side must have."""
    max_length: int | None = Field(default=None, ge=1)
    """Characters each side may have."""
    max_length_ratio: float | None = Field(default=None, gt=1)
    """How many times longer than usual one side may be beside the other. Usual is the median of the pair's first
    segments, so that a dense script (Chinese beside English) needs no bound of its own."""
    language: bool = False
    """Whether each side must be in its language, as far as the detector of the off-target metric can tell."""
    test_overlap: bool = False
    """Whether segments are left out that are like a sentence of the test set on either side (`contamination`)."""
