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
    (?: \b[a-z][a-z0-9+.-]*:/{2,} [^\s"'<>`]*?      # the address of a store, a bucket or a server
      | (?<![\w.:/<~)\]}%…-]) ~? / (?!/) [^\s/"'<>`&,;:()]+ / [^\s"'<>`&,;:()]*?     # two folders or more
      | (?<!\w) [A-Za-z]:\\ [^\s"'<>`&,;:()]*?
    )
    (?P<last> [^\s/\\"'<>`&,;:()]* ) (?= [\s"'<>`&,;:()] | $ )
    """,
    re.VERBOSE,
)
"""A path with several folders, or a URL; what follows the last slash is its name."""

ELLIPSIS = "…"


def public(text: str) -> str:
    """A text without the machine's paths, of which the last name stays, and without secrets.

    It may be HTML: relative links stay as they are.
    """
    text = _folders().sub(ELLIPSIS, text)
    return masked(_PLACE.sub(lambda found: f"{ELLIPSIS}/{found['last']}".rstrip("/"), text))


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
def _folders() -> re.Pattern[str]:
    """The folders that this installation works in, as they are and as they stand in HTML.

    Of those a name with a space in it would be cut by the pattern.
    """
    found = {str(each) for each in (settings().home, settings().artifacts_dir, Path.home(), Path.cwd())} - {"/"}
    names = sorted({*found, *map(escape, found)}, key=len, reverse=True)
    return re.compile(rf"(?<![\w.:/<…-])(?:{'|'.join(map(re.escape, names))})(?![\w.-])")
