"""Base class of files of translations: what one system made of the test sentences of some pairs."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from dragoman.errors import DragomanError
from dragoman.pair import Pair
from dragoman.reading import ReadingError


class TranslationError(DragomanError):
    """Translations from elsewhere that are not there, or not those of a grid's test sentences."""


class Entry(NamedTuple):
    """One translation as it stands in a file."""

    number: int
    """The line of the file, or the row of a table, from 1."""
    hypothesis: str
    """The translation."""
    source: str | None = None
    """The sentence that was translated, where the file has it."""
    prompt: str | None = None
    """The prompt that was asked, with the sentence in it, where the file has that alone."""


class TranslationFiles(ABC):
    """One system's translations; a subclass for each layout."""

    unit: str = "line"
    """What entries are numbered by."""

    @property
    @abstractmethod
    def pairs(self) -> Collection[Pair]:
        """The pairs that there are translations of."""

    @abstractmethod
    def place(self, pair: Pair) -> str:
        """Name of the file of a pair, for people."""

    @abstractmethod
    def entries(self, pair: Pair) -> Sequence[Entry]:
        """The translations of a pair, in the order of the test set.

        Raises:
            DragomanError: the file is damaged; the sentence names the line.
        """

    @abstractmethod
    def why_missing(self, pair: Pair) -> str:
        """Why a pair has none, as a clause."""


@contextmanager
def refused() -> Iterator[None]:
    """Context manager that makes a `TranslationError`, with the same sentence, of what is over a limit."""
    try:
        yield
    except ReadingError as error:
        raise TranslationError(str(error)) from error


def in_order(entries: Sequence[tuple[int, Entry]], place: str, unit: str) -> list[Entry]:
    """Entries that are numbered by their test sentences, in order.

    Args:
        entries: each with the number of its test sentence; the first sentence is 0 or 1.
        place: name of the file, for errors.
        unit: what entries are numbered by.

    Raises:
        TranslationError: a number is there twice, or one is lacking.
    """
    found: dict[int, Entry] = {}
    for number, entry in entries:
        if number in found:
            raise TranslationError(
                f"{place}, {unit} {entry.number}: sentence {number} is there already, in {unit} "
                f"{found[number].number}; keep one of the two."
            )
        found[number] = entry
    first = 0 if 0 in found else 1
    for expected, number in enumerate(sorted(found), first):
        if number != expected:
            raise TranslationError(
                f"{place}, {unit} {found[number].number}: it translates sentence {number}, and sentence {expected} is "
                "nowhere; give a translation of every test sentence."
            )
    return [found[number] for number in sorted(found)]
