"""Content hash and modification times of the files of a corpus that serve some pairs."""

from collections.abc import Iterable
from typing import NamedTuple

from dragoman.corpora.base import Corpus
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.segment import Split


class Reading(NamedTuple):
    """The files that serve some pairs."""

    revision: str
    """The hash of their whole content, pair by pair; their folder and their names do not count."""
    unseen: float
    """When a file that `Corpus.revision` does not cover as a whole was last written to, in seconds since 1970."""
    touched: float
    """When any of them was last written to or put where it is."""


def reading(corpus: Corpus, wanted: Iterable[tuple[Split, Pair]]) -> Reading | None:
    """The files that serve some pairs; None for a corpus that its revision identifies completely.

    Raises:
        CorpusError: a file can't be read.
    """
    lines: list[str] = []
    unseen = touched = 0.0
    for split, pair in sorted(set(wanted)):
        files = corpus.files_of(pair, split)
        if files is None:
            return None
        lines.append(f"{split} {pair} {' '.join(place.digest(name) for place, name in files)}")
        for place, name in files:
            unseen = max(unseen, place.unseen(name))
            touched = max(touched, place.touched(name))
    return Reading(f"{hash_lines(lines)}{corpus.rules}", unseen, touched)
