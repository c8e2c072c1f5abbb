"""Numbers in text, in the digits of any script: what they are, and which of them a hypothesis gets wrong."""

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

import regex

_SPACES = "\u0020\u00a0\u2009\u202f"
_MARKS = f".,'\u2019\u066b\u066c{_SPACES}"
_NUMBER = regex.compile(
    rf"\p{{Nd}}{{1,3}}(?:[{_MARKS}]\p{{Nd}}{{3}})+(?!\p{{Nd}})(?:[.,\u066b]\p{{Nd}}{{1,2}}(?!\p{{Nd}}))?"  # 1,234.50
    r"|\p{Nd}{1,2}(?:,\p{Nd}{2})+,\p{Nd}{3}(?!\p{Nd})(?:\.\p{Nd}+)?"  # 12,34,567
    r"|\p{Nd}+(?:[./:-]\p{Nd}+){2,}"  # dates and times, taken apart
    r"|\p{Nd}+(?:[.,\u066b]\p{Nd}+)?"
)
_DATE = regex.compile(r"\p{Nd}+(?:[./:-]\p{Nd}+){2,}")


class Number(NamedTuple):
    """A number of a text."""

    digits: str
    """Its digits, as ASCII, without separators: `1.234,50`, `1,234.50` and `१,२३४.५०` are all `123450`."""
    start: int
    """Where it begins."""
    end: int
    """Where it ends, exclusive."""


class Wrong(NamedTuple):
    """What is wrong with the numbers of a text."""

    invented: tuple[Number, ...]
    """Those in the text that it should not have."""
    lost: tuple[str, ...]
    """Those that it should have, and lacks."""


@lru_cache(maxsize=20_000)
def numbers(text: str) -> tuple[Number, ...]:
    """The numbers of a text. Digits are compared, not values: where the decimal mark stands differs by language."""
    found = []
    for match in _NUMBER.finditer(text):
        parts = [match]
        if _DATE.fullmatch(match[0]) and not regex.fullmatch(rf"\p{{Nd}}{{1,3}}(?:[{_MARKS}]\p{{Nd}}{{3}})+", match[0]):
            parts = list(regex.finditer(r"\p{Nd}+", text, pos=match.start(), endpos=match.end()))
        found += [Number(_plain(part[0]), part.start(), part.end()) for part in parts]
    return tuple(found)


def _plain(digits: str) -> str:
    found = "".join(str(unicodedata.decimal(each)) for each in digits if each.isdecimal())
    return found.lstrip("0") or "0"  # a date may be 04.05. or 4.5.


def wrong_numbers(text: str, source: str, reference: str) -> Wrong:
    """The numbers that a text invents, having them in neither source nor reference, or loses, having them in both."""
    own = Counter(each.digits for each in numbers(text))
    given, due = (Counter(each.digits for each in numbers(side)) for side in (source, reference))
    extra, lost = own - (given | due), (given & due) - own
    invented = []
    for number in reversed(numbers(text)):  # of two alike the last is the one too many
        if extra[number.digits] > 0:
            extra[number.digits] -= 1
            invented.append(number)
    return Wrong(tuple(reversed(invented)), tuple(sorted(lost.elements())))
