"""Summaries of commands, as the packages that bring them declare: the help lists them without importing a command.

A package puts them into `commands.toml` beside its top `__init__.py`, a table a command. Those of Dragoman's own
packages are written by `docs/generate.py` from the docstrings.
"""

import tomllib
from functools import cache
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from dragoman.cli.groups import Group

FILE = "commands.toml"
"""Name of the file in a package."""


class Summary(NamedTuple):
    """What the help says of a command."""

    group: str
    """The group it stands in."""
    text: str
    """The first sentences of its help."""
    argument: str = ""
    """What its help calls its first argument; none of one without, or whose package does not say."""


def summary_of(entry: EntryPoint) -> Summary | None:
    """The summary of a command's entry point; None where its package declares none."""
    declared = _declared(entry.module.partition(".")[0]).get(entry.name)
    if declared is None:
        return None
    for package in declared.get("needs", ()):
        if find_spec(package) is None:
            return Summary(Group.UNAVAILABLE, f"(needs the Python package {package})")
    return Summary(declared["group"], declared["summary"], declared.get("argument", ""))


@cache
def _declared(package: str) -> dict[str, dict[str, str]]:
    """The summaries of a package's commands by their names."""
    found = find_spec(package)
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / FILE).is_file():
            return tomllib.loads(path.read_text(encoding="utf-8"))
    return {}
