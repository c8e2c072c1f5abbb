"""The test lines of each language, and what their words tell: type-token ratio and word overlap, as in LangRank.

Lin et al., 2019, "Choosing Transfer Languages for Cross-Lingual Learning", arXiv 1905.12688; there of training text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from dragoman.analysis.line_slice import reading
from dragoman.analysis.mantel import Matrix
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.pair import Pair
from dragoman.script import puts_spaces_between_words
from dragoman.store.store import Store


class LanguageLines:
    """The test lines of a language."""

    def __init__(self, language: str, lines: Sequence[str], beside: Sequence[str]) -> None:
        """Take the lines, and the same in the other language; none where no pair has both."""
        self.lines, self.beside = lines, beside
        self._has_words = puts_spaces_between_words(language)

    @cached_property
    def words(self) -> list[list[str]]:
        """The words of each line; none of a language that is written without spaces."""
        return [line.split() for line in self.lines] if self._has_words else []

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """The different words."""
        return frozenset(word for line in self.words for word in line)

    @property
    def type_token_ratio(self) -> float:
        """Different words per word; NaN where there are none."""
        words = sum(map(len, self.words))
        return len(self.vocabulary) / words if words else float("nan")


def language_lines(
    store: Store, question: ScoreQuestion, languages: Sequence[str], to: str
) -> dict[str, LanguageLines]:
    """The stored test lines of some languages, of a pair with a certain one where there is such a pair.

    Args:
        store: the store.
        question: what the test set is found by; its slice does not matter.
        languages: the languages.
        to: that certain language.
    """
    texts = _texts(store, question)
    found = {}
    for language in languages:
        beside = next((pair for pair in (Pair(language, to), Pair(to, language)) if pair in texts), None)
        pair = beside or next((pair for pair in sorted(texts) if language in pair), None)
        if pair is not None:
            own, other = store.blobs.test(texts[pair])[:: 1 if pair.source == language else -1]
            found[language] = LanguageLines(language, own, other if beside else ())
    return found


def word_overlap(lines: Mapping[str, LanguageLines], languages: Sequence[str]) -> Matrix:
    """Word overlap of the test lines of every two languages: 2 |V₁ ∩ V₂| / (|V₁| + |V₂|), from 0 to 1.

    NaN of languages without lines or without words. It is twice LangRank's, so that a language's with itself is 1.
    """
    words = [lines[tag].vocabulary if tag in lines else frozenset() for tag in languages]
    return np.array(
        [[2 * len(a & b) / (len(a) + len(b)) if a and b else np.nan for b in words] for a in words], np.float64
    )


def _texts(store: Store, question: ScoreQuestion) -> dict[Pair, str]:
    """The addresses of the test lines of a question's pairs."""
    plain = replace(question, lines=None)
    with reading(store, plain) as connection:
        return Slice.of(connection, plain).test_lines(connection)
