"""Errors of Dragoman and their base class: each is a sentence of what is wrong, where, and what to do about it."""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from textwrap import shorten
from typing import ClassVar

from dragoman.redaction import masked

_MOST_NEAREST = 3
"""Names that are offered for a misspelt one, at most."""


class DragomanError(Exception):
    """A mistake the user can mend; the command line prints the sentence and exits with its code.

    Secrets in the sentence are masked when it is made, where their values are known, wherever it is shown then.
    """

    exit_code: ClassVar[int] = 2
    """Exit code of the command."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(masked(each) if isinstance(each, str) else each for each in arguments))


class SpecError(DragomanError):
    """A grid specification that can't be run as written."""


class CorpusError(DragomanError):
    """A corpus that is not there, or holds something other than it should."""


class StoreError(DragomanError):
    """A query that the results store can't answer, or a store this program can't use."""


class StoreUnusableError(StoreError):
    """A store that can't be used at all: damaged, locked, full, or out of reach."""


class ModelError(DragomanError):
    """A model that is not there, or can't be loaded, converted or registered."""


def nearest(name: str, allowed: Iterable[str]) -> str:
    """The remedy for a misspelt name: the nearest allowed one, several that are as near, else the whole list.

    Returns a clause to end a sentence with, such as ``did you mean 'full'?``.
    """
    choices = sorted(set(allowed))
    folded = {choice.casefold(): choice for choice in choices}
    close = get_close_matches(name.casefold(), folded, n=_MOST_NEAREST, cutoff=0.6)
    if close:
        likeness = [SequenceMatcher(None, choice, name.casefold()).ratio() for choice in close]
        best = sorted(folded[each] for each, like in zip(close, likeness, strict=True) if like == likeness[0])
        *first, last = (f"'{each}'" for each in best)
        return f"did you mean {', '.join(first)}{' or ' if first else ''}{last}?"
    if not choices:
        return "there are none yet."
    return f"use one of: {', '.join(choices)}."


def first_line(error: Exception) -> str:
    """The first line of another library's error, without secrets, cut to what fits in parentheses."""
    lines = masked(str(error)).strip().splitlines() or [type(error).__name__]
    return shorten(lines[0], 200).rstrip(".: ")
