"""What must not be published: paths and addresses of the machine, and secrets."""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from dragoman.redaction import masked
from dragoman.settings import settings
from dragoman.tables.table import Table

_PLACE = re.compile(
    r"""
      \b[a-z][a-z0-9+.-]*:/{2,} [^\s"'<>`&]*                                        # a store, a bucket or a server
    | (?<![\w.:/<~)\]}%…-]) ~? / (?!/) [^\s/"'<>`&,;:()]+ / [^\s"'<>`&,;:()]*      # two folders or more
    | (?<!\w) [A-Za-z]:\\ [^\s"'<>`&,;:()]*
    """,
    re.VERBOSE,
)
"""A path with several folders, or a URL."""

ELLIPSIS = "…"


def public(text: str) -> str:
    """A text without the machine's paths, of which the last name stays, and without secrets.

    It may be HTML: relative links stay as they are.
    """
    places = (settings().home, settings().artifacts_dir, Path.home(), Path.cwd())
    text = _folders(frozenset(map(str, places))).sub(ELLIPSIS, text)
    return masked(_PLACE.sub(lambda found: _named(found[0]), text))


def _named(place: str) -> str:
    """The last name of a place, which alone says nothing of where it is; of a server alone, nothing."""
    names = [name for name in re.split(r"[/\\]", place.partition("?")[0].rpartition("://")[2]) if name]
    return f"{ELLIPSIS}/{names[-1]}" if len(names) > 1 else ELLIPSIS


def public_table(table: Table) -> Table:
    """A table whose rows can be published; numbers stay as they are."""
    return replace(table, content=[_public_row(row) for row in table.rows])


def _public_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _public_value(value) for key, value in row.items()}


def _public_value(value: Any) -> Any:
    if isinstance(value, str):
        return public(value)
    return type(value)(map(_public_value, value)) if type(value) in (list, tuple) else value


@cache
def _folders(places: frozenset[str]) -> re.Pattern[str]:
    """Folders that this installation works in, as they are and as they stand in HTML.

    Of those a name with a space in it would be cut by the other pattern.
    """
    found = places - {"/"}
    names = sorted({*found, *map(escape, found)}, key=len, reverse=True)
    return re.compile(rf"(?<![\w.:/<…-])(?:{'|'.join(map(re.escape, names))})(?![\w-])")
