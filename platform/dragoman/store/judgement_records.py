"""Records of human judgements: the campaigns given to raters, and what raters said of single translations."""

from typing import Annotated, NamedTuple

from pydantic import Field

from dragoman.identity import hash_lines
from dragoman.rating import Protocol, Rating
from dragoman.store.records import Record


class BlindedSystem(Record):
    """What is behind a name that raters see."""

    cell: str
    """Id of the cell."""
    hypotheses: str
    """Address of its translations as they were given to raters."""


class JudgementCampaignRecord(Record):
    """A campaign that was written for raters, with the key to its blinded systems."""

    id: str
    """Its name in the files."""
    protocol: Protocol
    """What raters are asked for."""
    chosen_by: str
    """How its sentences were chosen, such as `random` or `metric-variance (chrf)`."""
    systems: dict[str, BlindedSystem]
    """The systems by the names that raters see."""
    lines: tuple[int, ...]
    """Its test lines, from 1."""


class JudgementRecord(Record):
    """One rater's judgement of one translated line."""

    cell: str
    """Id of the cell whose translation was judged."""
    line: Annotated[int, Field(gt=0)]
    """The test line, from 1."""
    content: str
    """Hash of the translated line (`content_of`)."""
    rating: Rating
    """What was said."""
    campaign: str | None = None
    """Id of the campaign it is of; None for one from elsewhere."""

    @property
    def key(self) -> tuple[str, int, str, Protocol]:
        """What there is one judgement of: a cell, a line, a rater and a protocol."""
        return self.cell, self.line, self.rating.rater, self.rating.protocol


class Recorded(NamedTuple):
    """What became of judgements that were to be recorded."""

    new: int
    """How many were not here before."""
    same: int
    """How many were here, and say the same."""
    replaced: int
    """How many were here, said something else, and were replaced."""


def content_of(text: str) -> str:
    """The hash of a translated line that judgements are tied to."""
    return hash_lines([text])
