"""A meaning: a phrase that CLDR has in many languages, such as a date or a list of countries."""

import datetime
import random
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import Any, TypeAlias, TypeVar

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_timedelta
from babel.lists import format_list
from babel.numbers import format_currency
from babel.units import format_unit

Meaning: TypeAlias = tuple[Any, ...]
"""A kind and its arguments, hashable and with a stable `repr`; the items of a list are meanings themselves."""
Rendering: TypeAlias = str | None
"""The sentence, or None where CLDR has no proper form in that language."""

T = TypeVar("T")
_PIVOT = Locale.parse("en")
_RELATIVE = {  # the counts that babel words with this very unit and no other
    "second": (1, range(2, 50)),
    "minute": (60, range(2, 50)),
    "hour": (3600, range(2, 20)),
    "day": (86_400, range(2, 6)),
    "week": (604_800, range(2, 4)),
    "month": (2_592_000, range(2, 11)),
    "year": (31_536_000, range(2, 60)),
}
_UNITS = (
    "digital-gigabyte", "digital-megabyte", "duration-night", "mass-kilogram", "mass-milligram",
    "speed-kilometer-per-hour", "speed-meter-per-second", "speed-mile-per-hour",
    "temperature-celsius", "temperature-fahrenheit",
)  # fmt: skip
_KINDS = (  # kind, share in a hundred
    ("territory", 3), ("language", 3), ("amount", 18), ("date", 14), ("relative", 9), ("unit", 8),
    ("territories", 17), ("languages", 12), ("amounts", 6), ("dates", 4), ("mixed", 6),
)  # fmt: skip
_DOMAINS = {
    "territory": "territories", "language": "languages", "amount": "amounts", "date": "dates", "relative": "spans",
    "unit": "measures",
}  # fmt: skip
_ITEMS = {"territories": ("territory",), "languages": ("language",), "amounts": ("amount",), "dates": ("date",)}


def draw(rng: random.Random) -> Meaning:
    """A random meaning. Names follow Zipf's law, as in text: a few are frequent, most are rare."""
    kinds, shares = zip(*_KINDS, strict=True)
    kind: str = _weighted(rng, kinds, tuple(accumulate(shares)))
    if kind in _ITEMS or kind == "mixed":
        count = _weighted(rng, (2, 3), (7, 10))
        kinds_of_items = [_ITEMS[kind][0]] * count if kind in _ITEMS else rng.sample(("territory", "amount", "date"), 2)
        items = tuple(_draw_atom(rng, item) for item in kinds_of_items)
        style = _weighted(rng, ("standard", "or"), (3, 4))
        return ("list", style, *items) if len(set(items)) == len(items) else items[0]
    return _draw_atom(rng, kind)


def domain(meaning: Meaning) -> str:
    """What a meaning is about: `territories`, `languages`, `amounts`, `dates`, `spans`, `measures`, or `mixed`."""
    kind, *rest = meaning
    if kind != "list":
        return _DOMAINS[kind]
    found = {_DOMAINS[item[0]] for item in rest[1:]}
    return found.pop() if len(found) == 1 else "mixed"


def _draw_atom(rng: random.Random, kind: str) -> Meaning:
    match kind:
        case "territory" | "language":
            return (kind, _zipf(rng, kind))
        case "amount":
            whole = rng.randrange(2, 100) if rng.random() < 0.7 else rng.randrange(100, 3000)
            cents = rng.choice((25, 50, 75)) if rng.random() < 0.3 else 0
            return ("amount", _zipf(rng, "currency"), whole, cents)
        case "date":
            day = datetime.date(1990, 1, 1) + datetime.timedelta(days=rng.randrange(14_610))
            return ("date", day.isoformat(), _weighted(rng, ("long", "full"), (1, 2)))
        case "relative":
            unit = rng.choice(sorted(_RELATIVE))
            return ("relative", unit, rng.choice(_RELATIVE[unit][1]), rng.choice(("past", "future")))
    return ("unit", rng.choice(_UNITS), rng.randrange(2, 200))


def _weighted(rng: random.Random, choices: Sequence[T], cumulative: Sequence[float]) -> T:
    point = rng.random() * cumulative[-1]
    return next(choice for choice, bound in zip(choices, cumulative, strict=True) if point < bound)


def _zipf(rng: random.Random, kind: str) -> str:
    names, weights = _vocabulary(kind)
    return rng.choices(names, cum_weights=weights)[0]


@cache
def _vocabulary(kind: str) -> tuple[list[str], list[float]]:
    """The codes of a kind in a fixed shuffled order, with cumulative Zipf weights."""
    codes = {
        # regions of the world (digits) and placeholders (XA, XB, ZZ) are no countries
        "territory": [c for c in map(str, _PIVOT.territories) if c.isalpha() and c not in ("XA", "XB", "ZZ")],
        # the two-letter codes: languages people have heard of
        "language": [c for c in map(str, _PIVOT.languages) if len(c) == 2],
        "currency": [c for c in map(str, _PIVOT.currencies) if c != "XXX" and "(" not in _PIVOT.currencies[c]],
    }[kind]
    codes.sort()
    random.Random(f"dragoman-{kind}").shuffle(codes)
    return codes, list(accumulate(1 / (rank + 8) for rank in range(len(codes))))


@cache
def _locale(language: str) -> Locale | None:
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return None


@cache
def knows_language(language: str) -> bool:
    """Whether CLDR has the names of countries, languages and currencies in this language."""
    locale = _locale(language)
    if locale is None:
        return False
    return all(len(names) > 100 for names in (locale.territories, locale.languages, locale.currencies))


def render(meaning: Meaning, language: str) -> Rendering:
    """The meaning in a language: one line, Unicode NFC, plain single spaces; None where CLDR lacks it."""
    locale = _locale(language)
    if locale is None:
        return None
    kind, *arguments = meaning
    text = _RENDERERS[str(kind)](locale, *arguments)
    return None if text is None else " ".join(unicodedata.normalize("NFC", text).split())


def _territory(locale: Locale, code: str) -> Rendering:
    return locale.territories.get(code)


def _language(locale: Locale, code: str) -> Rendering:
    return locale.languages.get(code)


def _amount(locale: Locale, code: str, whole: int, cents: int) -> Rendering:
    if code not in locale.currencies:
        return None
    number_format = "#,##0.00" if cents else "#,##0"
    value = whole + cents / 100
    return format_currency(
        value, code, number_format, locale=locale, format_type="name", currency_digits=False, decimal_quantization=True
    )


def _date(locale: Locale, day: str, length: str) -> Rendering:
    return format_date(datetime.date.fromisoformat(day), "full" if length == "full" else "long", locale=locale)


def _relative(locale: Locale, unit: str, count: int, direction: str) -> Rendering:
    # without this pattern babel would word the span and drop "ago" or "in"
    if direction not in locale._data["date_fields"].get(unit, {}):
        return None
    seconds = _RELATIVE[unit][0] * count * (-1 if direction == "past" else 1)
    return format_timedelta(
        datetime.timedelta(seconds=seconds), granularity="second", add_direction=True, locale=locale
    )


def _unit(locale: Locale, unit: str, count: int) -> Rendering:
    # without this form babel would print the raw key ("3 length-kilometer" in zh)
    forms = locale._data["unit_patterns"].get(unit, {}).get("long", {})
    return format_unit(count, unit, "long", locale=locale) if locale.plural_form(count) in forms else None


@lru_cache(maxsize=100_000)
def _render_item(item: Meaning, language: str) -> Rendering:
    return render(item, language)


def _list(locale: Locale, style: str, *items: Meaning) -> Rendering:
    texts = [_render_item(item, str(locale).replace("_", "-")) for item in items]
    if any(text is None for text in texts):
        return None
    return format_list([text for text in texts if text], "or" if style == "or" else "standard", locale=locale)


_RENDERERS: dict[str, Callable[..., Rendering]] = {
    "territory": _territory,
    "language": _language,
    "amount": _amount,
    "date": _date,
    "relative": _relative,
    "unit": _unit,
    "list": _list,
}
