import io

import pytest

from dragoman.line import half_character, in_one_line, lines_of, of_whole_characters

ODD = "a\u2028b\x85c\x0cd\x0be\x1cf\x1dg\x1eh\u2029i\rj"
"""Everything but a line break that `str.splitlines` takes for the end of a line."""


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\n\n", "\n", f"{ODD}\r\n{ODD}\n", "a\r\r\nb"])
def test_lines_are_those_of_a_file_read_without_universal_newlines(text: str) -> None:
    with io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline="\n") as file:
        assert lines_of(text) == [line.removesuffix("\n").removesuffix("\r") for line in file]
    assert len(lines_of(text)) == text.count("\n") + (text[-1:] not in ("", "\n"))  # `wc -l`, and a line left open


def test_a_line_break_is_a_space() -> None:
    assert in_one_line(f"{ODD}\r\nb\nc\n\nd") == f"{ODD} b c  d"


def test_half_a_character_is_told_and_replaced() -> None:
    """Half of a surrogate pair has no UTF-8 (RFC 3629, section 3); U+FFFD stands for what can't be written."""
    assert half_character("ab\ud83dc") == "\\ud83d"
    assert half_character("😀\ufffd\x00") is None
    assert of_whole_characters("a\ud83d😀\udc00") == "a\ufffd😀\ufffd"
