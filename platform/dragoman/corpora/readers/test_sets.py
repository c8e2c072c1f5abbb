"""Multi-parallel test sets with a file for each language, whose rows have an id that is the same in all of them."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from typing import ClassVar, NamedTuple

from pydantic import Field

from dragoman.corpora.base import Corpus, content_hash, hash_further, reopened
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.hub import local_copy
from dragoman.corpora.readers.name_patterns import beside
from dragoman.corpora.readers.parallel_files import Side
from dragoman.errors import CorpusError
from dragoman.identity import hash_lines
from dragoman.line import half_character, in_one_line
from dragoman.pair import Pair
from dragoman.reading import refused_as, within
from dragoman.segment import Located, Segment, Split
from dragoman.spec.corpus import CorpusOptions

ENGLISH = "en"

CACHED_FILES = 512
"""Files kept in memory: those of all languages of a split, since a grid reads each for every other language."""


class TestSetOptions(CorpusOptions):
    """Which copy of a test set is read, and how many references."""

    path: str = Field(min_length=1)
    """A folder, a zip or any URL fsspec opens, or the name on the Hugging Face hub."""
    revision: str | None = None
    """Commit or tag on the hub, needed there."""
    references: int = Field(default=1, ge=1)
    """The most references of a line that hypotheses are scored against, where the set has several."""


class Row(NamedTuple):
    """A sentence of a test set in the language of a file."""

    id: str
    """The same in every language."""
    texts: tuple[str, ...]
    """The sentence, and further translations of it."""
    english: str | None = None
    """The English sentence, in a file that has it beside its own language."""
    document: str | None = None
    """The document that it is from."""
    labels: tuple[tuple[str, str], ...] = ()
    """Labels of the line (`Located.labels`)."""


Numbered = tuple[int, Row]
"""A row with its line, or row, in the file."""


class TestSet(Corpus):
    """A test set; a subclass defines which files it has and what their rows are."""

    __test__ = False  # a noun of ours, not a pytest class
    Options: ClassVar[type[CorpusOptions]] = TestSetOptions
    reversible: ClassVar[bool] = True
    multiparallel: ClassVar[bool] = True
    title: ClassVar[str]
    """Its name for people."""
    splits: ClassVar[Collection[Split]] = (Split.TEST,)
    """The splits it has."""
    example: ClassVar[str]
    """A file every copy has."""
    with_english: ClassVar[bool] = True
    """Whether each file has the English sentence beside its own, so that English needs no file of its own."""
    called: ClassVar[str] = "id"
    """What it calls the id of a row."""
    fetched: ClassVar[str | None] = None
    """Which files are fetched from the hub, as `fnmatch` has it; by default all."""

    def __init__(self, options: CorpusOptions) -> None:
        self._given = options
        self._options = chosen = TestSetOptions.model_validate(
            options.model_dump(include={"path", "revision", "references"})
        )
        folder = local_copy(chosen.path, chosen.revision, self.fetched)
        self._files = Files("corpus.path", folder, f"the folder that holds {self.example}")
        self._names = self._found()
        self._files.require(self._names, f"file such as {self.example}")
        self._table = lru_cache(CACHED_FILES)(self._read_table)
        self._hashes = lru_cache(2 * CACHED_FILES)(self._find_hashes)
        self._known: dict[Split, tuple[str, Mapping[str, int]]] = {}

    @abstractmethod
    def _found(self) -> Mapping[tuple[Split, str], str]:
        """The file of each split and language."""

    @abstractmethod
    def _rows(self, name: str) -> Iterator[Numbered]:
        """The rows of a file, in order, each with its line.

        Raises:
            CorpusError: one is damaged.
        """

    def _row_labels(self, split: Split, row: Row) -> tuple[tuple[str, str], ...]:
        """The labels of a row."""
        del split
        return row.labels

    @property
    def references(self) -> int:
        """As many as the options choose, of languages that have them."""
        return self._options.references

    def with_references(self, references: int) -> Corpus:
        """The same copy with up to so many references of each line."""
        return reopened(self, self._given, references)

    @cached_property
    def revision(self) -> str:
        """The hash of every file of the layout."""
        return self._files.revision(self._names.values())

    def files_of(self, pair: Pair, split: Split) -> Sequence[Side]:
        """Those that hold the pair's sentences."""
        return [(self._files, name) for name in dict.fromkeys(name for name, _ in self._sides(pair, split))]

    def name_of(self, split: Split) -> str:
        """Nothing but its kind."""
        return ""

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """The pairs of languages that have no file, or no sentence in it."""
        return {pair: reason for pair in pairs if (reason := self._why_missing(pair, split))}

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The sentences that both languages have, in the order of the set."""
        return (line.segment for line in self.located(pair, split))

    def located(self, pair: Pair, split: Split) -> Iterator[Located]:
        """The same segments with their rows, documents, labels and further references."""
        self.require(pair, split)
        most = self._options.references
        for row, source, target, about in self._joined(pair, split):
            texts = [in_one_line(text) for text in (source[0], *target[:most])]
            labels = self._row_labels(split, about)
            yield Located(Segment(texts[0], texts[1]), row, about.document, labels, tuple(filter(None, texts[2:])))

    def content(self, pair: Pair, split: Split, sentences: int | None) -> str:
        """The hash of both sides' lines, each side read once for all its pairs."""
        self.require(pair, split)
        source, target = (self._hashes(*side, split, sentences) for side in self._sides(pair, split))
        if source is None or target is None:
            return content_hash(list(islice(self.located(pair, split), sentences)))
        return hash_lines([source[0], *target])

    def line_breaks(self, pair: Pair, split: Split, sentences: int | None) -> int:
        """Segments with a line break on either side, among the first so many."""
        lines = enumerate(self._joined(pair, split))
        first = (both for number, both in lines if sentences is None or number < sentences)
        return sum("\n" in source[0] or "\n" in target[0] for _, source, target, _ in first)

    def _sides(self, pair: Pair, split: Split) -> list[tuple[str, bool]]:
        """The file of the source and that of the target, each with whether it is read for the English beside."""
        names = [None if self._is_beside(tag) else self._names[split, tag] for tag in pair]
        beside_it = next(name for name in names if name is not None)
        return [(beside_it, True) if name is None else (name, False) for name in names]

    def _is_beside(self, tag: str) -> bool:
        return self.with_english and tag == ENGLISH

    def _joined(self, pair: Pair, split: Split) -> Iterator[tuple[int, Sequence[str], Sequence[str], Row]]:
        """The rows that have both sides: their number, the source, the target with further ones, and what is known."""
        (source, source_beside), (target, target_beside) = self._sides(pair, split)
        sources, targets = self._table(source, split), self._table(target, split)
        for key, number in self._ids(split)[1].items():
            left, right = _texts(sources[key], source_beside), _texts(targets[key], target_beside)
            if left[0] and right[0]:
                yield number, left, right, sources[key]

    def _find_hashes(self, name: str, is_beside: bool, split: Split, first: int | None) -> tuple[str, ...] | None:
        """The hash of a side's lines, and that of further ones where there are some; None if one of them is empty."""
        table, most = self._table(name, split), self._options.references
        lines = [_texts(table[key], is_beside)[:most] for key in islice(self._ids(split)[1], first)]
        if not all(line[0] for line in lines):
            return None
        hashed = hash_lines(in_one_line(line[0]) for line in lines)
        further = [[in_one_line(text) for text in line[1:] if text] for line in lines]
        return (hashed, hash_further(further)) if any(further) else (hashed,)

    def _ids(self, split: Split) -> tuple[str, Mapping[str, int]]:
        """The file that every other one is held against, which is the first with a row, and the numbers of its ids."""
        if split not in self._known:
            names = sorted(name for (of, _), name in self._names.items() if of == split)
            first = self._names.get((split, ENGLISH), names[0])
            name = next((name for name in (first, *names) if any(True for _ in self._rows(name))), first)
            self._known[split] = name, {key: number for number, key in enumerate(self._sound(name))}
        return self._known[split]

    def _read_table(self, name: str, split: Split) -> Mapping[str, Row]:
        """The rows of a file by their id, all of the set's and no others."""
        table = self._sound(name)
        other, ids = self._ids(split)
        for one, keys, others, lacking in ((name, table, ids, other), (other, ids, table, name)):
            if strange := next((key for key in keys if key not in others), None):
                raise CorpusError(
                    f"{self._files.place(lacking)} has no {self.called} {strange}, which is in "
                    f"{self._line(one, strange)}: one of them is cut off, or of another release; fetch both again."
                )
        return table

    def _line(self, name: str, key: str) -> str:
        """A row's place, for errors."""
        number = next(number for number, row in self._rows(name) if row.id == key)
        return f"{self._files.place(name)}, line {number}"

    def _sound(self, name: str) -> Mapping[str, Row]:
        """The rows of a file by their id, in order; no id twice, and no half of a character."""
        place = self._files.place(name)
        lines: dict[str, int] = {}
        table: dict[str, Row] = {}
        with refused_as(CorpusError):
            for number, row in within(self._rows(name), _size, place):
                if row.id in lines:
                    raise CorpusError(
                        f"{place}, line {number}, has the {self.called} {row.id} of line {lines[row.id]}: each should "
                        "be there once; fetch the file again."
                    )
                for text in (*row.texts, row.english or ""):
                    if half := half_character(text):
                        raise CorpusError(f"{place}, line {number}, holds half a character ({half}): mend the line.")
                lines[row.id] = number
                table[row.id] = row
        return table

    def _why_missing(self, pair: Pair, split: Split) -> str | None:
        there = {tag for of, tag in self._names if of == split}
        if self._is_beside(ENGLISH) and there:
            there.add(ENGLISH)
        if split not in self.splits:
            return f"{self.title} has {' and '.join(self.splits)} text, but no {split} text"
        if lacking := [tag for tag in pair if tag not in there]:
            return f"{self._files.url} has no {split} file for {' and '.join(lacking)}{beside(lacking, there)}"
        try:
            names = list(dict.fromkeys(name for name, _ in self._sides(pair, split)))
            empty = [name for name in names if next(self._rows(name), None) is None]
            if not empty and next(self._joined(pair, split), None):
                return None
        except CorpusError:  # damage, which is reported when the text is read
            return None
        without = " and ".join(map(self._files.place, empty or names))
        return f"{without} {'has' if len(empty or names) < 2 else 'have'} no sentence of {pair}"


def by_language(
    files: Iterable[str], split_and_language: Callable[[str], tuple[Split, str] | None]
) -> dict[tuple[Split, str], str]:
    """The files of a layout by split and language; of several for one, the first by name.

    Args:
        files: names of files.
        split_and_language: what a name says; None for another file.
    """
    found: dict[tuple[Split, str], str] = {}
    for name in sorted(files):
        if key := split_and_language(name):
            found.setdefault(key, name)
    return found


def _size(numbered: Numbered) -> int:
    row = numbered[1]
    return sum(map(len, row.texts)) + len(row.english or "")


def _texts(row: Row, is_beside: bool) -> Sequence[str]:
    return (row.english or "",) if is_beside else row.texts
