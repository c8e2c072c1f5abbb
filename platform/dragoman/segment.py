"""A segment of aligned text, and the split of a corpus it is in."""

from enum import StrEnum
from typing import NamedTuple


class Split(StrEnum):
    """The parts of a corpus: finetuning reads train, choices are made on dev, reports on test."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class Segment(NamedTuple):
    """One line of text in the source language and its translation."""

    source: str
    target: str


class Located(NamedTuple):
    """A segment with its place in its corpus."""

    segment: Segment
    """The segment."""
    row: int | None = None
    """Its row, which is the same sentence in every pair; None where pairs have rows of their own."""
    document: str | None = None
    """The document it is from; None where the corpus names none."""
    labels: tuple[tuple[str, str], ...] = ()
    """What else its corpus says of the line, by the name of the label: `domain`, `original` (the BCP-47 language it was
    first written in) and others. They choose the lines of a slice of a test set and never change a text."""
