"""Base class of corpora: aligned text for directed pairs, read as a stream."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from pydantic import ValidationError

from dragoman.errors import CorpusError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.segment import Located, Segment, Split
from dragoman.spec.corpus import CorpusOptions

if TYPE_CHECKING:
    from dragoman.corpora.readers.files import Files

BATCH = 1024
"""Segments of a batch, where many are read."""


class Corpus(ABC):
    """A source of aligned segments; subclasses register under the entry-point group `dragoman.corpora`."""

    Options: ClassVar[type[CorpusOptions]] = CorpusOptions
    """The options this kind of corpus takes."""
    shuffled: ClassVar[bool] = False
    """Whether segments come in random order already, so that the first N are a fair sample."""
    reversible: ClassVar[bool] = False
    """Whether the segments of a pair are those of its reverse turned round."""
    multiparallel: ClassVar[bool] = False
    """Whether line n of dev and test is the same sentence in every language."""
    licence: ClassVar[str | None] = None
    """The licence of the text, of a kind that is one data set; None where the kind doesn't tell."""
    against_republishing: ClassVar[str | None] = None
    """What its terms say against putting its text where crawlers find it, as a sentence; None where they don't."""

    @abstractmethod
    def __init__(self, options: CorpusOptions) -> None:
        """Open the corpus.

        Raises:
            CorpusError: a file or folder it needs is not there.
        """

    @property
    @abstractmethod
    def revision(self) -> str:
        """Version of the text besides the options: data version, file hashes.

        Part of the identities of test sets and models where `name_of` and `files_of` give nothing narrower.
        """

    @property
    def rules(self) -> str:
        """Settings that change the text beside the options as written, such as a default."""
        return ""

    def files_of(self, pair: Pair, split: Split) -> "Sequence[tuple[Files, str]] | None":
        """The files that serve a pair in a split, in reading order; None where `revision` is as narrow as can be."""
        del pair, split
        return None

    def name_of(self, split: Split) -> str | None:
        """Name of a test set that its lines, hashed pair by pair, identify otherwise; None where `revision` does."""
        del split
        return None

    @property
    def references(self) -> int:
        """The most references of a line that `located` gives, the segment's target among them."""
        return 1

    def with_references(self, references: int) -> "Corpus":
        """The same text with up to so many references of each line.

        Raises:
            CorpusError: this kind of corpus has not so many.
        """
        raise CorpusError(f"The corpus has no reference {references} of a line: this kind of corpus has one of each.")

    @abstractmethod
    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """The pairs this corpus has no text for in a split, each with the reason.

        What holds no sentence (an empty file or column) is no text. Damage is reported when the text is read, not here.
        """

    @abstractmethod
    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The aligned segments of a pair, always in the same order; the stream may be endless for train.

        A sentence is one line and not empty: line breaks within it become spaces (`dragoman.line`).

        Raises:
            CorpusError: the pair is missing, or its text is damaged.
        """

    def located(self, pair: Pair, split: Split) -> Iterator[Located]:
        """The same segments, each with its row and its document as far as the corpus knows them.

        Raises:
            CorpusError: the pair is missing, or its text is damaged.
        """
        return map(Located, self.segments(pair, split))

    def together(self, pairs: Collection[Pair], split: Split) -> Iterator[tuple[tuple[Pair, ...], list[Segment]]]:
        """The segments of several pairs, in as few readings of the text as this kind of corpus can do.

        Yields:
            The next segments (up to `BATCH`) and the pairs they serve: the first as they stand, a second turned round.
        """
        for pair in pairs:
            if not self.reversible or pair.reverse not in pairs:
                served: tuple[Pair, ...] = (pair,)
            elif pair < pair.reverse:
                served = (pair, pair.reverse)
            else:
                continue
            stream = self.segments(pair, split)
            while batch := list(islice(stream, BATCH)):
                yield served, batch

    def content(self, pair: Pair, split: Split, sentences: int | None) -> str:
        """The hash of a pair's first so many segments (all by default); any change of their text changes it.

        Further references count where there are some.

        Raises:
            CorpusError: the pair is missing, or its text is damaged.
        """
        if self.references > 1:
            return content_hash(list(islice(self.located(pair, split), sentences)))
        return hash_lines(line for segment in islice(self.segments(pair, split), sentences) for line in segment)

    def line_breaks(self, pair: Pair, split: Split, sentences: int | None) -> int:
        """How many of a pair's first so many segments had a line break within a side, of those that were read."""
        del pair, split, sentences
        return 0

    def require(self, pair: Pair, split: Split) -> None:
        """Refuse a pair that is missing.

        Raises:
            CorpusError: the pair has no text in that split.
        """
        if reason := self.missing([pair], split).get(pair):
            raise CorpusError(f"There is no {split} text of {pair}: {reason}. Leave it out or choose another corpus.")


def reopened(corpus: Corpus, options: CorpusOptions, references: int) -> Corpus:
    """A corpus of the same options with another number of references.

    Raises:
        CorpusError: this kind of corpus has not so many.
    """
    try:
        changed = type(options).model_validate({**options.model_dump(), "references": references})
    except ValidationError as error:
        raise CorpusError(f"The corpus has no reference {references} of a line.") from error
    return type(corpus)(changed)


def content_hash(lines: Sequence[Located]) -> str:
    """The hash of some lines: of the segments alone where none has further references."""
    segments = hash_lines(text for line in lines for text in line.segment)
    further = [line.references for line in lines]
    return hash_lines([segments, hash_further(further)]) if any(further) else segments


def content_by_sides(lines: Sequence[Located]) -> str:
    """The same where each side is hashed for itself, as by corpora that read one once for all its pairs."""
    sides = [hash_lines(line.segment[side] for line in lines) for side in (0, 1)]
    further = [line.references for line in lines]
    return hash_lines([*sides, *([hash_further(further)] if any(further) else [])])


def hash_further(references: Iterable[Sequence[str]]) -> str:
    """The hash of the further references of some lines."""
    return hash_lines(text for line in references for text in (str(len(line)), *line))
