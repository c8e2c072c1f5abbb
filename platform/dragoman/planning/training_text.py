"""Description of a finetuning's training text: examples of each pair, removed segments, test sentences in it."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field

from dragoman.contamination import Contamination
from dragoman.corpora.factory import open_corpus
from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.identity import fingerprint
from dragoman.pair import Pair, PairKey
from dragoman.segment import Split
from dragoman.spec.corpus import CorpusChoice
from dragoman.spec.sentences import SentenceSample


class TestText(BaseModel):
    """The test sentences that training text is compared with."""

    __test__ = False  # a noun of ours, not a pytest class
    model_config = ConfigDict(frozen=True)

    id: str
    """Changes with any of the sentences."""
    corpus: CorpusChoice
    """Where they come from."""
    split: Split
    """The split tested."""
    sentences: int | SentenceSample | None
    """The first so many of each pair, or a sample; None is all."""
    pairs: tuple[Pair, ...]
    """The pairs tested that there is text for."""
    similarity: float
    """How alike two sentences must be to be nearly the same."""

    @property
    def lines(self) -> TestLines:
        """The sentences, read anew.

        Raises:
            CorpusError: the corpus is not there.
        """
        corpus = open_corpus(self.corpus.kind, self.corpus.placed)
        return TestLines(corpus, self.pairs, self.split, self.sentences)


def id_of_searched(tested: Sequence[TestText]) -> str:
    """The id of the test sentences of all test sets of a grid; of one it is the test set's own."""
    if len(tested) == 1:
        return tested[0].id
    return fingerprint("tested", 2, {"sets": sorted(each.id for each in tested)})


class PairText(BaseModel):
    """The examples drawn for one pair, or the monolingual ones for one language."""

    model_config = ConfigDict(frozen=True)

    read: int
    """Segments the corpus gave."""
    removed: Mapping[str, int]
    """Segments that each filter left out, by the filter's name."""
    examples: int
    """Segments drawn."""
    content: str
    """Hash of their lines, in order: a job that reads anything else stops."""
    characters: int
    """Characters of both sides together."""
    pivot: str | None = None
    """The language the text was made through; None for text that the corpus has."""
    line_breaks: int = 0
    """Segments that were read with a line break in them, which is a space in the example."""


class Found(Contamination):
    """Test sentences that were found in one side of a pair's training text, with examples."""

    tested: str | None = None
    """The test sentences (`TestText.id`); None in texts of before, which were compared with one test set."""
    examples: tuple[tuple[str, str], ...] = ()
    """Some training sentences, each with the test sentence it is like."""


class TrainingText(BaseModel):
    """The examples of one finetuning, as they were drawn for the plan."""

    model_config = ConfigDict(frozen=True)

    pairs: dict[PairKey, PairText]
    """What was drawn for each pair."""
    monolingual: dict[str, PairText] = Field(default={}, exclude_if=lambda languages: not languages)
    """What was drawn for each language of monolingual examples."""
    tested: str
    """The test sentences it was compared with (`id_of_searched`)."""
    similarity: float
    """How alike two sentences had to be to count as nearly the same."""
    search: int = 1
    """Version of the search (`dragoman.contamination.SEARCH`)."""
    found: tuple[Found, ...]
    """Contamination for each test set, pair and side; zeros where nothing was found."""

    def found_of(self, tested: TestText) -> list[Found]:
        """The contamination by the sentences of one test set."""
        return [found for found in self.found if found.tested in (None, tested.id)]

    @property
    def counts(self) -> dict[Pair, int]:
        """Examples of each pair."""
        return {pair: text.examples for pair, text in self.pairs.items()}

    @property
    def removed(self) -> dict[str, int]:
        """Segments that each filter left out, of all pairs."""
        removed: dict[str, int] = {}
        for text in (*self.pairs.values(), *self.monolingual.values()):
            for name, count in text.removed.items():
                removed[name] = removed.get(name, 0) + count
        return removed

    @property
    def worst(self) -> Found | None:
        """The side with the largest share of test sentences in it."""
        return max(self.found, key=lambda found: found.rate, default=None)
