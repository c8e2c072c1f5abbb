"""Diff of a hypothesis and its reference, and text direction (`ltr`, `rtl`)."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby
from typing import Literal, NamedTuple

LONGEST_WORD = 12
"""Mean length of what stands between spaces above which a text is taken for one written without them."""


class Part(NamedTuple):
    """A part of one of two texts."""

    text: str
    """The stretch."""
    matches: bool
    """Whether the other text has it at this place."""


def parts(hypothesis: str, reference: str) -> list[Part]:
    """A hypothesis in stretches that its reference has and has not; joined they are the hypothesis.

    Compared by words; by characters (with their combining marks) in Chinese, Japanese and Korean, and where a reference
    is written without spaces, as Thai is.
    """
    units = _units_of(reference)
    return _stretches(units(hypothesis), _matched(hypothesis, reference)[0])


def lacking(reference: str, hypotheses: Iterable[str]) -> list[Part]:
    """A reference in stretches that one of some hypotheses has, and that all of them lack; compared as in `parts`."""
    matched = [_matched(hypothesis, reference)[1] for hypothesis in hypotheses]
    units = list(_units_of(reference)(reference))
    return _stretches(units, [any(has) for has in zip(*matched, strict=True)] if matched else [True] * len(units))


@lru_cache(maxsize=4096)
def _matched(hypothesis: str, reference: str) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Which units of a hypothesis its reference has, and which of the reference the hypothesis has."""
    units = _units_of(reference)
    ours, theirs = list(units(hypothesis)), list(units(reference))
    own, other = [False] * len(ours), [False] * len(theirs)
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        own[block.a : block.a + block.size] = other[block.b : block.b + block.size] = [True] * block.size
    return tuple(own), tuple(other)


def _units_of(reference: str) -> Callable[[str], Iterator[str]]:
    return _characters if len(reference) > LONGEST_WORD * len(reference.split()) else _words


def _stretches(units: Iterable[str], matches: Iterable[bool]) -> list[Part]:
    marked = zip(units, matches, strict=True)
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
