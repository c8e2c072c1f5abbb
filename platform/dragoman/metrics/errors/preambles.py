"""Preambles and wrappings: what a model says about its translation, thinks before it, or puts around it."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import regex

OPENING = 120
"""Characters that an opening about the translation has at most."""

_END = regex.compile(r"[:：\n]")
_REASONING = regex.compile(
    r"(?is)<(think|thinking|reasoning|scratchpad)>.*?(?:</\1>|\Z)|</(?:think|thinking|reasoning)>"
)
_FENCE = regex.compile(r"```[\w-]*")
_BOLD = regex.compile(r"^\s*\*\*[^*\n]+\*\*")
_NOTE = regex.compile(r"(?i)(?:^|\n)\s*[(\[]?(?:note|explanation|translator's note)s?\s*:")
_QUOTES = regex.compile(r"""(?s)^\s*(["“„«「『'‘]).+(["”“»」』'’])\s*[.。]?\s*$""")
_PAIRED = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "'": "'", "‘": "’"}


def preambles(text: str, *others: str) -> list[tuple[int, int]]:
    """Where a text speaks of itself or is wrapped, unless one of some other texts does the like.

    Args:
        text: the hypothesis.
        others: the source, and the reference where there is one.
    """
    found = [
        span
        for search in (_openings, _reasoning, _wrapping, _notes)
        if not any(any(search(other)) for other in others)
        for span in search(text)
    ]
    return sorted(found)


def _reasoning(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _REASONING.finditer(text))
    yield from (match.span() for match in _FENCE.finditer(text))


def _notes(text: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _NOTE.finditer(text))


def _wrapping(text: str) -> Iterator[tuple[int, int]]:
    """The quotation marks, or marks of bold print, around a text."""
    quoted = _QUOTES.match(text)
    inner = text.strip().rstrip(".。").rstrip()[1:-1]
    if quoted and quoted[2] in _PAIRED[quoted[1]] and not {quoted[1], quoted[2]} & set(inner):
        yield quoted.span(1)
        yield quoted.span(2)
    if bold := _BOLD.match(text):
        yield bold.span()


def _openings(text: str) -> Iterator[tuple[int, int]]:
    """A first clause about the translation, up to its colon or line break."""
    start = len(text) - len(text.lstrip())
    end = _END.search(text, pos=start)
    if end is None or not 0 < end.start() - start <= OPENING or end.end() == len(text.rstrip()):
        return
    opening = text[start : end.start()]
    if _openers().match(opening) or _about().search(opening):
        yield start, end.end()


@cache
def _openers() -> "regex.Pattern[str]":
    return regex.compile(rf"(?i)\W*(?:{_alternatives('openers')})(?!\p{{Latin}}|\p{{Cyrillic}})")


@cache
def _about() -> "regex.Pattern[str]":
    return regex.compile(rf"(?i)(?<!\p{{Latin}}|\p{{Cyrillic}}|\p{{Greek}})(?:{_alternatives('translation')})")


def _alternatives(kind: str) -> str:
    words = tomllib.loads((files(__package__) / "preambles.toml").read_text("utf-8"))[kind]
    return "|".join(regex.escape(word) for own in words.values() for word in own)
