"""Filters of test lines by their labels: `domain=news`, or `domain=news,original=source`, which asks for both."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

import langcodes
import numpy as np
from numpy.typing import NDArray

from dragoman.errors import DragomanError
from dragoman.language import LanguageError, canonical_tag
from dragoman.pair import Pair
from dragoman.reading import parse_json_line

ORIGINAL = "original"
"""The label of the language that a line was first written in, a BCP-47 tag."""

SIDES = ("source", "target", "other")
"""Words for `original`: lines first written in the source's language, in the target's, and in neither."""

MOST_CHARACTERS = 2000
"""Characters of a filter."""

_CONDITION = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_-]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^,"]*[^,"\s])\s*(?:,|$)')


class LineFilterError(DragomanError):
    """A filter of test lines that can't be read."""


class LineFilter(NamedTuple):
    """Conditions that a test line's labels must meet, all of them."""

    conditions: tuple[tuple[str, str], ...]
    """Names of labels, each with the value asked for."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The filter of a text such as `domain=news,original=source`.

        Args:
            text: conditions parted by commas; a value with a comma or a quote in it stands in quotes, as in JSON.

        Raises:
            LineFilterError: it is none.
        """
        found: list[tuple[str, str]] = []
        place = 0
        while place < len(text) <= MOST_CHARACTERS and (match := _CONDITION.match(text, place)):
            name, value = match.groups()
            found.append((name, _unquoted(value, text)))
            place = match.end()
        if not found or place < len(text) or text.endswith(","):
            raise _unreadable(text)
        return cls(tuple(dict.fromkeys(found)))

    def __str__(self) -> str:
        """The text of it, which `parse` reads."""
        return ",".join(f"{name}={_quoted(value)}" for name, value in self.conditions)

    def chosen(self, pair: Pair, labels: Mapping[str, Sequence[str]], lines: int) -> NDArray[np.bool_]:
        """The lines of a pair that meet all conditions, as a mask; one that lacks a label meets none about it.

        Args:
            pair: the pair.
            labels: the labels of its lines, by name.
            lines: how many lines there are.
        """
        held = np.ones(lines, np.bool_)
        for name, value in self.conditions:
            meets = _meaning(name, value, pair)
            values = labels.get(name) or [""] * lines
            by_value = {each: bool(each) and meets(each) for each in {*values}}
            held &= np.fromiter((by_value[each] for each in values), np.bool_, lines)
        return held


def side_of(language: str, pair: Pair) -> str:
    """In which of a pair's languages something was first written: `source`, `target`, or `other`.

    A language of another script or region than the pair's counts as the pair's where its other side is another one:
    `zh` for `zh-Hans`, `en-US` for `en`.
    """
    for side, tag in zip(SIDES, pair, strict=False):
        if language == tag:
            return side
    alike = [side for side, tag in zip(SIDES, pair, strict=False) if _bare(tag) == _bare(language)]
    return alike[0] if len(alike) == 1 else SIDES[2]


def _meaning(name: str, value: str, pair: Pair) -> Callable[[str], bool]:
    if name != ORIGINAL:
        return value.__eq__
    if value in SIDES:
        return lambda language: side_of(language, pair) == value
    try:
        return canonical_tag(value).__eq__
    except LanguageError:
        return value.__eq__


def _bare(tag: str) -> str:
    """The language of a tag without its script and region; a text that is no tag as it is."""
    try:
        return langcodes.Language.get(tag).language or tag
    except ValueError:
        return tag


def _unquoted(value: str, text: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        found: str = parse_json_line(value, lambda: "a value in quotes")
    except ValueError as error:
        raise _unreadable(text) from error
    return found


def _quoted(value: str) -> str:
    return value if re.fullmatch(r'[^\s,"](?:[^,"]*[^\s,"])?', value) else json.dumps(value, ensure_ascii=False)


def _unreadable(text: str) -> LineFilterError:
    shown = text if len(text) <= 80 else f"{text[:80]}…"
    return LineFilterError(
        f"'{shown}' chooses no lines: write LABEL=VALUE, as in domain=news, or several with commas between, all of "
        'which must hold; a value that has a comma stands in double quotes, as in domain="news, sports".'
    )
