"""Control characters that text of others may hold: written as escapes wherever people read it.

Hidden are what moves a terminal's cursor, ends a line where none ends, or turns the order of what follows: the controls
C0 and C1, lone surrogates, line and paragraph separators (U+2028, U+2029), the embeddings, overrides and isolates of
bidirectional text (U+202A to U+202E, U+2066 to U+2069), tags and other characters of format without a shape
(https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing). Marks and joiners that writing needs (U+200B to
U+200F, the zero-width joiners of Persian and the scripts of India among them) stay as they are.
"""

import re

_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

LINES = "\n\t"
"""Line breaks and tabs, which a text of several lines keeps."""


def visible(text: str, keep: str = "") -> str:
    r"""A text with hidden characters as escapes, such as ``\x1b`` and ``\u202e``.

    Args:
        text: the text.
        keep: characters that stay as they are, such as `LINES`.
    """
    if text.isprintable():
        return text
    return _HIDDEN.sub(lambda found: found[0] if found[0] in keep else _escape(found[0]), text)


def visible_sentence(text: str) -> str:
    """A message for people: the same, with further lines indented, so that none is taken for another message."""
    return visible(text, LINES).replace("\n", "\n  ")


def visible_json(text: str) -> str:
    r"""A text of JSON with its hidden characters as JSON's own escapes: it says the same.

    JSON has those below U+0020 as escapes already, other than the line breaks and spaces between its values.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    return _HIDDEN.sub(lambda found: found[0] if found[0] in "\n\t\r" else _in_json(found[0]), text)


def hidden_character(text: str) -> str | None:
    """The first hidden character of a text as an escape; None if it has none."""
    found = None if text.isprintable() else _HIDDEN.search(text)
    return _escape(found[0]) if found else None


def _escape(character: str) -> str:
    number = ord(character)
    if number > 0xFFFF:
        return f"\\U{number:08x}"
    return _SHORT.get(character) or (f"\\u{number:04x}" if number > 0xFF else f"\\x{number:02x}")


def _in_json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
