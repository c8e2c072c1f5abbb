"""Corpora kept as rows with one sentence a column."""

from abc import abstractmethod
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import ClassVar, Generic, TypeVar

from dragoman.corpora.base import Corpus, CorpusOptions, Segment, Split
from dragoman.corpora.columns import Column, Layout, TableOptions, layout_of
from dragoman.corpora.naming import language_of
from dragoman.errors import CorpusError
from dragoman.pair import Pair

Part = TypeVar("Part")
"""What holds rows: a file, or a configuration of a data set. It can be hashed."""


class Table(Corpus, Generic[Part]):
    """A corpus of rows; a kind says what its parts are and how one is read."""

    Options: ClassVar[type[CorpusOptions]] = TableOptions

    def __init__(self, options: CorpusOptions) -> None:
        self._columns = TableOptions.model_validate(options.model_dump(include={"columns"})).columns
        self._layout = cache(lambda part: layout_of(self._columns, self._names(part), self._place(part)))
        self._pairs_in = cache(self._scan)

    @abstractmethod
    def _part(self, pair: Pair, split: Split) -> tuple[Pair | None, Part] | str:
        """The part that serves a pair and the pair it is kept for (it, its reverse, None for all); or why none does."""

    @abstractmethod
    def _names(self, part: Part) -> Sequence[str]:
        """The names of a part's columns, from its beginning alone; empty if they have none."""

    @abstractmethod
    def _rows(self, part: Part, columns: Sequence[Column]) -> Iterator[Sequence[str]]:
        """The text of some columns, row by row; an empty string where a row has none."""

    @abstractmethod
    def _place(self, part: Part) -> str:
        """A part's name for people."""

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """Pairs without a file or column; only a file that names its languages row by row is read whole, once."""
        reasons = {}
        for pair in pairs:
            found = self._part(pair, split)
            if isinstance(found, str):
                reasons[pair] = found
            elif found[0] is None and (reason := self._lacking(pair, found[1])):
                reasons[pair] = reason
        return reasons

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The pair's rows in order; those with an empty side are left out."""
        self.require(pair, split)
        found = self._part(pair, split)
        assert not isinstance(found, str)  # noqa: S101 - `require` would have refused
        kept_for, part = found
        layout: Layout = self._layout(part)
        forward = kept_for == pair
        if layout.tags:
            # rows of the other direction serve only where there are none of this one
            forward = pair in self._pairs_in(part, layout.tags)
        wanted = pair if forward else pair.reverse
        sides = layout.sides or self._columns_of(wanted, part)
        for source, target, *tags in self._rows(part, (*sides, *(layout.tags or ()))):
            left, right = source.strip(), target.strip()
            if left and right and (not tags or tuple(map(language_of, tags)) == wanted):
                yield Segment(left, right) if forward else Segment(right, left)

    def _lacking(self, pair: Pair, part: Part) -> str | None:
        """Why a part that serves all pairs does not serve this one."""
        layout: Layout = self._layout(part)
        if layout.tags:
            known = self._pairs_in(part, layout.tags)
            return None if {pair, pair.reverse} & known else f"{self._place(part)} has no row of {pair}"
        if layout.sides:
            source, target = layout.sides
            raise CorpusError(
                f"corpus.columns does not tell the languages of {self._place(part)}: map them to its columns, such as "
                f"{{de: {source}, en: {target}}}, or put {{source}} and {{target}} into corpus.path."
            )
        lacking = [tag for tag in pair if tag not in layout.languages]
        return f"{self._place(part)} has no column of {' and '.join(lacking)}" if lacking else None

    def _columns_of(self, pair: Pair, part: Part) -> tuple[Column, Column]:
        languages = self._layout(part).languages
        for tag in pair:
            if tag not in languages:
                raise CorpusError(
                    f"{self._place(part)} has no column of {tag}, only of {', '.join(languages)}: mend corpus.columns."
                )
        return languages[pair.source], languages[pair.target]

    def _scan(self, part: Part, columns: tuple[Column, Column]) -> frozenset[Pair]:
        found = {(language_of(source), language_of(target)) for source, target in self._rows(part, columns)}
        return frozenset(Pair(source, target) for source, target in found if source and target)
