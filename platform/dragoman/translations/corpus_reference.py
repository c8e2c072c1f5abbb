"""A reference of the test set that systems are not scored against, as a system: what another translator made of it."""

from collections.abc import Collection
from functools import cached_property

from dragoman.corpora.sampling.test_lines import TestLines
from dragoman.pair import Pair
from dragoman.translations.base import Entry, TranslationError, TranslationFiles


class CorpusReference(TranslationFiles):
    """One of the further references of a corpus, of the pairs all of whose lines have it."""

    def __init__(self, key: str, lines: TestLines, number: int) -> None:
        """Choose a reference.

        Args:
            key: where it was named, for errors.
            lines: the test sentences.
            number: the number of the reference, from 2.

        Raises:
            TranslationError: systems are scored against it.
        """
        if number <= lines.references:
            raise TranslationError(
                f"{key}.reference is {number}, and systems are scored against {lines.references} references: none is "
                "scored against itself; take fewer with the corpus's `references`, or name a further one."
            )
        self._lines, self._number = lines, number

    @property
    def pairs(self) -> Collection[Pair]:
        """The pairs all of whose lines have it."""
        return [pair for pair, texts in self._texts.items() if texts and None not in texts]

    def place(self, pair: Pair) -> str:
        """The reference of a pair."""
        return f"reference {self._number} of {pair} in the corpus"

    def why_missing(self, pair: Pair) -> str:
        """A line has none, or no line has."""
        texts = self._texts.get(pair, [])
        if any(text is not None for text in texts):
            return f"the corpus has no reference {self._number} of line {texts.index(None) + 1}"
        return f"the corpus has no reference {self._number} of {pair}"

    def entries(self, pair: Pair) -> list[Entry]:
        """The lines of the reference, with their sources."""
        sources = [segment.source for segment in self._lines.segments(pair)]
        lines = zip(self._texts[pair], sources, strict=True)
        return [Entry(number, text or "", source) for number, (text, source) in enumerate(lines, 1)]

    @cached_property
    def _texts(self) -> dict[Pair, list[str | None]]:
        return {pair: self._lines.further_reference(pair, self._number) for pair in self._lines.pairs}
