"""Language families, from CLDR's language groups (ISO 639-5 codes)."""

import json
from functools import cache
from importlib.resources import files

import langcodes

_ROOT = "mul"
"""The group of all families."""


@cache
def language_family(tag: str) -> str | None:
    """The English name of a language's family, such as ``Indo-European languages``; None where CLDR has none for it.

    A family is a group that no other group holds; an isolate such as Korean is a family of its own.
    """
    parents = _parents()
    group = langcodes.Language.get(tag).language or ""
    if group not in parents:
        return None
    while parents.get(group, _ROOT) != _ROOT:
        group = parents[group]
    return langcodes.Language.get(group).display_name("en")


@cache
def _parents() -> dict[str, str]:
    """The group that holds a language or a group."""
    data = json.loads((files("dragoman") / "cldr" / "languageGroups.json").read_text(encoding="utf-8"))
    groups: dict[str, str] = data["supplemental"]["languageGroups"]
    return {member: group for group, members in groups.items() for member in members.split()}
