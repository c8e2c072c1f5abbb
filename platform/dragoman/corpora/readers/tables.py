"""Corpora kept as rows with one sentence a column."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import ClassVar, Generic, TypeVar

from dragoman.corpora.base import BATCH, Corpus
from dragoman.corpora.readers.column_mapping import Column, Layout, TableOptions, layout_of
from dragoman.corpora.readers.name_patterns import beside, beside_pair, its_own, language_of, partners_in
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.corpus import CorpusOptions

Served = tuple[Pair, ...]
"""The pairs a segment serves: the first as it stands, a second one turned round."""

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
        return (segment for _, batch in self.together([pair], split) for segment in batch)

    def together(self, pairs: Collection[Pair], split: Split) -> Iterator[tuple[Served, list[Segment]]]:
        """The rows of several pairs, every part read once."""
        asked: dict[Part, list[Pair]] = {}
        own: dict[Part, Pair | None] = {}
        for pair in pairs:
            self.require(pair, split)
            found = self._part(pair, split)
            assert not isinstance(found, str)  # noqa: S101 - `require` would have refused
            own[found[1]] = found[0]
            asked.setdefault(found[1], []).append(pair)
        for part, wanted in asked.items():
            layout: Layout = self._layout(part)
            if layout.languages:
                yield from self._multiway(part, layout, _serving({min(pair, pair.reverse) for pair in wanted}, wanted))
            else:
                yield from self._bitexts(part, layout, own[part], wanted)

    def _multiway(
        self, part: Part, layout: Layout, serving: Mapping[Pair, Served]
    ) -> Iterator[tuple[Served, list[Segment]]]:
        """Rows with a column a language, each of which is a segment of every pair."""
        tags = sorted({tag for pair in serving for tag in pair})
        for tag in tags:
            if tag not in layout.languages:
                columns = ", ".join(layout.languages)
                raise CorpusError(
                    f"{self._place(part)} has no column of {tag}, only of {columns}: mend corpus.columns."
                )
        rows = self._rows(part, [layout.languages[tag] for tag in tags])
        while batch := list(islice(rows, BATCH)):
            texts = dict(zip(tags, zip(*batch, strict=True), strict=True))
            for served in serving.values():
                source, target = (texts[tag] for tag in served[0])
                yield served, list(_segments(source, target))

    def _bitexts(
        self, part: Part, layout: Layout, own: Pair | None, wanted: Collection[Pair]
    ) -> Iterator[tuple[Served, list[Segment]]]:
        """Rows with a source and a target, of the part's own pair or of the one they name."""
        known = self._pairs_in(part, layout.tags) if layout.tags else {}
        serving = _serving(set(known.values()) if layout.tags else [own or Pair("", "")], wanted)
        rows = self._rows(part, (*(layout.sides or ()), *(layout.tags or ())))
        while batch := list(islice(rows, BATCH)):
            by_pair: dict[Pair | None, list[Sequence[str]]] = {}
            for row in batch:
                pair = known.get((row[2], row[3])) if layout.tags else own
                by_pair.setdefault(pair, []).append(row)
            for pair, its in by_pair.items():
                if pair in serving:
                    served = serving[pair]
                    sides = [[row[side] for row in its] for side in ((0, 1) if served[0] == pair else (1, 0))]
                    yield served, list(_segments(*sides))

    def _lacking(self, pair: Pair, part: Part) -> str | None:
        """Why a part that serves all pairs does not serve this one."""
        layout: Layout = self._layout(part)
        if layout.tags:
            known = set(self._pairs_in(part, layout.tags).values())
            if {pair, pair.reverse} & known:
                return None
            return f"{self._place(part)} has no row of {pair}{beside_pair(pair, partners_in(known))}"
        if layout.sides:
            source, target = layout.sides
            raise CorpusError(
                f"corpus.columns does not tell the languages of {self._place(part)}: map them to its columns, such as "
                f"{{de: {source}, en: {target}}}, or put {{source}} and {{target}} into corpus.path."
            )
        for tag in pair:
            if columns := layout.doubtful.get(tag):
                raise CorpusError(
                    f"{self._place(part)} has {len(columns)} columns of {tag}, {' and '.join(columns)}: say which is "
                    f"meant with corpus.columns, such as {{{tag}: {columns[0]}, ...}}."
                )
        lacking = [tag for tag in pair if tag not in layout.languages]
        if not lacking:
            return None
        there = ", ".join(f"{tag} ({column})" for tag, column in layout.languages.items())
        instead = beside(lacking, layout.languages)
        return f"{self._place(part)} has no column of {' and '.join(lacking)}, only of {there}{instead}"

    def _scan(self, part: Part, columns: tuple[Column, Column]) -> dict[tuple[str, str], Pair]:
        """The pair that each two codes of rows stand for; of several for one pair those that are its own."""
        found: dict[Pair, dict[tuple[str, str], list[tuple[str, str]]]] = {}
        for codes in sorted({(source, target) for source, target in self._rows(part, columns)}):
            source, target = map(language_of, codes)
            if source and target:
                pair = Pair(source, target)
                found.setdefault(pair, {})[codes] = list(zip(codes, pair, strict=True))
        return {codes: pair for pair, its in found.items() for codes in its_own(its)}


def _serving(kept: Collection[Pair], wanted: Collection[Pair]) -> dict[Pair, Served]:
    """The wanted pairs that each pair of rows serves: itself, and its reverse where that has no rows of its own."""
    serving = {}
    for pair in kept:
        served = tuple(one for one in (pair, pair.reverse) if one in wanted and (one == pair or one not in kept))
        if served:
            serving[pair] = served
    return serving


def _segments(sources: Iterable[str], targets: Iterable[str]) -> Iterator[Segment]:
    """The segments of two columns, without those that have an empty side."""
    for source, target in zip(sources, targets, strict=True):
        left, right = source.strip(), target.strip()
        if left and right:
            yield Segment(left, right)
