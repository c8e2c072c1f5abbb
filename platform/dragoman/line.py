r"""Lines of text: splitting at line breaks, and characters that a line may not hold.

Only ``\n`` and ``\r\n`` end a line, as for ``wc -l``, sacreBLEU and Moses; U+2028, U+0085, form feeds and whatever else
`str.splitlines` takes for an end are characters of a sentence.
"""

import re

MARK = "\ufeff"
"""The byte-order mark; at the beginning of a line it is left over from concatenated files, and no part of the text."""

_BREAK = re.compile(r"\r?\n")
_HALF = re.compile(r"[\ud800-\udfff]")


def lines_of(text: str) -> list[str]:
    """The lines of a text, without their ends."""
    lines = _BREAK.split(text)
    return lines if lines[-1] else lines[:-1]


def in_one_line(text: str) -> str:
    """A text with a space for each line break in it."""
    return _BREAK.sub(" ", text) if "\n" in text else text


def half_character(text: str) -> str | None:
    r"""The first lone surrogate of a text as an escape (``\ud83d``), which has no UTF-8; None if it has none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"\\u{ord(text[error.start]):04x}"
    return None


def of_whole_characters(text: str) -> str:
    """A text with U+FFFD, the replacement character, for each lone surrogate."""
    return _HALF.sub("\ufffd", text)
