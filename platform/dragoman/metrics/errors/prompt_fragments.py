"""Fragments of the prompt in use: the names of its languages, its words, and the marks of chat templates."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from string import Formatter

import langcodes
import regex

from dragoman.language import english_name, native_name
from dragoman.metrics.errors.tokens import tokens
from dragoman.pair import Pair

RUN = 3
"""Words of a prompt in a row that are a fragment of it, where it has so many in a row; else all of them, if two."""

_CHAT_MARKS = regex.compile(
    r"<\|[^|<>\n]{1,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|(?m:^#{1,3} ?(?:Response|Instruction):)"
)
_BRACKETS = regex.compile(r"\[[^\[\]\n]{1,60}\]")
_SEPARATOR = " · "
_GAP = "\ue000"  # a character of private use


class Fragments:
    """Finds fragments of a prompt in texts of a pair."""

    def __init__(self, prompt: str | None, pair: Pair, languages: Iterable[str] = ()) -> None:
        """Prepare the search.

        Args:
            prompt: the prompt as people are shown it (`Prompt.shown`); None where none is known: the names of the
                pair's languages in brackets, and chat templates' marks, are searched for all the same.
            pair: the direction.
            languages: the languages of the grid, which a wrong instruction may name.
        """
        template, *rest = (prompt or "").split(_SEPARATOR)
        named = native_name if "native names" in rest else english_name
        self._names = sorted({named(tag) for tag in {*languages, *pair}}, key=lambda name: (-len(name), name))
        self._bare = [named(tag) for tag in pair if _is_foreign(named(tag), tag, pair)]
        self._words = tuple(_literals(template)) if prompt else ()

    def places(self, text: str, *others: str) -> list[tuple[int, int]]:
        """Where a text has fragments that none of some other texts has, in order and apart."""
        found = [
            (start, end)
            for start, end in (*self._marks(text), *self._literal(text))
            if not any(text[start:end].casefold() in other.casefold() for other in others)
        ]
        return list(_apart(found))

    def _marks(self, text: str) -> Iterator[tuple[int, int]]:
        yield from (match.span() for match in _CHAT_MARKS.finditer(text))
        brackets = [match.span() for match in _BRACKETS.finditer(text)]
        named = {name.casefold() for name in self._names}
        for start, end in brackets:
            if len(brackets) >= 2 or text[start + 1 : end - 1].strip().casefold() in named:
                yield start, end
        for name in self._bare:
            yield from (match.span() for match in _word(name).finditer(text))

    def _literal(self, text: str) -> Iterator[tuple[int, int]]:
        for words in self._words:
            yield from (match.span() for match in _pattern(words, tuple(self._names)).finditer(text))


def _literals(template: str) -> Iterator[tuple[str, ...]]:
    """The runs of words of a template that are searched for; `_GAP` stands for a language's name."""
    text = ""
    for literal, field, _, _ in Formatter().parse(template):
        text += literal
        if field is not None:
            text += "\n" if field == "source" else _GAP
    for line in text.split("\n"):
        words = tuple(regex.findall(rf"{_GAP}|[\p{{L}}\p{{M}}\p{{N}}]+", line))
        real = sum(word != _GAP for word in words)
        if len(words) >= RUN and real:
            yield from {
                words[place : place + RUN]
                for place in range(len(words) - RUN + 1)
                if any(word != _GAP for word in words[place : place + RUN])
            }
        elif len(words) == 2 and real:
            yield words
        # a sentence that is written without spaces is one word here
        yield from ((word,) for word in words if len(tokens(word)) >= 2 * RUN)


@lru_cache(maxsize=1024)
def _pattern(words: tuple[str, ...], names: tuple[str, ...]) -> "regex.Pattern[str]":
    name = "(?:" + "|".join(map(regex.escape, names)) + ")"
    parts = [name if word == _GAP else regex.escape(word) for word in words]
    return regex.compile(r"(?i)(?<![\p{L}\p{N}])" + r"[^\p{L}\p{N}\n]{0,4}".join(parts) + r"(?![\p{L}\p{N}])")


@lru_cache(maxsize=1024)
def _word(name: str) -> "regex.Pattern[str]":
    return regex.compile(rf"(?<![\p{{L}}\p{{M}}\p{{N}}]){regex.escape(name)}(?![\p{{L}}\p{{M}}\p{{N}}])")


@lru_cache(maxsize=4096)
def _is_foreign(name: str, tag: str, pair: Pair) -> bool:
    """Whether a language's name in a prompt is not what the target language calls it: a translation may have that."""
    if len(name) < 3:
        return False
    target = langcodes.Language.get(pair.target)
    own = {langcodes.Language.get(tag).display_name(target).casefold()}
    return name.casefold() not in own | ({english_name(tag).casefold()} if target.language == "en" else set())


def _apart(places: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The same places, with those that overlap made one."""
    current: tuple[int, int] | None = None
    for start, end in sorted(places):
        if current is None or start > current[1]:
            if current is not None:
                yield current
            current = start, end
        else:
            current = current[0], max(end, current[1])
    if current is not None:
        yield current
