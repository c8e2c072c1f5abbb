"""Names of files and folders in what is shared: of language pairs, test sets and systems."""

import hashlib
import re
from collections.abc import Hashable, Iterable
from typing import TypeVar

from dragoman.pair import Pair

Key = TypeVar("Key", bound=Hashable)

LONGEST = 80
"""Characters of a file's name without its ending: a tar of POSIX.1-1988 has room for 100 bytes."""

_OTHER = re.compile(r"[^A-Za-z0-9._+=@-]")
_DIGITS = 8


def language_pair(pair: Pair) -> str:
    """A pair as WMT and mt-metrics-eval write it: two codes and one hyphen (``en-de``, ``zh_Hans-fr``)."""
    source, target = (tag.replace("-", "_") for tag in pair)
    return f"{source}-{target}"


def file_name(name: str) -> str:
    """A name that any file system takes, without blanks, which part the columns of score files.

    What is too long, or would be a hidden file, ends in a hash of the whole name.
    """
    plain = _OTHER.sub("_", name)
    if len(plain) <= LONGEST and plain[:1] not in ("", "."):
        return plain
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{plain.lstrip('.')[: LONGEST - _DIGITS - 1]}-{digest}"


def file_names(names: Iterable[tuple[Key, str]]) -> dict[Key, str]:
    """A file name for each key, no two alike on file systems that do not tell capital letters from small ones.

    Args:
        names: each key with its name.
    """
    found: dict[Key, str] = {}
    taken: set[str] = set()
    for key, name in names:
        plain, number = file_name(name), 1
        while (candidate := plain if number == 1 else f"{plain}-{number}").casefold() in taken:
            number += 1
        found[key] = candidate
        taken.add(candidate.casefold())
    return found
