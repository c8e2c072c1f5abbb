"""A cell of the grid: one model on one test set, pair, prompt and decoding."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from dragoman.identity import fingerprint
from dragoman.pair import Pair

CELL_VERSION = 1
"""Raised when the fields that make up a cell's identity change."""


class CellState(StrEnum):
    """Where a cell stands. Missing, failed, unscorable and a score of zero are four different things."""

    PLANNED = "planned"
    """Not translated yet."""
    RUNNING = "running"
    """An actor is at it, or was when its driver died."""
    DONE = "done"
    """Translated; its hypotheses are stored."""
    FAILED = "failed"
    """Tried and failed; the reason is recorded."""
    MISSING = "missing"
    """The corpus has no text for this pair, or the model no word for its language; the reason is recorded."""
    UNSCORABLE = "unscorable"
    """Translated, but no metric can score it; the reason is recorded."""


class Cell(BaseModel):
    """The semantic fields of a cell, and nothing of how or where it runs."""

    model_config = ConfigDict(frozen=True)

    model: str
    """Id of the model (`ModelIdentity.id`)."""
    test_set: str
    """Id of the test set: corpus, revision, split and number of lines."""
    content: str
    """Hash of the pair's source and reference lines; empty where the corpus has none."""
    pair: Pair
    """The direction translated."""
    prompt: str
    """Id of the prompt."""
    decoding: str
    """Id of the decoding."""

    @property
    def id(self) -> str:
        """The versioned hash of the fields: the same before and after the run, on every machine."""
        return fingerprint("cell", CELL_VERSION, self.model_dump(mode="json"))


class Unscorable(NamedTuple):
    """A metric that can't score a cell, which is neither a failure nor a zero."""

    metric: str
    """Name of the metric."""
    reason: str
    """A sentence."""
