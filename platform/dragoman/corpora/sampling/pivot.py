"""Pivoting: text of a pair that a corpus lacks, joined through a third language."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import xxhash

from dragoman.corpora.base import BATCH, Corpus
from dragoman.corpora.readers.files import Files
from dragoman.pair import Pair
from dragoman.segment import Segment, Split


class Pivoted(Corpus):
    """A corpus that makes text of its missing pairs through a language it pairs with both sides.

    A sentence of that language that is in both bitexts, letter for letter, joins its translation in the one to its
    translation in the other. It joins one segment only: where it has several translations on a side, the one whose
    hash is lowest, so that headings that stand everywhere don't multiply and the order of the files is of no account.

    Args:
        corpus: what is read; in no random order, since such a stream may have no end.
        pivot: the language.
    """

    def __init__(self, corpus: Corpus, pivot: str) -> None:
        self._corpus, self._pivot = corpus, pivot

    @property
    def revision(self) -> str:
        """The corpus's, and the pivot."""
        return f"{self._corpus.revision}+pivot-{self._pivot}"

    @property
    def rules(self) -> str:
        """The corpus's, and the pivot."""
        return f"{self._corpus.rules}+pivot-{self._pivot}"

    def files_of(self, pair: Pair, split: Split) -> Sequence[tuple[Files, str]] | None:
        """The pair's, or those of the pairs it is made from."""
        if not self.made([pair], split):
            return self._corpus.files_of(pair, split)
        legs = [self._corpus.files_of(leg, split) for leg in self._bitexts(pair)]
        return None if None in legs else [file for files in legs for file in files or ()]

    def missing(self, pairs: Collection[Pair], split: Split) -> dict[Pair, str]:
        """The pairs that the corpus has neither text of nor text to make it from."""
        missing = self._corpus.missing(pairs, split)
        legs = {leg for pair in missing if self._pivot not in pair for leg in self._bitexts(pair)}
        lacking = self._corpus.missing(legs, split)
        return {
            pair: f"{reason}, nor text of it and {self._pivot} on both sides to pivot through"
            for pair, reason in missing.items()
            if self._pivot in pair or self._corpus.shuffled or lacking.keys() & set(self._bitexts(pair))
        }

    def made(self, pairs: Collection[Pair], split: Split) -> set[Pair]:
        """The pairs whose text is made."""
        return set(self._corpus.missing(pairs, split)) - set(self.missing(pairs, split))

    def segments(self, pair: Pair, split: Split) -> Iterator[Segment]:
        """The corpus's segments, or those that are made.

        The pivot's sentences of one bitext are held as hashes, 8 bytes each, and whole sentences where they join.
        """
        self.require(pair, split)
        if not self.made([pair], split):
            yield from self._corpus.segments(pair, split)
            return
        first, second = self._bitexts(pair)
        met = np.unique(np.fromiter((_hash(text) for _, text in self._corpus.segments(first, split)), np.uint64))
        targets = _translations(self._corpus.segments(second, split), met)
        met = np.unique(np.fromiter(map(_hash, targets), np.uint64, len(targets)))
        turned = (Segment(text, source) for source, text in self._corpus.segments(first, split))
        for text, source in _translations(turned, met).items():
            if text in targets:  # and not only another text of that hash
                yield Segment(source, targets[text])

    def together(self, pairs: Collection[Pair], split: Split) -> Iterator[tuple[tuple[Pair, ...], list[Segment]]]:
        """The corpus's own pairs in as few readings as it can do, then those that are made."""
        made = self.made(pairs, split)
        yield from self._corpus.together([pair for pair in pairs if pair not in made], split)
        yield from super().together([pair for pair in pairs if pair in made], split)

    def line_breaks(self, pair: Pair, split: Split, sentences: int | None) -> int:
        """The corpus's; of a pair that is made, those of the text it is made from."""
        if not self.made([pair], split):
            return self._corpus.line_breaks(pair, split, sentences)
        return sum(self._corpus.line_breaks(leg, split, None) for leg in self._bitexts(pair))

    def _bitexts(self, pair: Pair) -> tuple[Pair, Pair]:
        return Pair(pair.source, self._pivot), Pair(self._pivot, pair.target)


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _translations(segments: Iterable[Segment], met: "np.typing.NDArray[np.uint64]") -> dict[str, str]:
    """One translation for each source sentence whose hash is among some (sorted): that of the lowest hash."""
    found: dict[str, str] = {}
    stream = iter(segments)
    while batch := list(islice(stream, BATCH)):
        hashes = np.fromiter((_hash(segment.source) for segment in batch), np.uint64, len(batch))
        for position in np.flatnonzero(np.isin(hashes, met, kind="sort")):
            text, translation = batch[position]
            if text not in found or _hash(translation) < _hash(found[text]):
                found[text] = translation
    return found
