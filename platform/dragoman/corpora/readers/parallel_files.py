"""Corpora kept as two files a pair: line n of one side translates line n of the other."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import zip_longest
from typing import ClassVar

from pydantic import Field

from dragoman.corpora.base import Corpus
from dragoman.corpora.readers.files import Files
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Located, Segment, Split
from dragoman.spec.corpus import CorpusOptions

Side = tuple[Files, str]
"""A file: where it is and its name there."""


class PathOptions(CorpusOptions):
    """A corpus that is found at one address."""

    path: str = Field(min_length=1)
    """A folder, a zip, or any URL fsspec opens (`s3://bucket/folder`, `https://...`)."""


class SideBySide(Corpus):
    """A corpus of parallel files; a subclass defines which files serve a pair."""

    Options: ClassVar[type[CorpusOptions]] = PathOptions

    @abstractmethod
    def _sides(self, pair: Pair, split: Split) -> Sequence[tuple[Side, Side]]:
        """The source and target files of a pair, in reading order; none where the pair is missing."""

    @abstractmethod
    def _reason(self, pair: Pair, split: Split) -> str:
        """Why a pair without files is missing."""

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """The pairs no file is there for, or only files without a sentence; each is read up to the first one."""
        reasons = {}
        for pair in pairs:
            if (pair, split) not in self._reasons:
                self._reasons[pair, split] = self._why_missing(pair, split)
            if reason := self._reasons[pair, split]:
                reasons[pair] = reason
        return reasons

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The lines of the pair's files; those with an empty side are left out."""
        self.require(pair, split)
        for both in self._sides(pair, split):
            _, source, target = self._aligned(*both)
            yield from parallel(source, target, (_place(both[0]), _place(both[1])))

    def located(self, pair: Pair, split: Split) -> Iterator[Located]:
        """The same segments: by line where the corpus is multi-parallel; with the documents and labels it has."""
        self.require(pair, split)
        documents, labels = self._documents(pair, split), self._labels(pair, split)
        for both in self._sides(pair, split):
            first, source, target = self._aligned(*both)
            lines = _Counted(source)
            for segment in parallel(lines, target, (_place(both[0]), _place(both[1]))):
                row = first + lines.number - 1
                its = tuple((name, values[row]) for name, values in labels.items() if row in values)
                yield Located(segment, row if self.multiparallel else None, documents.get(row), its)

    def _lines(self, side: Side) -> Iterable[str]:
        files, name = side
        return files.lines(name)

    def _aligned(self, source: Side, target: Side) -> tuple[int, Iterable[str], Iterable[str]]:
        """The lines of two sides, of which every n-th is of one sentence, and the row of the first."""
        return 0, self._lines(source), self._lines(target)

    def _documents(self, pair: Pair, split: Split) -> Mapping[int, str]:
        """The document of each row of a pair; empty where the corpus names none."""
        del pair, split
        return {}

    def _labels(self, pair: Pair, split: Split) -> Mapping[str, Mapping[int, str]]:
        """What else is known of the rows of a pair, by the name of the label and the row."""
        del pair, split
        return {}

    @cached_property
    def _reasons(self) -> dict[tuple[Pair, Split], str | None]:
        return {}

    def _why_missing(self, pair: Pair, split: Split) -> str | None:
        sides = self._sides(pair, split)
        if not sides:
            return self._reason(pair, split)
        without = []
        try:
            for both in sides:
                blank = next((side for side in both if not any(map(str.strip, self._lines(side)))), None)
                if blank is None:
                    _, source, target = self._aligned(*both)
                    if next(parallel(source, target, (_place(both[0]), _place(both[1]))), None):
                        return None
                without.append(_place(blank or both[0]))
        except CorpusError:  # damage, which is reported when the text is read
            return None
        return f"{' and '.join(without)} {'has' if len(without) == 1 else 'have'} no sentence of {pair}"


def parallel(sources: Iterable[str], targets: Iterable[str], places: tuple[str, str]) -> Iterator[Segment]:
    """The segments of two sides; a line that is empty in either is left out.

    Args:
        sources: lines with their line breaks.
        targets: the same of the other side.
        places: the names of both sides, for errors.

    Raises:
        CorpusError: one side has more lines, or was cut off in its last one.
    """
    number = 0
    source: str | None = "\n"
    target: str | None = "\n"
    for number, (source, target) in enumerate(zip_longest(sources, targets), 1):
        if source is None or target is None:
            if (source or target or "").strip():
                short, long = places if source is None else reversed(places)
                raise CorpusError(
                    f"{short} ends after line {number - 1} but {long} goes on with line {number}: "
                    "both sides must have the same number of lines; fetch both again."
                )
        elif (left := source.strip()) and (right := target.strip()):
            yield Segment(left, right)
    if source and target and source.endswith("\n") != target.endswith("\n"):
        cut = places[0] if target.endswith("\n") else places[1]
        raise CorpusError(
            f"{cut}, line {number}: the file ends in the middle of its last line (the other side ends with a line "
            "break); fetch it again, or end it with a line break if it is whole."
        )


class _Counted:
    """Lines that are counted as they are read."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.number = 0
        """Lines read so far."""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.number += 1
            yield line


def _place(side: Side) -> str:
    files, name = side
    return files.place(name)
