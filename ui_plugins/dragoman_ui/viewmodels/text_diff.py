"""Diff of a hypothesis and its reference, and text direction (`ltr`, `rtl`)."""

import unicodedata
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import groupby
from typing import Literal, NamedTuple

LONGEST_WORD = 12
"""Mean length of what stands between spaces above which a text is taken for one written without them."""


class Part(NamedTuple):
    """A part of a hypothesis."""

    text: str
    """The stretch."""
    matches: bool
    """Whether the reference has it at this place."""


def parts(hypothesis: str, reference: str) -> list[Part]:
    """A hypothesis in stretches that its reference has and has not; joined they are the hypothesis.

    Compared by words; by characters (with their combining marks) in Chinese, Japanese and Korean, and where a reference
    is written without spaces, as Thai is.
    """
    units = _characters if len(reference) > LONGEST_WORD * len(reference.split()) else _words
    ours, theirs = list(units(hypothesis)), list(units(reference))
    matches = [False] * len(ours)
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        matches[block.a : block.a + block.size] = [True] * block.size
    marked = zip(ours, matches, strict=True)
    # a space between two stretches belongs to neither: marked alone it would only be noise
    return [
        Part("".join(unit for unit, _ in stretch), is_match)
        for is_match, stretch in groupby(marked, key=lambda item: item[1] or item[0].isspace())
    ]


def _words(text: str) -> Iterator[str]:
    """Words, the spaces between them, and every punctuation mark and wide (Chinese, Japanese, Korean) character."""
    for kind, characters in groupby(text, key=_kind):
        if kind == "single":
            yield from characters
        else:
            yield "".join(characters)


def _kind(character: str) -> str:
    if character.isspace():
        return "space"
    is_wide = unicodedata.east_asian_width(character) in ("W", "F")
    return "single" if is_wide or unicodedata.category(character)[0] in "PS" else "word"


def _characters(text: str) -> Iterator[str]:
    """Characters with the marks that combine with them."""
    cluster = ""
    for character in text:
        if cluster and not unicodedata.category(character).startswith("M"):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def direction(*texts: str) -> Literal["ltr", "rtl"]:
    """The direction of most letters of the first text that has any, as a hypothesis may be in any language."""
    for text in texts:
        kinds = [unicodedata.bidirectional(character) for character in text]
        right_to_left, left_to_right = sum(kind in ("R", "AL") for kind in kinds), kinds.count("L")
        if right_to_left or left_to_right:
            return "rtl" if right_to_left > left_to_right else "ltr"
    return "ltr"
