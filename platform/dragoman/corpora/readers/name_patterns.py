"""Languages, pairs and splits parsed from the names of files and columns."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from dragoman.errors import DragomanError
from dragoman.language import LanguageError, canonical_tag, is_byname, related
from dragoman.pair import Pair
from dragoman.segment import Split

Item = TypeVar("Item")

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


def its_own(named: Mapping[Item, Sequence[tuple[str, str]]]) -> list[Item]:
    """Of several files or columns of the same languages those under the languages' own codes, if there are any.

    Args:
        named: each with its codes and the tags they stand for.
    """
    bynames = {item: sum(is_byname(code, tag) for code, tag in codes) for item, codes in named.items()}
    return [item for item, count in bynames.items() if count == min(bynames.values())]


def beside(lacking: Iterable[str], known: Iterable[str]) -> str:
    """What a corpus has in place of languages it lacks, as the end of a sentence; empty where it has nothing near."""
    there = set(known)
    found = {tag: others for tag in lacking if tag not in there and (others := related(tag, there))}
    if not found:
        return ""
    instead = " and ".join(f"{', '.join(others)} in place of {tag}" for tag, others in found.items())
    return f"; it has {instead}: write that in the spec, or rename or map it if it is the same to you"


def partners_in(pairs: Iterable[Iterable[str]]) -> dict[str, set[str]]:
    """The languages that each language is paired with, in either direction."""
    partners: defaultdict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        partners[one].add(other)
        partners[other].add(one)
    return dict(partners)


def beside_pair(pair: Pair, partners: Mapping[str, Collection[str]]) -> str:
    """The same of a pair that a corpus of bitexts lacks: what it pairs one of the two with in place of the other."""
    found = [beside([lacking], partners.get(other, ())) for lacking, other in (pair, pair.reverse)]
    return next(filter(None, found), "")


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
    found: dict[Pair, dict[str, list[tuple[str, str]]]] = {}
    for name in names:
        if match := re.fullmatch(expression, name):
            named = match.groupdict()
            codes = named["pair"].split("-") if "pair" in named else [named["source"], named["target"]]
            pair = pair_of(named["pair"] if "pair" in named else f"{named['source']}>{named['target']}")
            if pair:
                found.setdefault(pair, {})[name] = list(zip(codes, pair, strict=True)) if len(codes) == 2 else []
    return {pair: its_own(its)[0] for pair, its in found.items()}
