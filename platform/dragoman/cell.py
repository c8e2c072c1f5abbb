"""A cell of the grid: one model on one test set, pair, prompt and decoding."""

from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict

from dragoman.identity import fingerprint
from dragoman.pair import Pair

CELL_VERSION = 1
"""Raised when the fields that make up a cell's identity change."""


class Tone(StrEnum):
    """How a state is coloured, wherever cells are shown."""

    REST = "rest"
    """Uncoloured: the rest of a bar."""
    ACTIVE = "active"
    """As what is under way."""
    GOOD = "good"
    """As what went well."""
    BAD = "bad"
    """As an alarm."""
    NEUTRAL = "neutral"
    """Neither good nor bad."""


class Hatching(StrEnum):
    """How the tile of a pair without a score is filled, so that states are told apart without a word or a colour."""

    BLANK = "blank"
    """With nothing."""
    RISING = "rising"
    """Lines from bottom left to top right."""
    FALLING = "falling"
    """Lines from top left to bottom right."""
    LEVEL = "level"
    """Lines from left to right."""
    UPRIGHT = "upright"
    """Lines from top to bottom."""
    DOTTED = "dotted"
    """Dots."""
    CROSSED = "crossed"
    """Lines both ways."""


class StateFacts(NamedTuple):
    """Properties of a cell state, from which its marks, words, styles and SQL checks are derived."""

    mark: str
    """Its mark in a table where there is no score."""
    tile: str
    """The same where there is room for four letters."""
    meaning: str
    """The same, in words for a legend."""
    tone: Tone
    """How it is coloured."""
    hatching: Hatching
    """How its tile is filled."""
    is_open: bool = False
    """Whether a run would still do it."""
    is_translated: bool = False
    """Whether it has hypotheses."""
    needs_reason: bool = False
    """Whether a reason is recorded."""
    is_quoted: bool = False
    """Whether it has scores that are quoted from elsewhere, and no hypotheses."""


class DescribedState(StrEnum):
    """A state that carries its facts; the members follow in `CellState`."""

    facts: StateFacts

    def __new__(cls, value: str, *facts: StateFacts) -> Self:
        """A state of this name; a lookup by its name alone does not call this."""
        state = str.__new__(cls, value)
        state._value_ = value
        (state.facts,) = facts
        return state

    @property
    def is_open(self) -> bool:
        """Whether a run would still do the cell."""
        return self.facts.is_open

    @property
    def is_translated(self) -> bool:
        """Whether the cell has hypotheses."""
        return self.facts.is_translated

    @property
    def has_scores(self) -> bool:
        """Whether the cell may have scores: of its hypotheses, or quoted."""
        return self.facts.is_translated or self.facts.is_quoted

    @property
    def needs_reason(self) -> bool:
        """Whether the store holds a reason for it."""
        return self.facts.needs_reason

    @property
    def word(self) -> str:
        """What tables and pages call it: what is open, by its mark."""
        return self.facts.mark if self.is_open else self.value

    @property
    def mark(self) -> str:
        """Its mark in a table where there is no score; `unscored` is translated, but not scored with this metric."""
        return self.facts.mark

    @property
    def meaning(self) -> str:
        """What the state means, in words for a legend."""
        return self.facts.meaning


class CellState(DescribedState):
    """State of a cell. Missing, failed, unscorable and a score of zero are four different things."""

    # All words and styles of a state follow from its facts, and so do the CHECK constraints of the store's tables: a
    # new state is a member here, and a migration of the columns that hold states (`dragoman.store.schema.cell_rules`).

    PLANNED = (
        "planned",
        StateFacts("to do", "todo", "not translated yet", Tone.REST, Hatching.BLANK, is_open=True),
    )
    """Not translated yet."""
    RUNNING = (
        "running",
        StateFacts("running", "run", "being translated", Tone.ACTIVE, Hatching.LEVEL, is_open=True),
    )
    """An actor is working on it, or was when its driver died."""
    DONE = (
        "done",
        StateFacts(
            "unscored", "none", "translated but not scored with this metric", Tone.GOOD, Hatching.UPRIGHT,
            is_translated=True,
        ),
    )  # fmt: skip
    """Translated; its hypotheses are stored."""
    FAILED = (
        "failed",
        StateFacts("failed", "fail", "failed", Tone.BAD, Hatching.FALLING, needs_reason=True),
    )
    """Tried and failed; the reason is recorded."""
    MISSING = (
        "missing",
        StateFacts("missing", "miss", "no test text", Tone.NEUTRAL, Hatching.RISING, needs_reason=True),
    )
    """The corpus has no text for this pair, or the model has no code for its language; the reason is recorded."""
    UNSCORABLE = (
        "unscorable",
        StateFacts(
            "unscorable", "unsc", "can't be scored", Tone.NEUTRAL, Hatching.DOTTED, is_translated=True,
            needs_reason=True,
        ),
    )  # fmt: skip
    """Translated, but no metric can score it; the reason is recorded."""
    QUOTED = (
        "quoted",
        StateFacts(
            "quoted", "quot", "quoted from a source that gives no score of this metric", Tone.NEUTRAL,
            Hatching.CROSSED, is_quoted=True,
        ),
    )  # fmt: skip
    """Not translated here; its scores are quoted from a source."""


class Cell(BaseModel):
    """The semantic fields of a cell, without how or where it runs."""

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
