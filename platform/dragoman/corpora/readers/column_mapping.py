"""Which columns of a table hold what: as the spec maps them, or as their names tell."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import field_validator

from dragoman.corpora.readers.name_patterns import its_own, language_of
from dragoman.errors import CorpusError, nearest
from dragoman.language import is_byname
from dragoman.spec.corpus import CorpusOptions

Column = str | int
"""A column by its name, or by its number from 0 where there are no names."""

ROLES = ("source", "target", "source_language", "target_language")
"""What a column map may name besides languages."""

SIDE_NAMES = {"source": "source", "src": "source", "target": "target", "tgt": "target", "trg": "target"}
"""What data sets call the columns of the two sides."""


class TableOptions(CorpusOptions):
    """Which columns hold what."""

    columns: dict[str, Column] | None = None
    """The column of each language (`{de: german, en: english}`); or those of `source` and `target`, and, where rows are
    of many pairs, of `source_language` and `target_language`. By default they are found by name, see `layout_of`."""

    @field_validator("columns")
    @classmethod
    def _name_roles_or_languages(cls, columns: dict[str, Column] | None) -> dict[str, Column] | None:
        if columns is None:
            return None
        roles = [role for role in ROLES if role in columns]
        if not roles:
            return _by_language(columns)
        if len(roles) < len(columns):
            raise ValueError(f"mixes languages with {', '.join(roles)}; name either the languages or the sides")
        if roles not in (list(ROLES[:2]), list(ROLES)):
            raise ValueError("needs both source and target, and both of source_language and target_language or neither")
        return columns


class Layout(NamedTuple):
    """The columns of a table: those of languages, or else those of the sides."""

    languages: Mapping[str, Column]
    """The column of each language."""
    sides: tuple[Column, Column] | None = None
    """The columns of source and target."""
    tags: tuple[Column, Column] | None = None
    """The columns that name the languages of source and target row by row."""
    doubtful: Mapping[str, Sequence[str]] = {}
    """The columns that may be meant by a language: one of its own code, and others of a region or another code."""


def layout_of(columns: Mapping[str, Column] | None, names: Sequence[str], place: str) -> Layout:
    """The layout of a table.

    Args:
        columns: the user's map; without one, columns named `source` and `target` (and `source_language` and
            `target_language`), or named for languages (`de`, `deu_Latn`, `translation.de`; `id` is none), and if none
            has a name the first two.
        names: the names of its columns; empty if they have none.
        place: the table's name, for errors.

    Raises:
        CorpusError: a column that is named is not there, or nothing tells which is which.
    """
    for column in (columns or {}).values():
        if isinstance(column, str) and column not in names:
            raise CorpusError(
                f"corpus.columns names '{column}', but {place} has no such column; {nearest(column, names)}"
            )
    if columns and "source" not in columns:
        return Layout(columns)
    roles = columns or {SIDE_NAMES.get(name.casefold(), name.casefold()): name for name in names}
    if "source" in roles and "target" in roles:
        tags = (roles["source_language"], roles["target_language"]) if set(ROLES) <= set(roles) else None
        return Layout({}, (roles["source"], roles["target"]), tags)
    # "id" numbers the rows far more often than it is Indonesian, which a column map can say
    codes = {name: name.removeprefix("translation.") for name in names if name != "id"}
    named: dict[str, list[str]] = {}
    for name, code in codes.items():
        if tag := language_of(code):
            named.setdefault(tag, []).append(name)
    if len(named) > 1:
        of_own = {tag: its_own({name: [(codes[name], tag)] for name in its}) for tag, its in named.items()}
        doubtful = {
            tag: its for tag, its in named.items() if len(its) > 1 and any(is_byname(codes[name], tag) for name in its)
        }
        return Layout({tag: its[-1] for tag, its in of_own.items()}, doubtful=doubtful)
    if names:
        raise CorpusError(
            f"corpus.columns is missing: none of the columns of {place} ({', '.join(names)}) is named for a language "
            f"or a side; map them, such as {{source: {names[0]}, target: {names[-1]}}}."
        )
    return Layout({}, (0, 1))


def keys_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of some records, in order; those of a record within one are written with a dot."""
    keys: dict[str, None] = {}
    for record in records:
        for key, value in record.items():
            keys.update(dict.fromkeys((f"{key}.{inner}" for inner in value) if isinstance(value, Mapping) else (key,)))
    return list(keys)


def cell(record: Mapping[str, Any], column: Column) -> str:
    """The text under a key of a record; empty if it is not there.

    Raises:
        TypeError: what is there is no text.
    """
    outer, _, inner = str(column).partition(".")
    value = record.get(str(column))
    if value is None and inner and isinstance(within := record.get(outer), Mapping):
        value = within.get(inner)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"'{column}' holds no text but {type(value).__name__}")
    return value or ""


def _by_language(columns: Mapping[str, Column]) -> dict[str, Column]:
    languages: dict[str, Column] = {}
    for key, column in columns.items():
        tag = language_of(key)
        if tag is None:
            raise ValueError(f"names '{key}', which is no language; {nearest(key, ROLES)}")
        if tag in languages:
            raise ValueError(f"names {tag} twice, the second time as '{key}'; name each language once")
        languages[tag] = column
    if len(languages) < 2:
        raise ValueError("needs the columns of two languages at least")
    return languages
