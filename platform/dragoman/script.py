"""The scripts (ISO 15924) of a language and its usual region, by CLDR."""

from functools import cache, lru_cache

import langcodes
from babel.core import get_global
from babel.localedata import locale_identifiers


def likely_subtags(language: str, script: str | None, territory: str | None) -> tuple[str | None, str | None]:
    """The usual script and territory of a language in a script or a territory, by CLDR; those given stay.

    https://www.unicode.org/reports/tr35/#Likely_Subtags; langcodes' table knows few of the small languages.
    """
    table = get_global("likely_subtags")
    if language not in table:
        language = get_global("language_aliases").get(language, language)
    for key in filter(None, (script and f"{language}_{script}", territory and f"{language}_{territory}", language)):
        if key in table:
            _, likely_script, likely_territory = table[key].split("_")
            return script or likely_script, territory or likely_territory
    maximal = langcodes.Language.make(language=language, script=script, territory=territory).maximize()
    return maximal.script, maximal.territory


_UNICODE_SCRIPTS = {
    "Hans": ("Hani",),
    "Hant": ("Hani",),
    "Hanb": ("Hani", "Bopo"),
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Aran": ("Arab",),
}
"""The codes of ISO 15924 that stand for variants or mixtures, in the scripts Unicode gives to characters."""


@cache
def _languages_of_several_scripts() -> frozenset[str]:
    scripts: dict[str, set[str]] = {}
    for identifier in locale_identifiers():
        language, *rest = identifier.split("_")
        scripts.setdefault(language, set()).update(part for part in rest if len(part) == 4 and part.isalpha())
    return frozenset(language for language, found in scripts.items() if len(found) > 1)


def needs_script(language: str) -> bool:
    """Whether a bare tag would leave the script open: several are in use and the registry names no default."""
    usual, _ = likely_subtags(language, None, None)
    default = langcodes.Language.make(language=language, script=usual).simplify_script().script
    return default is not None and language in _languages_of_several_scripts()


def likely_script(tag: str) -> str:
    """The ISO 15924 code of the script a language is written in, where the tag names none: the usual one."""
    language = langcodes.Language.get(tag)
    return language.script or likely_subtags(language.language or "", None, language.territory)[0] or ""


_ALONE = {"Hans": "Simplified Han", "Hant": "Traditional Han"}
"""CLDR's names of scripts where they stand alone, not beside their language; the others are the same."""


def script_name(tag: str) -> str:
    """The English name of the script a language is written in; its code where CLDR has no name."""
    code = likely_script(tag)
    return _ALONE.get(code) or langcodes.Language.make(script=code or None).script_name("en")


@cache
def scripts_of(tag: str) -> tuple[str, ...]:
    """The scripts (ISO 15924) a language is written in, by CLDR, its usual one first; empty where that is one alone.

    Where it isn't, a bare code such as ``zh`` or ``sr`` was taken for the usual script.
    """
    language = langcodes.Language.get(tag).language or ""
    if not needs_script(language):
        return ()
    usual = likely_script(language)
    found = {
        part
        for identifier in locale_identifiers()
        if identifier.split("_")[0] == language
        for part in identifier.split("_")[1:]
        if len(part) == 4 and part.isalpha()
    }
    return tuple(sorted(found, key=lambda script: (script != usual, script)))


@lru_cache(maxsize=1024)
def unicode_scripts(tag: str) -> frozenset[str]:
    """The scripts that Unicode gives to the letters of a language."""
    script = likely_script(tag)
    return frozenset(_UNICODE_SCRIPTS.get(script, (script,)))


_WITHOUT_SPACES = {
    "Hans", "Hant", "Hani", "Jpan", "Bopo", "Yiii", "Thai", "Laoo", "Khmr", "Mymr", "Lana", "Tale", "Talu", "Tavt",
    "Ahom", "Tibt",
}  # fmt: skip
"""Scripts that put no space between words: those of the line breaking classes ID and SA of UAX #14, and Tibetan."""


def puts_spaces_between_words(language: str) -> bool:
    """Whether a language, as it is likely written, has spaces between its words."""
    return likely_script(language) not in _WITHOUT_SPACES
