"""The test set of a grid: the lines that every model is tested on, and their identity."""

from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict

from dragoman.corpora.base import Corpus
from dragoman.identity import fingerprint, hash_lines
from dragoman.pair import Pair
from dragoman.segment import Split
from dragoman.spec.sentences import SentenceSample

LEFT_OUT = "without"
"""In the revision of a test set, what stands before the lines that are left out of it."""

ITS_LINES = "its lines"
"""The revision of a test set that is identified by its lines alone, whatever its corpus's files are called."""


class TestSet(BaseModel):
    """The lines every model of a grid is tested on, pair by pair."""

    __test__ = False  # a noun of ours, not a pytest class
    model_config = ConfigDict(frozen=True)

    corpus: str
    """Kind of corpus."""
    revision: str
    """The corpus's revision; of one kept in files, `ITS_LINES` and the files' names."""
    split: Split
    """The split read."""
    sentences: int | SentenceSample | None
    """The first so many lines of each pair, or a sample; None is all."""

    @classmethod
    def of(cls, corpus: Corpus, kind: str, split: Split, sentences: int | SentenceSample | None) -> Self:
        """The test set of a corpus's split."""
        name = corpus.name_of(split)
        revision = corpus.revision if name is None else f"{ITS_LINES}, {name}" if name else ITS_LINES
        return cls(corpus=kind, revision=revision, split=split, sentences=sentences)

    @property
    def id(self) -> str:
        """The test set's identity; the lines of each pair have a content hash of their own in the cell."""
        return fingerprint("test", 2 if self.is_by_lines else 1, self.model_dump(mode="json"))

    @property
    def is_by_lines(self) -> bool:
        """Whether the lines of a pair alone identify it; before version 2 all files of the corpus did together."""
        return self.revision.startswith(ITS_LINES)


def id_of_tested(test_set: TestSet, contents: Mapping[Pair, str]) -> str:
    """The id of test sentences, given the hashes of their lines by pair."""
    return fingerprint("tested", 1, {"set": test_set.id, "contents": hash_lines(contents.values())})
