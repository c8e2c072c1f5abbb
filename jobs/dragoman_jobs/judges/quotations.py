"""Places of quoted words in a text, as judges quote the words that are wrong instead of counting characters."""

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import regex

_QUOTES = "\"'`“”„‟‘’‚‛«»‹›「」『』《》〈〉＂＇"
_CLUSTERS = regex.compile(r"\X")
_UNSPACED = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")
"""Characters of scripts that part no words."""


class _Folded(NamedTuple):
    """A text as it is compared, with the place in the original of each character."""

    text: str
    starts: list[int]
    ends: list[int]


class Quotations:
    """Finds what is quoted of one text, each time at the next place where it stands.

    Texts are compared by whole characters as people see them, each in Unicode's composed form; what can't be seen
    (marks of direction, joiners) and how much space there is don't count, and where nothing else is found neither do
    upper and lower case. Whole words come before parts of words.
    """

    def __init__(self, text: str) -> None:
        """Take the text."""
        self._text = text
        self._folded = (_fold(text, lower=False), _fold(text, lower=True))
        self._taken: set[tuple[int, int]] = set()

    def place(self, quoted: str) -> tuple[int, int] | None:
        """The next place of some words, in code points of the text, the end exclusive; None where they are not in it.

        When they stand nowhere else, a place that was given before is given again.
        """
        inner = unquoted(quoted)
        for words in dict.fromkeys((inner, inner.rstrip(" .,;:"))):
            for folded, lower in zip(self._folded, (False, True), strict=True):
                found = list(dict.fromkeys(self._places(folded, _fold(words, lower=lower).text)))
                if found:
                    whole = [each for each in found if self._is_whole(*each)] or found
                    fresh = [each for each in whole if each not in self._taken]
                    place = (fresh or [each for each in found if each not in self._taken] or whole)[0]
                    self._taken.add(place)
                    return place
        return None

    def _places(self, folded: _Folded, words: str) -> Iterator[tuple[int, int]]:
        at = folded.text.find(words) if words else -1
        while at >= 0:
            last = at + len(words) - 1
            # neither end lies within a character of several code points
            is_cut = (at > 0 and folded.starts[at - 1] == folded.starts[at]) or (
                last + 1 < len(folded.ends) and folded.ends[last + 1] == folded.ends[last]
            )
            if not is_cut:
                yield folded.starts[at], folded.ends[last]
            at = folded.text.find(words, at + 1)

    def _is_whole(self, start: int, end: int) -> bool:
        """Whether no word goes on over either end."""
        return not (_joined(self._text, start) or _joined(self._text, end))


def unquoted(text: str) -> str:
    """A text without the quotation marks around it."""
    text = text.strip()
    while len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _joined(text: str, place: int) -> bool:
    if place in (0, len(text)):
        return False
    before, after = text[place - 1], text[place]
    return all(each.isalnum() and not _UNSPACED.match(each) for each in (before, after))


def _fold(text: str, *, lower: bool) -> _Folded:
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _CLUSTERS.finditer(text):
        seen = "".join(each for each in match[0] if unicodedata.category(each) != "Cf")
        seen = unicodedata.normalize("NFC", seen)
        seen = seen.casefold() if lower else seen
        if seen.isspace():
            if characters and characters[-1] == " ":
                continue
            seen = " "
        for each in seen:
            characters.append(each)
            starts.append(match.start())
            ends.append(match.end())
    return _Folded("".join(characters), starts, ends)
