"""Places by code points and by UTF-16 units, held against the bytes of UTF-16."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.judgement.formats.offsets import characters_of, length_in_units, trimmed, units_of

TEXTS = [
    "plain",
    "a🙂b👩‍👧c",  # astral characters: two units each, joined ones several
    "שָׁלוֹם עולם",  # right to left, with points
    "e\u0301te\u0301",  # combining accents
    "今天下雨𠮷。",  # CJK with a character of two units
]


@pytest.mark.parametrize("text", TEXTS)
def test_units_are_those_of_utf_16(text: str) -> None:
    assert length_in_units(text) == len(text.encode("utf-16-le")) // 2
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            first, last = units_of(text, start, end)
            units = text.encode("utf-16-le")[2 * first : 2 * last + 2]
            assert units.decode("utf-16-le") == text[start:end]
            assert characters_of(text, first, last) == (start, end)


def test_half_of_a_character_is_the_whole_of_it() -> None:
    assert characters_of("a🙂b", 1, 1) == characters_of("a🙂b", 2, 2) == characters_of("a🙂b", 1, 2) == (1, 2)


@pytest.mark.parametrize(("first", "last"), [(-1, 1), (2, 1), (0, 4), (4, 4)])
def test_what_the_text_has_not(first: int, last: int) -> None:
    assert characters_of("a🙂b", first, last) is None
    assert characters_of("", 0, 0) is None


@given(st.text())
def test_every_place_comes_back(text: str) -> None:
    for place in range(len(text)):
        assert characters_of(text, *units_of(text, place, place + 1)) == (place, place + 1)


def test_what_javascript_trims() -> None:
    # ECMA-262 leaves U+0085 and U+200B, of which Python takes the first for white space
    assert trimmed("\ufeff \u3000a b\u2028\n") == ("a b", 3)
    assert trimmed("\x85a\u200b") == ("\x85a\u200b", 0)
    assert trimmed(" \t") == ("", 2)
