"""A finding of `dragoman doctor`: a part, its state, what is wrong and what to do about it."""

from enum import StrEnum
from typing import NamedTuple

from dragoman.redaction import masked


class State(StrEnum):
    """State of a part."""

    OK = "ok"
    WARNING = "warning"
    """Works, or is not in use, with something to note."""
    FAULT = "fault"


class Finding(NamedTuple):
    """One line of the report; texts hold no secret."""

    part: str
    state: State
    what: str
    """What was found."""
    remedy: str = ""
    """What to do about it; empty where nothing is wrong."""


def fine(part: str, what: str) -> Finding:
    """A part that is as it should be."""
    return Finding(part, State.OK, masked(what))


def warning(part: str, what: str, remedy: str) -> Finding:
    """A part that works, with something to note."""
    return Finding(part, State.WARNING, masked(what), masked(remedy))


def fault(part: str, what: str, remedy: str) -> Finding:
    """A part that does not work."""
    return Finding(part, State.FAULT, masked(what), masked(remedy))
