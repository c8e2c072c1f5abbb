"""A language: a canonical BCP-47 tag, whatever the user or a data set calls it."""

from functools import cache
from typing import Annotated

import langcodes
from babel.localedata import locale_identifiers
from langcodes.tag_parser import LanguageTagError
from pydantic import AfterValidator

from dragoman.errors import DragomanError


class LanguageError(DragomanError, ValueError):
    """Text that names no language."""


@cache
def canonical_tag(text: str) -> str:
    """The canonical tag of a language given as ISO 639-1/-3, BCP-47, a FLORES code or an English name.

    Individual languages fold into the macrolanguage people write (``arb`` is ``ar``). The script
    is kept where it tells something: always for languages CLDR writes in several scripts
    (``zh`` is taken for ``zh-Hans``), never where it is the only usual one (``eng_Latn`` is ``en``).

    Raises:
        LanguageError: the text names no language, or a code that is assigned to none.
    """
    language = _parse(text.strip())
    language = language.prefer_macrolanguage().simplify_script()
    likely = language.update_dict({"script": None}).maximize().script
    if _needs_script(language.language or ""):
        language = language.update_dict({"script": language.script or likely})
    elif language.script == likely:
        language = language.update_dict({"script": None})
    return language.to_tag()


def _parse(text: str) -> langcodes.Language:
    try:
        language = langcodes.Language.get(text.replace("_", "-"))
    except LanguageTagError:
        return _by_name(text)
    if not language.is_valid() or language.language_name().startswith("Unknown language"):
        return _by_name(text)
    return language


def _by_name(text: str) -> langcodes.Language:
    try:
        language = langcodes.find(text)
    except LookupError:
        language = None
    # `find` is lenient (it takes "Klingonish" for Klingon); a spec should say what it means.
    if language is None or language.language_name().casefold() != text.casefold():
        meant = f" Did you mean {language.language_name()} ('{language.to_tag()}')?" if language else ""
        raise LanguageError(
            f"'{text}' is not a language: use a BCP-47 tag or ISO 639 code ('de', 'deu', 'zh-Hans'), "
            f"a FLORES code ('deu_Latn') or an English name ('German').{meant}"
        )
    return language


@cache
def _languages_of_several_scripts() -> frozenset[str]:
    scripts: dict[str, set[str]] = {}
    for identifier in locale_identifiers():
        language, *rest = identifier.split("_")
        scripts.setdefault(language, set()).update(part for part in rest if len(part) == 4 and part.isalpha())
    return frozenset(language for language, found in scripts.items() if len(found) > 1)


def _needs_script(language: str) -> bool:
    """Whether a bare tag would leave the script open: several are in use and the registry names no default."""
    default = langcodes.Language.make(language).maximize().simplify_script().script
    return default is not None and language in _languages_of_several_scripts()


@cache
def scripts_of(tag: str) -> tuple[str, ...]:
    """The scripts (ISO 15924) a language is written in, by CLDR, its usual one first; empty where that is one alone.

    Where it isn't, a bare code such as ``zh`` or ``sr`` was taken for the usual script.
    """
    language = langcodes.Language.get(tag).language or ""
    if not _needs_script(language):
        return ()
    usual = langcodes.Language.make(language).maximize().script
    found = {
        part
        for identifier in locale_identifiers()
        if identifier.split("_")[0] == language
        for part in identifier.split("_")[1:]
        if len(part) == 4 and part.isalpha()
    }
    return tuple(sorted(found, key=lambda script: (script != usual, script)))


@cache
def english_name(tag: str) -> str:
    """The English name used in prompts: ``German``, ``Chinese``; the script only where it is not the usual one."""
    return _named(tag).display_name("en")


@cache
def native_name(tag: str) -> str:
    """A language's name for itself: ``Deutsch``, ``中文``; the English one where CLDR has none."""
    return _named(tag).autonym()


def _named(tag: str) -> langcodes.Language:
    """The language with its script only where it is not the usual one."""
    language = langcodes.Language.get(tag)
    if language.script == langcodes.Language.get(language.language or "").maximize().script:
        return language.update_dict({"script": None})
    return language


Language = Annotated[str, AfterValidator(canonical_tag)]
"""A string that pydantic turns into its canonical tag."""


def likely_script(tag: str) -> str:
    """The ISO 15924 code of the script a language is written in, where the tag names none: the usual one."""
    return langcodes.Language.get(tag).maximize().script or ""
