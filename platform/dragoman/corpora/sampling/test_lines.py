"""The test lines of the pairs of a grid: all of them, the first so many, or a seeded sample of the same sentences."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from heapq import nsmallest
from itertools import islice
from typing import Self

import xxhash

from dragoman.corpora.base import Corpus
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.segment import Located, Segment, Split
from dragoman.spec.sentences import SentenceSample


class TestLines:
    """The test lines of some pairs of a corpus.

    A sample takes the sentences of lowest rank, which is a hash of the seed and the sentence (permanent random numbers,
    Ohlsson 1995), so that pairs take the same ones. Where rows of the corpus are the same sentence in every pair, those
    rows come first that most of the pairs have, and by their rank among these. Elsewhere a sentence goes by its text on
    one side, of the language that is in most of the pairs; so a pair and its reverse take the same ones, and
    pairs that share that language those that both have.

    Args:
        corpus: where the lines come from.
        pairs: all pairs that are tested, none of them missing.
        split: the split tested.
        sentences: the first so many of each pair, or a sample; all by default.
        without: numbers, from 1, of the lines that are left out of these, by pair.
    """

    __test__ = False  # a noun of ours, not a pytest class

    def __init__(
        self,
        corpus: Corpus,
        pairs: Collection[Pair],
        split: Split,
        sentences: int | SentenceSample | None = None,
        without: Mapping[Pair, Collection[int]] | None = None,
    ) -> None:
        self._corpus, self._pairs, self._split, self._sentences = corpus, pairs, split, sentences
        self._without = without or {}

    def but(self, without: Mapping[Pair, Collection[int]]) -> Self:
        """These lines without those of some numbers, from 1, by pair."""
        return type(self)(self._corpus, self._pairs, self._split, self._sentences, without)

    @property
    def pairs(self) -> Collection[Pair]:
        """The pairs that are tested."""
        return self._pairs

    @property
    def multiparallel(self) -> bool:
        """Whether line n is the same sentence in every language."""
        return self._corpus.multiparallel

    def located(self, pair: Pair) -> list[Located]:
        """A pair's lines in the corpus's order, each with its row and its document as far as the corpus knows them.

        Raises:
            CorpusError: the text is damaged.
        """
        if isinstance(self._sentences, SentenceSample):
            lines = list(self._corpus.located(pair, self._split))
            chosen: Iterator[Located] = (lines[place] for place in self._sampled(pair, lines, self._sentences))
        else:
            chosen = islice(self._corpus.located(pair, self._split), self._sentences)
        without = self._without.get(pair, ())
        return [line for number, line in enumerate(chosen, 1) if number not in without]

    def segments(self, pair: Pair, most: int | None = None) -> list[Segment]:
        """A pair's lines, or the first few of them.

        Raises:
            CorpusError: the text is damaged.
        """
        if isinstance(self._sentences, SentenceSample) or pair in self._without:
            return [line.segment for line in self.located(pair)[:most]]
        limits = [limit for limit in (self._sentences, most) if limit is not None]
        return list(islice(self._corpus.segments(pair, self._split), min(limits, default=None)))

    def content(self, pair: Pair) -> str:
        """The hash of a pair's lines; any change of their text changes it.

        Raises:
            CorpusError: the text is damaged.
        """
        if isinstance(self._sentences, SentenceSample) or pair in self._without:
            return hash_lines(text for segment in self.segments(pair) for text in segment)
        return self._corpus.content(pair, self._split, self._sentences)

    def line_breaks(self, pair: Pair) -> int:
        """How many of a pair's lines had a line break within a side, of those that were read."""

        def broken(first: int | None) -> int:
            return self._corpus.line_breaks(pair, self._split, first)

        if not isinstance(self._sentences, SentenceSample):
            return broken(self._sentences)
        if not broken(None):
            return 0
        places = self._sampled(pair, list(self._corpus.located(pair, self._split)), self._sentences)
        return sum(broken(place + 1) - broken(place) for place in places)

    def _sampled(self, pair: Pair, lines: list[Located], sample: SentenceSample) -> list[int]:
        """The places of the lines that a sample takes, in order."""
        side, other = (0, 1) if pair.source == max(pair, key=self._rank_of_language) else (1, 0)

        def rank(place: int) -> tuple[int, int, str]:
            segment, row = lines[place].segment, lines[place].row
            if row is not None:
                return -self._pairs_with[row], _hash(f"{sample.seed}\n{row}"), ""
            return 0, _hash(f"{sample.seed}\n{pair[side]}\n{segment[side]}"), segment[other]

        return sorted(nsmallest(sample.n, range(len(lines)), rank))

    @cached_property
    def _pairs_with(self) -> Counter[int]:
        """How many of the pairs have each row."""
        found: Counter[int] = Counter()
        for languages, count in Counter(frozenset(pair) for pair in self._pairs).items():
            pair = Pair(*sorted(languages))
            rows = (line.row for line in self._corpus.located(pair, self._split))
            found.update({row: count for row in rows if row is not None})
        return found

    @cached_property
    def _languages(self) -> Counter[str]:
        return Counter(tag for pair in self._pairs for tag in pair)

    def _rank_of_language(self, tag: str) -> tuple[int, str]:
        return self._languages[tag], tag


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())
