"""Corpora kept as rows with one sentence a column."""

from abc import abstractmethod
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count, islice, repeat
from typing import ClassVar, Generic, TypeVar

from dragoman.corpora.base import BATCH, Corpus, reopened
from dragoman.corpora.readers.column_mapping import (
    DOCUMENT,
    Column,
    Layout,
    TableOptions,
    ambiguous,
    document_column,
    first_columns,
    further_columns,
    layout_of,
    require_columns,
)
from dragoman.corpora.readers.name_patterns import beside, beside_pair, its_own, language_of, partners_in
from dragoman.errors import CorpusError, nearest
from dragoman.line import MARK, in_one_line
from dragoman.pair import Pair
from dragoman.segment import Located, Segment, Split
from dragoman.spec.corpus import CorpusOptions

Served = tuple[Pair, ...]
"""The pairs a segment serves: the first as it is, a second one reversed."""

Part = TypeVar("Part")
"""What holds rows: a file, or a configuration of a data set. It can be hashed."""


class Table(Corpus, Generic[Part]):
    """A corpus of rows; a subclass defines what its parts are and how one is read."""

    Options: ClassVar[type[CorpusOptions]] = TableOptions

    def __init__(self, options: CorpusOptions) -> None:
        self._given = options
        chosen = TableOptions.model_validate(options.model_dump(include={"columns", "references", "labels"}))
        self._columns, self._label_columns = first_columns(chosen.columns), chosen.labels
        others = further_columns(chosen.columns)
        self._further = {key: found for key, columns in others.items() if (found := columns[: chosen.references - 1])}
        self._layout = cache(lambda part: layout_of(self._columns, self._names(part), self._place(part)))
        self._pairs_in = cache(self._scan)
        self._is_empty = cache(self._holds_nothing)
        self._has_sentences: dict[Part, dict[Pair, bool]] = {}
        self._broken: dict[tuple[Pair, Split], array[int]] = {}

    @property
    def references(self) -> int:
        """As many as a language has columns, of those that the options choose."""
        return 1 + max(map(len, self._further.values()), default=0)

    def with_references(self, references: int) -> Corpus:
        """The same table with up to so many columns of a language."""
        return reopened(self, self._given, references)

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

    @abstractmethod
    def _holds_nothing(self, part: Part) -> bool:
        """Whether a part has neither rows nor names."""

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """Pairs without a file, a column or a sentence.

        A part is read up to the first sentence of each pair; one that names its languages row by row whole, once.
        """
        reasons: dict[Pair, str] = {}
        asked: dict[Part, list[Pair]] = {}
        for pair in pairs:
            found = self._part(pair, split)
            if isinstance(found, str):
                reasons[pair] = found
            elif self._is_empty(found[1]):
                reasons[pair] = self._no_sentence(pair, found[1])
            elif found[0] is None and (reason := self._why_missing(pair, found[1])):
                reasons[pair] = reason
            else:
                asked.setdefault(found[1], []).append(pair)
        for part, wanted in asked.items():
            known = self._known(part, {min(pair, pair.reverse) for pair in wanted})
            reasons |= {pair: self._no_sentence(pair, part) for pair in wanted if not known[min(pair, pair.reverse)]}
        return reasons

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The pair's rows in order; those with an empty side are left out."""
        return (segment for _, batch in self.together([pair], split) for segment in batch)

    def located(self, pair: Pair, split: Split) -> Iterator[Located]:
        """The same segments with their rows' documents and labels; by row where one part has a column a language."""
        self.require(pair, split)
        found = self._part(pair, split)
        assert not isinstance(found, str)  # noqa: S101 - `require` would have refused
        kept_for, part = found
        layout: Layout = self._layout(part)
        columns: Sequence[Column] = layout.of_rows
        served = kept_for or pair
        if layout.languages:
            columns, served = [layout.languages[tag] for tag in pair], pair
        elif layout.tags:
            named = self._pairs_in(part, layout.of_rows)
            served = pair if pair in named.values() else pair.reverse
        side = pair.target if layout.languages else "target" if served == pair else "source"
        further = [] if layout.tags else self._further.get(side, [])
        require_columns(further, self._names(part), self._place(part))
        columns = [*columns, *further]
        of_rows = self._label_columns_of(part, columns)
        labels = [self._labels(part, column, columns) for column in of_rows.values()]
        known: Iterator[tuple[str, ...]] = zip(*labels, strict=True) if labels else repeat(())
        rows = zip(count(), self._rows(part, columns), known, strict=False)
        is_shared, reading = bool(layout.languages) and kept_for is None, self._reading(split)
        for batch in iter(lambda: list(islice(rows, BATCH)), []):
            if layout.tags:
                batch = [each for each in batch if named.get((each[1][2], each[1][3])) == served]
            sides = [row[:2] if served == pair else row[1::-1] for _, row, _ in batch]
            segments = reading.segments(pair, *(zip(*sides, strict=True) if sides else ((), ())))
            kept = (each for each, both in zip(batch, sides, strict=True) if all(map(_sentence, both)))
            for segment, (row, texts, its) in zip(segments, kept, strict=True):
                said = {name: value for name, value in zip(of_rows, its, strict=True) if value}
                own = tuple((name, value) for name, value in said.items() if name in self._label_columns)
                others = texts[2:] if further else ()
                references = tuple(in_one_line(text) for text in map(_sentence, others) if text)
                yield Located(segment, row if is_shared else None, said.get(DOCUMENT), own, references)

    def _label_columns_of(self, part: Part, sides: Sequence[Column]) -> dict[str, Column]:
        """The columns of the labels, with that of the documents, which is found by its name too.

        Raises:
            CorpusError: a column that is named is not there.
        """
        names = self._names(part)
        for name, column in self._label_columns.items():
            if isinstance(column, str) and column not in names:
                raise CorpusError(
                    f"corpus.labels names the column '{column}' for {name}, but {self._place(part)} has no such "
                    f"column; {nearest(column, names)}"
                )
        found = document_column(names, sides)
        return {**({DOCUMENT: found} if found else {}), **self._label_columns}

    def _labels(self, part: Part, column: Column, beside: Sequence[Column]) -> Iterator[str]:
        """A column that holds no sentences, row by row.

        Args:
            part: the part.
            column: the column.
            beside: the columns of the sentences that are read with it.
        """
        del beside
        return (row[0] for row in self._rows(part, [column]))

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
                serving = _serving({min(pair, pair.reverse) for pair in wanted}, wanted)
                yield from self._multiway(part, layout, serving, self._reading(split))
            else:
                yield from self._bitexts(part, layout, own[part], wanted, self._reading(split))

    def line_breaks(self, pair: Pair, split: Split, sentences: int | None) -> int:
        """Those of the first so many segments, of those that were read, with a line break on either side."""
        broken = self._broken.get((pair, split)) or self._broken.get((pair.reverse, split)) or array("Q")
        return len(broken) if sentences is None else bisect_left(broken, sentences)

    def _multiway(
        self, part: Part, layout: Layout, serving: Mapping[Pair, Served], reading: "_Reading"
    ) -> Iterator[tuple[Served, list[Segment]]]:
        """Rows with a column a language, each of which is a segment of every pair."""
        tags = sorted({tag for pair in serving for tag in pair})
        for tag in tags:
            self._require_column(part, layout, tag)
        rows = self._rows(part, [layout.languages[tag] for tag in tags])
        while batch := list(islice(rows, BATCH)):
            texts = dict(zip(tags, zip(*batch, strict=True), strict=True))
            for served in serving.values():
                source, target = (texts[tag] for tag in served[0])
                yield served, reading.segments(served[0], source, target)

    def _require_column(self, part: Part, layout: Layout, tag: str) -> None:
        if tag not in layout.languages:
            columns = ", ".join(layout.languages)
            raise CorpusError(f"{self._place(part)} has no column of {tag}, only of {columns}: mend corpus.columns.")
        if names := layout.ambiguous.get(tag):
            raise ambiguous(self._place(part), tag, names)

    def _bitexts(
        self, part: Part, layout: Layout, own: Pair | None, wanted: Collection[Pair], reading: "_Reading"
    ) -> Iterator[tuple[Served, list[Segment]]]:
        """Rows with a source and a target, of the part's own pair or of the one they name."""
        known = self._pairs_in(part, layout.of_rows) if layout.tags else {}
        serving = _serving(set(known.values()) if layout.tags else [own or Pair("", "")], wanted)
        rows = self._rows(part, layout.of_rows)
        while batch := list(islice(rows, BATCH)):
            by_pair: dict[Pair | None, list[Sequence[str]]] = {}
            for row in batch:
                pair = known.get((row[2], row[3])) if layout.tags else own
                by_pair.setdefault(pair, []).append(row)
            for pair, its in by_pair.items():
                if pair in serving:
                    served = serving[pair]
                    sides = [[row[side] for row in its] for side in ((0, 1) if served[0] == pair else (1, 0))]
                    yield served, reading.segments(served[0], *sides)

    def _why_missing(self, pair: Pair, part: Part) -> str | None:
        """Why a part that serves all pairs does not serve this one."""
        layout: Layout = self._layout(part)
        if layout.tags:
            known = set(self._pairs_in(part, layout.of_rows).values())
            if {pair, pair.reverse} & known:
                return None
            return f"{self._place(part)} has no row of {pair}{beside_pair(pair, partners_in(known))}"
        if layout.sides:
            source, target = layout.sides
            raise CorpusError(
                f"corpus.columns does not tell the languages of {self._place(part)}: map them to its columns, such as "
                f"{{de: {source}, en: {target}}}, or put {{source}} and {{target}} into corpus.path."
            )
        lacking = [tag for tag in pair if tag not in layout.languages]
        if lacking:
            there = ", ".join(
                f"{tag} ({', '.join(layout.ambiguous.get(tag, (str(column),)))})"
                for tag, column in layout.languages.items()
            )
            instead = beside(lacking, layout.languages)
            return f"{self._place(part)} has no column of {' and '.join(lacking)}, only of {there}{instead}"
        for tag in pair:
            self._require_column(part, layout, tag)
        return None

    def _no_sentence(self, pair: Pair, part: Part) -> str:
        return f"{self._place(part)} has no sentence of {pair}"

    def _known(self, part: Part, pairs: Collection[Pair]) -> dict[Pair, bool]:
        """Whether a part has a sentence of some pairs, each in the order of its tags."""
        known = self._has_sentences.setdefault(part, {})
        asked = set(pairs) - known.keys()
        if asked:
            try:
                known |= dict.fromkeys(asked, False) | dict.fromkeys(self._with_sentences(part, asked), True)
            except CorpusError:  # damage, which is reported when the text is read
                known |= dict.fromkeys(asked, True)
        return known

    def _with_sentences(self, part: Part, asked: set[Pair]) -> set[Pair]:
        layout: Layout = self._layout(part)
        if layout.tags:
            kept = set(self._pairs_in(part, layout.of_rows).values())
            return {pair for pair in asked if {pair, pair.reverse} & kept}
        if not layout.languages:
            return asked if any(all(map(_sentence, row)) for row in self._rows(part, layout.of_rows)) else set()
        tags = sorted({tag for pair in asked for tag in pair})
        found: set[Pair] = set()
        tried: set[frozenset[str]] = set()
        for row in self._rows(part, [layout.languages[tag] for tag in tags]):
            there = frozenset(tag for tag, text in zip(tags, row, strict=True) if _sentence(text))
            if there not in tried:
                tried.add(there)
                found |= {pair for pair in asked if there.issuperset(pair)}
                if len(found) == len(asked):
                    break
        return found

    def _reading(self, split: Split) -> "_Reading":
        return _Reading(self._broken, split)

    def _scan(self, part: Part, columns: tuple[Column, ...]) -> dict[tuple[str, str], Pair]:
        """The pair that each two codes of rows with a sentence stand for; of several for one pair those of its own."""
        found: dict[Pair, dict[tuple[str, str], list[tuple[str, str]]]] = {}
        rows = self._rows(part, columns)
        for codes in sorted({(row[2], row[3]) for row in rows if _sentence(row[0]) and _sentence(row[1])}):
            source, target = map(language_of, codes)
            if source and target:
                pair = Pair(source, target)
                found.setdefault(pair, {})[codes] = list(zip(codes, pair, strict=True))
        return {codes: pair for pair, its in found.items() for codes in its_own(its)}


def _sentence(cell: str) -> str:
    """What a cell says: without the byte-order mark that files which were joined have in the middle."""
    return cell.removeprefix(MARK).strip()


def _serving(kept: Collection[Pair], wanted: Collection[Pair]) -> dict[Pair, Served]:
    """The wanted pairs that each pair of rows serves: itself, and its reverse where that has no rows of its own."""
    serving = {}
    for pair in kept:
        served = tuple(one for one in (pair, pair.reverse) if one in wanted and (one == pair or one not in kept))
        if served:
            serving[pair] = served
    return serving


class _Reading:
    """One reading of some text; which segments had line breaks is noted once, however often they are read."""

    def __init__(self, broken: dict[tuple[Pair, Split], "array[int]"], split: Split) -> None:
        self._broken, self._split = broken, split
        self._made: Counter[Pair] = Counter()

    def segments(self, pair: Pair, sources: Iterable[str], targets: Iterable[str]) -> list[Segment]:
        """The next segments of a pair from two columns, without those that have an empty side."""
        segments: list[Segment] = []
        for source, target in zip(sources, targets, strict=True):
            left, right = _sentence(source), _sentence(target)
            if left and right:
                if "\n" in left or "\n" in right:
                    self._note(pair, self._made[pair] + len(segments))
                    left, right = in_one_line(left), in_one_line(right)
                segments.append(Segment(left, right))
        self._made[pair] += len(segments)
        return segments

    def _note(self, pair: Pair, place: int) -> None:
        noted = self._broken.setdefault((pair, self._split), array("Q"))
        if not noted or noted[-1] < place:
            noted.append(place)
