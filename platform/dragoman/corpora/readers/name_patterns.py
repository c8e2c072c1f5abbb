"""What the names of files and columns tell: languages, pairs, splits."""

import re
from collections.abc import Iterable

from dragoman.errors import DragomanError
from dragoman.language import LanguageError, canonical_tag
from dragoman.pair import Pair
from dragoman.segment import Split

PACKED = r"(?:\.(?:gz|zst|bz2|xz))?"
"""The end of a regular expression for file names: compressed or not."""

SPLITS = {
    **dict.fromkeys(("train", "training"), Split.TRAIN),
    **dict.fromkeys(("dev", "valid", "validation"), Split.DEV),
    **dict.fromkeys(("test", "devtest"), Split.TEST),
}
"""What data sets call their splits."""


def language_of(code: str) -> str | None:
    """The canonical tag of a code in a name; None if it is no language."""
    try:
        return canonical_tag(code)
    except LanguageError:
        return None


def pair_of(text: str) -> Pair | None:
    """The pair two codes joined by a hyphen stand for; None if they are not two languages."""
    try:
        return Pair.parse(text)
    except DragomanError:
        return None


def pairs_named(pattern: str, names: Iterable[str]) -> dict[Pair, str]:
    """The names that a pattern with ``{source}`` and ``{target}`` matches, by the pair that stands there."""
    expression = re.escape(pattern).replace(r"\{source\}\-\{target\}", "(?P<pair>[^/]+)")
    for side in ("source", "target"):
        expression = expression.replace(rf"\{{{side}\}}", f"(?P<{side}>[^/]+?)", 1).replace(
            rf"\{{{side}\}}", f"(?P={side})"
        )
    found: dict[Pair, str] = {}
    for name in names:
        if match := re.fullmatch(expression, name):
            named = match.groupdict()
            pair = pair_of(named["pair"] if "pair" in named else f"{named['source']}>{named['target']}")
            if pair:
                found.setdefault(pair, name)
    return found
