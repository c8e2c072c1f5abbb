"""Language families, from CLDR's language groups (ISO 639-5 codes)."""

import json
import re
from functools import cache
from importlib.resources import files

import langcodes

_SHORT = re.compile(r" languages?$| \(family\)$")

_ROOT = "mul"
"""The group of all families."""


@cache
def language_family(tag: str) -> str | None:
    """The English name of a language's family, such as ``Indo-European languages``; None where CLDR has none for it.

    A family is a group that no other group holds; an isolate such as Korean is a family of its own.
    """
    line = language_groups(tag)
    return langcodes.Language.get(line[0]).display_name("en") if line else None


NO_FAMILY = "no family"
"""What stands for the family of a language of which CLDR has none."""


def family_name(tag: str) -> str:
    """The name of a language's family as axes and legends have it, without the word for languages."""
    family = language_family(tag)
    return NO_FAMILY if family is None else _SHORT.sub("", family)


@cache
def language_groups(tag: str) -> tuple[str, ...]:
    """The groups (ISO 639-5) that hold a language, from its family down, and last the language itself.

    Empty where CLDR has none for it; an isolate is in none but itself.
    """
    parents = _parents()
    line = [langcodes.Language.get(tag).language or ""]
    if line[0] not in parents:
        return ()
    while parents.get(line[0], _ROOT) != _ROOT:
        line.insert(0, parents[line[0]])
    return tuple(line)


@cache
def _parents() -> dict[str, str]:
    """The group that holds a language or a group."""
    data = json.loads((files("dragoman") / "cldr" / "languageGroups.json").read_text(encoding="utf-8"))
    groups: dict[str, str] = data["supplemental"]["languageGroups"]
    return {member: group for group, members in groups.items() for member in members.split()}
