"""An error is a sentence: what is wrong, where, and what to do about it."""

from collections.abc import Iterable
from difflib import get_close_matches
from textwrap import shorten
from typing import ClassVar


class DragomanError(Exception):
    """A mistake the user can mend; the command line prints the sentence and exits with its code."""

    exit_code: ClassVar[int] = 2
    """What the command ends with."""


class SpecError(DragomanError):
    """A grid specification that can't be run as written."""


class CorpusError(DragomanError):
    """A corpus that is not there, or holds something other than it should."""


class StoreError(DragomanError):
    """A question the results store can't answer, or a store this program can't use."""


class ModelError(DragomanError):
    """A model that is not there, or can't be loaded, converted or registered."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The remedy for a misspelt name: the nearest allowed one, else the whole list.

    Returns a clause to end a sentence with, such as ``did you mean 'full'?``.
    """
    choices = sorted(set(allowed))
    folded = {choice.casefold(): choice for choice in choices}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    if not choices:
        return "there are none yet."
    return f"use one of: {', '.join(choices)}."


def first_line(error: Exception) -> str:
    """What another library's error says, cut to what fits in parentheses."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return shorten(lines[0], 200).rstrip(".: ")
