"""A language as a canonical BCP-47 tag, parsed from the codes and names of users and data sets."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Annotated

import langcodes
from babel import Locale
from langcodes.data_dicts import MACROLANGUAGES
from langcodes.tag_parser import LanguageTagError
from pydantic import AfterValidator

from dragoman.errors import DragomanError
from dragoman.script import likely_script, likely_subtags, needs_script

_SAME = {"no": "nb", "pbt": "ps"}
"""Codes of one language that CLDR has no alias for. Data sets call Bokmål by Norwegian's macrolanguage, which holds
Nynorsk as well (in CLDR's language matching they are at distance 1, and its data of both are alike); FLORES-200 calls
Southern Pashto what it was Pashto in FLORES-101 (facebookresearch/flores, flores200/README.md)."""

_PART_OF = {"Hang": {"Kore"}, "Hani": {"Hans", "Hant"}, "Hrkt": {"Jpan"}, "Aran": {"Arab"}, "Latf": {"Latn"}}
"""Scripts of ISO 15924 that are a part, a mixture or a style of another: beside it they are redundant (Hangul is what
Korean is usually written in, Nastaliq a hand of Arabic)."""

_NO_SCRIPTS = frozenset({"Zinh", "Zxxx", "Zyyy", "Zzzz"})
"""ISO 15924 for inherited, unwritten, undetermined and uncoded."""

_KEPT: ContextVar[frozenset[str]] = ContextVar("kept", default=frozenset())


class LanguageError(DragomanError, ValueError):
    """Text that names no language."""


def canonical_tag(text: str) -> str:
    """The canonical tag of a language given as ISO 639-1/-3, BCP-47, a data set's code or an English name.

    Individual languages fold into the macrolanguage people write (``arb`` is ``ar``). Script and region are kept where
    they distinguish, by CLDR's likely subtags. The script: always for languages CLDR writes in several scripts (``zh``
    is taken for ``zh-Hans``), never where it is the only usual one (``eng_Latn`` is ``en``). The region: where it is
    neither the usual one of the language in that script (``zh_TW`` is ``zh-Hant``, ``pt_BR`` is ``pt``, but ``pt_PT``
    is ``pt-PT``) nor no region at all (``en_XX``). The tag of a tag is the tag.

    Raises:
        LanguageError: the text names no language, or a code that is assigned to none.
    """
    return text if text in _KEPT.get() else _canonical(text.strip())


def without_region(tag: str) -> str:
    """The tag of a language whatever its region: ``ar`` for ``ar-SA``; the script stays."""
    return canonical_tag(langcodes.Language.get(tag).update_dict({"territory": None}).to_tag())


def related(tag: str, tags: Iterable[str]) -> list[str]:
    """The tags, among some others, of the same language or the same macrolanguage, sorted.

    In another script or region, or one beside the other: `zh-Hant` for `zh-Hans`, `pt-PT` for `pt`, `nn` for `nb`.
    """
    return sorted(other for other in set(tags) - {tag} if _macrolanguage(other) == _macrolanguage(tag))


@cache
def _macrolanguage(tag: str) -> str:
    code = langcodes.Language.get(tag).language or ""
    return MACROLANGUAGES.get(code, code)


@cache
def is_byname(code: str, tag: str) -> bool:
    """Whether a code means a tag only because its region is redundant, or because two codes are one language here.

    Where a data set has text under a language's own code too, that is what the tag stands for: `pt` beside `pt_BR`,
    `nb` beside `no`. A code of one data set alone (`zho_trad`) is none of these.
    """
    try:
        named = _parse(code)
    except LanguageError:
        return False
    return named.territory not in (None, langcodes.Language.get(tag).territory) or named.language in _SAME


@contextmanager
def tags_as_they_are(tags: Iterable[str]) -> Iterator[None]:
    """Context manager in which these texts are valid tags, so that languages of an earlier version keep their names."""
    token = _KEPT.set(frozenset(tags))
    try:
        yield
    finally:
        _KEPT.reset(token)


def tag_among(text: str, tags: Iterable[str]) -> str | None:
    """Find the tag that a text names among some: itself, or one of the same language; None where there is none.

    Raises:
        LanguageError: it is none of them, and names no language either.
    """
    known = list(tags)
    if text in known:
        return text
    tag = canonical_tag(text)
    return next((one for one in known if canonical_tag(one) == tag), None)


@cache
def _canonical(text: str) -> str:
    language = _parse(text).prefer_macrolanguage()
    code = _SAME.get(language.language or "", language.language)
    script = None if language.script in _NO_SCRIPTS else language.script
    territory = None if _is_no_territory(language) else language.territory
    usual = likely_subtags(code or "", None, None)[0]
    if script is None:
        script = likely_subtags(code or "", None, territory)[0] if territory else usual
    elif usual in _PART_OF.get(script, ()):
        script = usual
    if territory == likely_subtags(code or "", script, None)[1]:
        territory = None
    if script == usual and not needs_script(code or ""):
        script = None
    return language.update_dict({"language": code, "script": script, "territory": territory}).to_tag()


def _is_no_territory(language: langcodes.Language) -> bool:
    """Whether a region is the whole world, or a code that stands for none (`XX`, `ZZ`)."""
    named = language.territory_name() if language.territory else ""
    return language.territory == "001" or named.startswith("Unknown Region")


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
    except (LookupError, UnicodeError):  # its search knows neither half a character nor U+0000
        language = None
    # `find` is lenient (it takes "Klingonish" for Klingon); a spec should say what it means.
    if language is None or language.language_name().casefold() != text.casefold():
        if tag := _english_names().get(text.casefold()):
            return langcodes.Language.get(tag)
        meant = f" Did you mean {language.language_name()} ('{language.to_tag()}')?" if language else ""
        raise LanguageError(
            f"'{text}' is not a language: use a BCP-47 tag or ISO 639 code ('de', 'deu', 'zh-Hans'), "
            f"a FLORES code ('deu_Latn') or an English name ('German').{meant}"
        )
    return langcodes.Language.get(language.to_tag())  # which replaces codes that others have replaced: `tl`, `sh`


@cache
def _english_names() -> dict[str, str]:
    """The tags of CLDR's English names, among them names of variants such as Traditional Chinese."""
    return {name.casefold(): tag.replace("_", "-") for tag, name in Locale("en").languages.items()}


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
    if language.script == likely_script(language.language or ""):
        return language.update_dict({"script": None})
    return language


Language = Annotated[str, AfterValidator(canonical_tag)]
"""A string that pydantic turns into its canonical tag."""
