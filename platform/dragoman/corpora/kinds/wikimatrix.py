"""WikiMatrix: sentences mined from Wikipedia, one file a language pair for both directions.

Format: ``WikiMatrix.de-en.tsv.gz``, lines of ``margin⇥de⇥en``, best margin first (Schwenk et al. 2021,
https://aclanthology.org/2021.eacl-main.115, which advises a margin of at least 1.04).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache, cached_property
from typing import ClassVar

from pydantic import Field

from dragoman.corpora.base import Corpus
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.name_patterns import PACKED, beside_pair, its_own, language_of, partners_in
from dragoman.corpora.readers.parallel_files import PathOptions, Side
from dragoman.corpora.readers.tsv_lines import check_end, halves
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.corpus import CorpusOptions

_LAYOUT = re.compile(rf"(?:.*/)?WikiMatrix\.([^./-]+)-([^./-]+)\.tsv{PACKED}")


class WikiMatrixOptions(PathOptions):
    """Where the files are, and how good a line must be."""

    margin: float = Field(default=1.04, ge=0)
    """Lines with a smaller margin score are left out."""


class WikiMatrix(Corpus):
    """A folder of WikiMatrix files; all text is training text."""

    Options: ClassVar[type[CorpusOptions]] = WikiMatrixOptions
    reversible: ClassVar[bool] = True

    def __init__(self, options: CorpusOptions) -> None:
        chosen = WikiMatrixOptions.model_validate(options.model_dump())
        self._margin = chosen.margin
        self._files = Files("corpus.path", chosen.path, "the folder that holds files such as WikiMatrix.de-en.tsv.gz")
        found: dict[Pair, dict[str, list[tuple[str, str]]]] = {}
        for name in self._files.names:
            if match := _LAYOUT.fullmatch(name):
                left, right = language_of(match[1]), language_of(match[2])
                if left and right and left != right:
                    found.setdefault(Pair(left, right), {})[name] = [(match[1], left), (match[2], right)]
        self._names = {pair: its_own(its)[-1] for pair, its in found.items()}
        self._files.require(self._names, "file such as WikiMatrix.de-en.tsv.gz")
        self._has_sentences = cache(self._has_text)

    @cached_property
    def revision(self) -> str:
        """The hash of all WikiMatrix files, and the margin."""
        return f"{self._files.revision(self._names.values())}+margin-{self._margin}"

    @property
    def rules(self) -> str:
        """The margin."""
        return f"+margin-{self._margin}"

    def files_of(self, pair: Pair, split: Split) -> Sequence[Side]:
        """The file of the pair or its reverse."""
        del split
        return [(self._files, self._names[pair if pair in self._names else pair.reverse])]

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """Pairs without a file, in either order, or a sentence in it; and all of them for dev and test."""
        if split is not Split.TRAIN:
            return dict.fromkeys(pairs, f"WikiMatrix has no {split} split, it is all training text")
        there = partners_in(self._names)
        reasons = {}
        for pair in pairs:
            name = self._names.get(pair) or self._names.get(pair.reverse)
            if name is None:
                instead = beside_pair(pair, there)
                reasons[pair] = f"{self._files.url} has no WikiMatrix file of {' and '.join(sorted(pair))}{instead}"
            elif not self._has_sentences(name):
                reasons[pair] = f"{self._files.place(name)} has no sentence of {pair} with a margin of {self._margin}"
        return reasons

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The lines of at least the margin, in the file's order; those with an empty side are left out."""
        self.require(pair, split)
        forward = pair in self._names
        for one, other in self._read(self._names[pair if forward else pair.reverse]):
            yield Segment(one, other) if forward else Segment(other, one)

    def _has_text(self, name: str) -> bool:
        try:
            return next(self._read(name), None) is not None
        except CorpusError:  # damage, which is reported when the text is read
            return True

    def _read(self, name: str) -> Iterator[tuple[str, str]]:
        """The sentences of a file, of at least the margin."""
        number, line = 0, b"\n"
        for number, line in enumerate(self._files.raw_lines(name), 1):
            try:
                margin, left, right = line.decode().split("\t")
                if float(margin) < self._margin:
                    continue
                one, other = left.strip(), right.strip()
            except ValueError:
                one, other = self._read_with_care(name, number, line)
            if one and other:
                yield one, other
        check_end(self._files, name, number, line)

    def _read_with_care(self, name: str, number: int, line: bytes) -> tuple[str, str]:
        """The sentences of a line that is not three columns; empty if it is empty or below the margin."""
        margin, _, text = self._files.decode(name, number, line).strip().partition("\t")
        if not margin and not text:
            return "", ""
        try:
            if float(margin) < self._margin:
                return "", ""
        except ValueError as error:
            raise self._damaged(name, number) from error
        if "\t" not in text:
            raise self._damaged(name, number)
        one, other = halves(text)
        return one.strip(), other.strip()

    def _damaged(self, name: str, number: int) -> CorpusError:
        return CorpusError(
            f"{self._files.place(name)}, line {number}, is not 'margin⇥sentence⇥sentence': "
            "the file is cut off or damaged; fetch it again."
        )
