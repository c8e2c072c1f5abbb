"""Contamination: test sentences that are in the training text, word for word or nearly."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from dragoman.corpora.base import Corpus
from dragoman.corpora.sampling.near_duplicates import Known, Match
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.pair import Pair
from dragoman.segment import Segment, Split
from dragoman.spec.contamination import SIMILARITY
from dragoman.spec.sentences import SentenceSample

EXAMPLES = 3
"""Findings shown of each kind."""

BATCH = 1000
"""Training sentences compared at a time."""


class Finding(NamedTuple):
    """A training sentence and the test sentence it is like."""

    training: str
    test: str
    exact: bool
    """Whether they differ in nothing but case, punctuation and spacing."""


class Overlap(NamedTuple):
    """The test sentences found in one side of a pair's training text."""

    pair: Pair
    """The pair that is trained on."""
    side: Literal["source", "target"]
    """Which side of its text."""
    language: str
    """The language of that side."""
    sentences: int
    """Different test sentences in that language."""
    exact: frozenset[int]
    """Those found but for case, punctuation and spacing, by number."""
    near: frozenset[int]
    """Those found only with a few edits, by number."""
    examples: tuple[Finding, ...]
    """Some findings, as examples."""

    @property
    def share(self) -> float:
        """The share of the test sentences that was found."""
        return len(self.exact | self.near) / self.sentences if self.sentences else 0.0


class HeldOut:
    """The sentences of a test set, to be searched for in training text.

    Args:
        corpus: where the test sentences come from.
        pairs: the pairs tested; those the corpus has no text for are left out.
        split: the split tested.
        sentences: the first so many of each pair, or a sample; all by default.
        similarity: see `spec.contamination`; 1 finds only exact copies.

    Raises:
        CorpusError: the test text is damaged.
    """

    def __init__(
        self,
        corpus: Corpus,
        pairs: Collection[Pair],
        split: Split = Split.TEST,
        sentences: int | SentenceSample | None = None,
        similarity: float = SIMILARITY,
    ) -> None:
        different: dict[str, dict[str, None]] = {}
        lines = TestLines(corpus, pairs, split, sentences)
        for pair in _covering(corpus, pairs, split):
            for segment in lines.segments(pair):
                for tag, text in zip(pair, segment, strict=True):
                    different.setdefault(tag, {})[text] = None
        self._sentences = {tag: list(texts) for tag, texts in different.items()}
        self._known = cache(lambda tag: Known(self.sentences(tag), similarity))

    def sentences(self, language: str) -> list[str]:
        """The different test sentences of a language; their places are the numbers in `Overlap`."""
        return self._sentences.get(language, [])

    def overlap(self, pair: Pair, segments: Iterable[Segment], alone: Iterable[str] = ()) -> tuple[Overlap, Overlap]:
        """The test sentences found in the training text of a pair, on its source and on its target side.

        Args:
            pair: the pair.
            segments: its training text.
            alone: more text of its target language, of monolingual examples drawn from the pair's text.
        """
        source, target = (_Found(len(self.sentences(tag))) for tag in pair)
        stream = iter(segments)
        while batch := list(islice(stream, BATCH)):
            self._search(pair.source, [segment.source for segment in batch], source)
            self._search(pair.target, [segment.target for segment in batch], target)
        sentences = iter(alone)
        while texts := list(islice(sentences, BATCH)):
            self._search(pair.target, texts, target)
        return self._result(pair, "source", source), self._result(pair, "target", target)

    def _search(self, language: str, texts: Sequence[str], found: "_Found") -> None:
        for match in self._known(language).matches(texts, found.missing):
            found.add(match, texts[match.number], self.sentences(language)[match.known])

    def _result(self, pair: Pair, side: Literal["source", "target"], found: "_Found") -> Overlap:
        language = pair.source if side == "source" else pair.target
        return Overlap(
            pair=pair,
            side=side,
            language=language,
            sentences=len(self.sentences(language)),
            exact=frozenset(found.exact),
            near=frozenset(found.near - found.exact),
            examples=tuple(found.examples),
        )

    def examine(self, pair: Pair, segment: Segment) -> str | None:
        """A filter for `sampling.draw`: leaves out what is like a test sentence on either side, as `test_overlap`."""
        for tag, text in zip(pair, segment, strict=True):
            if next(self._known(tag).matches([text]), None):
                return "test_overlap"
        return None


class _Found:
    """What was found on one side so far, of so many test sentences."""

    def __init__(self, sentences: int) -> None:
        self.exact: set[int] = set()
        self.near: set[int] = set()
        self.missing = np.ones(sentences, bool)
        self.examples: list[Finding] = []

    def add(self, match: Match, training: str, test: str) -> None:
        """Count a match."""
        numbers = self.exact if match.exact else self.near
        if match.known not in numbers and len(numbers) < EXAMPLES:
            self.examples.append(Finding(training, test, match.exact))
        numbers.add(match.known)
        self.missing[match.known] = False


def _covering(corpus: Corpus, pairs: Collection[Pair], split: Split) -> Iterator[Pair]:
    """Pairs enough to meet every test sentence: where all languages have the same ones, some pair of each language."""
    missing = corpus.missing(pairs, split)
    met: set[str] = set()
    for pair in sorted(pairs):
        if pair not in missing and not (corpus.multiparallel and met.issuperset(pair)):
            met.update(pair)
            yield pair
