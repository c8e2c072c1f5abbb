"""Entities of the embedded corpus: what a meaning names, and what a text in some language names of the kind.

CLDR has every form of a country's, a language's, a currency's or a unit's name, and every pattern of dates and spans:
whether an entity came out right in a translation is decided by looking it up.
"""

import datetime
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import regex
from babel import Locale
from babel.dates import tokenize_pattern

from dragoman.corpora.kinds.cldr_phrases import Meaning
from dragoman.metrics.errors.numbers import numbers
from dragoman.script import unicode_scripts

_NUMBER = r"\p{Nd}[\p{Nd}.,'\u2019\u066b\u066c ]*"
_UNSPACED = {"Hani", "Hira", "Kana", "Thai", "Hang"}
_CONJUNCTIONS = {"Arab": "\u0648", "Hebr": "\u05d5"}
"""The letters for "and" that are written onto the next word, by script."""


class EntityKind(StrEnum):
    """Kind of entity."""

    NUMBER = "numbers"
    """An amount or a count, by its digits; not those of dates."""
    DATE = "dates"
    """A day, with its weekday where the source has one."""
    SPAN = "spans"
    """A unit of time ago or to come."""
    UNIT = "units"
    """A unit of measurement."""
    CURRENCY = "currencies"
    """A currency."""
    TERRITORY = "countries"
    """A country or territory."""
    LANGUAGE = "languages"
    """A language."""


class Entity(NamedTuple):
    """An entity that a meaning names."""

    kind: EntityKind
    """Its kind."""
    key: str
    """CLDR's code of it; a date in ISO 8601."""


def entities(meaning: Meaning) -> tuple[Entity, ...]:
    """What a meaning names, but for its numbers: how they are written follows from the language."""
    kind, *rest = meaning
    match kind:
        case "list":
            return tuple(entity for item in rest[1:] for entity in entities(item))
        case "amount":
            return (Entity(EntityKind.CURRENCY, rest[0]),)
        case "date":
            return (Entity(EntityKind.DATE, _day(datetime.date.fromisoformat(rest[0]), rest[1] == "full")),)
        case "relative":
            return (Entity(EntityKind.SPAN, f"{rest[0]} {rest[2]}"),)
        case "unit":
            return (Entity(EntityKind.UNIT, rest[0]),)
    return (Entity(EntityKind.TERRITORY if kind == "territory" else EntityKind.LANGUAGE, rest[0]),)


def _day(day: datetime.date, has_weekday: bool) -> str:
    return f"{day.isoformat()} {day.weekday()}" if has_weekday else day.isoformat()


class Recogniser:
    """Finds entities in texts of one language by CLDR's forms of them, the longest first."""

    def __init__(self, language: str) -> None:
        """Gather the forms of a language that CLDR has full data for."""
        locale = Locale.parse(language, sep="-")
        scripts = unicode_scripts(language)
        joined = next((f"{letter}?" for script, letter in _CONJUNCTIONS.items() if script in scripts), "")
        before, after = rf"(?<![\p{{L}}\p{{M}}]){joined}", r"(?![\p{L}\p{M}])"
        if scripts & _UNSPACED:
            before = after = ""
        forms: defaultdict[str, defaultdict[EntityKind, set[str]]] = defaultdict(lambda: defaultdict(set))
        for kind, own in {
            EntityKind.SPAN: _spans(locale),
            EntityKind.UNIT: _units(locale),
            EntityKind.CURRENCY: _currencies(locale),
            EntityKind.TERRITORY: _named(locale.territories),
            EntityKind.LANGUAGE: _named(locale.languages),
        }.items():
            for form, keys in own.items():
                forms[form][kind] |= keys
        # one search for all kinds: "Belize dollars" is a currency, and no country beside it
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._keys = {f"f{place}": forms[form] for place, form in enumerate(ordered)}
        alternatives = "|".join(f"(?P<{name}>{form})" for name, form in zip(self._keys, ordered, strict=True))
        self._forms = regex.compile(f"{before}(?:{alternatives}){after}")
        self._dates = _Dates(locale)

    def found(self, kind: EntityKind, text: str) -> list[frozenset[str]]:
        """The entities of a kind in a text, in order; each as the keys that its form may stand for."""
        plain = _plain(text)
        if kind is EntityKind.DATE:
            return [keys for _, keys in self._dates.found(plain)]
        for (start, end), _ in reversed(self._dates.found(plain)):
            plain = f"{plain[:start]} ; {plain[end:]}"
        if kind is EntityKind.NUMBER:
            return [frozenset({number.digits}) for number in numbers(plain)]
        found = [self._keys[match.lastgroup or ""] for match in self._forms.finditer(plain)]
        return [frozenset(keys[kind]) for keys in found if kind in keys]


@cache
def recogniser(language: str) -> Recogniser:
    """The recogniser of a language, made once."""
    return Recogniser(language)


def _plain(text: str) -> str:
    """A text by which forms are known again, whatever their case, spacing and marks of direction."""
    visible = "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each) != "Cf")
    return " ".join(visible.casefold().split())


def _escaped(form: str) -> str:
    return regex.escape(_plain(form), literal_spaces=True)


def _named(names: Mapping[str, str]) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for code, name in names.items():
        found[_escaped(name)].add(str(code))
    return found


def _currencies(locale: Locale) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set, _named(locale.currencies))
    for code, forms in locale._data["currency_names_plural"].items():
        for form in forms.values():
            found[_escaped(str(form))].add(str(code))
    for code in locale.currencies:
        found[_escaped(str(code))].add(str(code))
    return found


def _units(locale: Locale) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for unit, widths in locale._data["unit_patterns"].items():
        for width in ("long", "short"):
            for count, form in widths.get(width, {}).items():
                if count not in ("per", "case") and isinstance(form, str):
                    found[_with_number(form)].add(str(unit))
    return {form: units for form, units in found.items() if form}


def _spans(locale: Locale) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for field in ("second", "minute", "hour", "day", "week", "month", "year"):
        for width in (field, f"{field}-short"):
            for direction in ("past", "future"):
                for form in locale._data["date_fields"].get(width, {}).get(direction, {}).values():
                    found[_with_number(form, inside=True)].add(f"{field} {direction}")
    return {form: spans for form, spans in found.items() if form}


def _with_number(form: str, inside: bool = False) -> str:
    """A form as a pattern; the number in it is taken along, or left out where it stands at an end."""
    parts = [_escaped(part) for part in form.split("{0}")]
    if inside or (len(parts) > 1 and all(parts)):
        return rf"\s?{_NUMBER}\s?".join(parts)
    return "".join(parts)


class _Dates:
    """Finds dates by the patterns of a locale: full, long, medium and short."""

    def __init__(self, locale: Locale) -> None:
        self._months = _numbered(locale.months, ("wide", "abbreviated"))
        self._weekdays = _numbered(locale.days, ("wide", "abbreviated"))
        formats = [locale.date_formats[length].pattern for length in ("full", "long", "medium", "short")]
        self._patterns = [regex.compile(self._pattern(each)) for each in dict.fromkeys(formats)]

    def _pattern(self, pattern: str) -> str:
        parts = []
        for kind, value in tokenize_pattern(_visible(pattern)):
            if kind == "chars":
                parts.append(r"\s*".join(regex.escape(part) for part in re.split(r"\s+", str(value).casefold())))
                continue
            field, width = value[0], int(value[1])
            match field:
                case "E" | "c":
                    parts.append(f"(?P<weekday>{_any(self._weekdays)})")
                case "M" | "L":
                    parts.append(f"(?P<month>{_any(self._months)})" if width > 2 else r"(?P<month>\p{Nd}{1,2})")
                case "d":
                    parts.append(r"(?P<day>\p{Nd}{1,2})")
                case "y":
                    parts.append(r"(?P<year>\p{Nd}{4}|\p{Nd}{2})")
        return r"(?<!\p{Nd})" + "".join(parts) + r"(?!\p{Nd})"

    def found(self, text: str) -> list[tuple[tuple[int, int], frozenset[str]]]:
        """The dates of a text with their places, in order; longer patterns first, none over another."""
        taken: list[tuple[tuple[int, int], frozenset[str]]] = []
        for pattern in self._patterns:
            for match in pattern.finditer(text):
                if not any(start < match.end() and match.start() < end for (start, end), _ in taken):
                    taken.append((match.span(), self._keys(match.groupdict())))
        return sorted(taken)

    def _keys(self, parts: Mapping[str, Any]) -> frozenset[str]:
        month = self._months.get(parts["month"]) or int(parts["month"])
        year, day = int(parts["year"]), int(parts["day"])
        years = [year] if year > 99 else [1900 + year, 2000 + year]
        try:
            days = [datetime.date(each, month, day) for each in years]
        except ValueError:
            return frozenset({f"{year}-{month}-{day}"})  # no day of the calendar, and so not the one that is meant
        if parts.get("weekday") is None:
            return frozenset(each.isoformat() for each in days)
        weekday = self._weekdays[parts["weekday"]]
        # a right weekday may be added; a wrong one makes another date of it
        return frozenset(
            key
            for each in days
            for key in ([_day(each, True), each.isoformat()] if each.weekday() == weekday else [f"{each} {weekday}"])
        )


def _visible(pattern: str) -> str:
    return "".join(each for each in pattern if unicodedata.category(each) != "Cf")


def _numbered(names: Mapping[str, Any], widths: tuple[str, ...]) -> dict[str, int]:
    """Names of months or weekdays, folded, with their numbers."""
    return {
        _plain(str(name)): int(number)
        for context in names.values()
        for width in widths
        for number, name in context.get(width, {}).items()
    }


def _any(names: Mapping[str, int]) -> str:
    return "|".join(regex.escape(name) for name in sorted(names, key=lambda name: (-len(name), name)))
