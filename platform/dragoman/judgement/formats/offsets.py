"""Places in a text, by code points as they are stored, and by UTF-16 code units as programs in a browser count them.

An emoji is one code point and two units. In a browser's annotation tool the last character of a span is part of it.
"""

from bisect import bisect_right
from itertools import accumulate

_TRIMMED = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""What JavaScript's `trim` takes away (ECMA-262, white space and line terminators)."""


def _starts(text: str) -> list[int]:
    """The unit at which each character begins, and the number of units."""
    return [0, *accumulate(2 if character > "\uffff" else 1 for character in text)]


def units_of(text: str, start: int, end: int) -> tuple[int, int]:
    """The first and the last UTF-16 unit of a span.

    Args:
        text: the text.
        start: the span's first character.
        end: the character after its last.
    """
    starts = _starts(text)
    return starts[start], starts[end] - 1


def length_in_units(text: str) -> int:
    """How many UTF-16 units a text has."""
    return _starts(text)[-1]


def characters_of(text: str, first: int, last: int) -> tuple[int, int] | None:
    """The first character of a span, and the one after its last; halves of characters count as whole ones.

    Args:
        text: the text.
        first: the first UTF-16 unit.
        last: the last one.

    Returns:
        None where the text has no such units.
    """
    starts = _starts(text)
    if not 0 <= first <= last < starts[-1]:
        return None
    return bisect_right(starts, first) - 1, bisect_right(starts, last)


def trimmed(text: str) -> tuple[str, int]:
    """A text as JavaScript trims it, and how many characters are taken away from its beginning."""
    rest = text.lstrip(_TRIMMED)
    return rest.rstrip(_TRIMMED), len(text) - len(rest)
