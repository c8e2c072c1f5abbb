"""Mapping of a table's columns to languages or sides: as in the spec, else found by their names."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, field_validator

from dragoman.corpora.readers.name_patterns import language_of
from dragoman.errors import CorpusError, nearest
from dragoman.line import half_character
from dragoman.spec.corpus import CorpusOptions

Column = str | int
"""A column by its name, or by its number from 0 where there are no names."""

ROLES = ("source", "target", "source_language", "target_language")
"""What a column map may name besides languages."""

MOST_COLUMNS = 10_000
"""Columns, or keys, that a table may have."""

SIDE_NAMES = {"source": "source", "src": "source", "target": "target", "tgt": "target", "trg": "target"}
"""What data sets call the columns of the two sides."""


DOCUMENT = "document"
"""The label of a row's document."""

DOCUMENT_NAMES = ("document", "document_id", "doc_id", "docid", "doc", "url")
"""What data sets call the column of the document that a row is from, the likeliest first."""


LABEL = r"[A-Za-z_][A-Za-z0-9_-]*"
"""Regular expression of the name of a label."""


def _by_name(labels: Any) -> Any:
    """Labels as a list are called as their columns are."""
    return {name: name for name in labels} if isinstance(labels, list) else labels


class TableOptions(CorpusOptions):
    """Which columns hold what."""

    columns: dict[str, Column | Annotated[list[Column], Field(min_length=1)]] | None = None
    """The column of each language (`{de: german, en: english}`); or those of `source` and `target`, and, where rows are
    of many pairs, of `source_language` and `target_language`. By default they are found by name, see `layout_of`. Of
    several columns of a language or side (`{en: english, de: [german, german_b]}`) the first is read, and the others
    are further references of it."""
    references: int = Field(default=1, ge=1)
    """The most references of a line that hypotheses are scored against, where a language has several columns."""
    labels: Annotated[dict[Annotated[str, Field(pattern=f"^{LABEL}$")], Column], BeforeValidator(_by_name)] = Field(
        default_factory=dict
    )
    """The columns of what else is known of a line, by the name of the label: `{domain: genre, original: origlang}`, or
    `[domain, register]`, where the columns are called so. Slices of the test set go by them; no text depends on them.
    `original` is the language a line was first written in, and `document` its document."""

    @field_validator("columns")
    @classmethod
    def _name_roles_or_languages(cls, columns: dict[str, Any] | None) -> dict[str, Any] | None:
        if columns is None:
            return None
        roles = [role for role in ROLES if role in columns]
        if len(roles) == len(ROLES) and any(isinstance(column, list) for column in columns.values()):
            raise ValueError("gives a side several columns where rows name their languages; give it one")
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
    ambiguous: Mapping[str, Sequence[str]] = {}
    """The names of the columns of a language that has several."""

    @property
    def of_rows(self) -> tuple[Column, ...]:
        """The columns of the sides, and of their languages where each row names them."""
        return *(self.sides or ()), *(self.tags or ())


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
    if len(names) > MOST_COLUMNS:
        raise CorpusError(f"{place} has more than {MOST_COLUMNS:,} columns: see how the file is written, and mend it.")
    require_columns((columns or {}).values(), names, place)
    if columns and "source" not in columns:
        return Layout(columns)
    called = _by(lambda name: SIDE_NAMES.get(name.casefold(), name.casefold()), names)
    roles = columns or {role: same[0] for role, same in called.items()}
    if "source" in roles and "target" in roles:
        for role in () if columns else ROLES:
            if len(same := called.get(role, ())) > 1:
                raise ambiguous(place, role, same)
        tags = (roles["source_language"], roles["target_language"]) if set(ROLES) <= set(roles) else None
        return Layout({}, (roles["source"], roles["target"]), tags)
    # "id" numbers the rows far more often than it is Indonesian, which a column map can name
    codes = [name for name in names if name != "id"]
    named = _by(lambda name: language_of(name.removeprefix("translation.")), codes)
    languages = {tag: same[0] for tag, same in named.items()}
    if len(languages) > 1:
        return Layout(languages, ambiguous={tag: same for tag, same in named.items() if len(same) > 1})
    if names:
        raise CorpusError(
            f"corpus.columns is missing: none of the columns of {place} ({', '.join(names)}) is named for a language "
            f"or a side; map them, such as {{source: {names[0]}, target: {names[-1]}}}."
        )
    return Layout({}, (0, 1))


def ambiguous(place: str, which: str, names: Sequence[str]) -> CorpusError:
    """The error sentence for several columns of one language or side."""
    many = f"{place} has {len(names)} columns of {which} ({', '.join(names)})"
    if len(set(names)) == 1:
        return CorpusError(f"{many}: name them apart, or give the number of one, from 0, in corpus.columns.")
    return CorpusError(f"{many}: say in corpus.columns which is read, such as {{{which}: {names[0]}}} and the others.")


def _by(key: Callable[[str], str | None], names: Iterable[str]) -> dict[str, list[str]]:
    """Names by the language or side they mean; others are left out."""
    found: dict[str, list[str]] = {}
    for name in names:
        if means := key(name):
            found.setdefault(means, []).append(name)
    return found


def keys_of(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of some records, in order; those of a record within one are written with a dot."""
    keys: dict[str, None] = {}
    for record in records:
        for key, value in record.items():
            keys.update(dict.fromkeys((f"{key}.{inner}" for inner in value) if isinstance(value, Mapping) else (key,)))
            if len(keys) > MOST_COLUMNS:
                return list(keys)  # too many to be read
    return list(keys)


def cell(record: Mapping[str, Any], column: Column) -> str:
    """The text under a key of a record; empty if it is not there.

    Raises:
        TypeError: what is there is no text.
        ValueError: there is half a character in it.
    """
    outer, _, inner = str(column).partition(".")
    value = record.get(str(column))
    if value is None and inner and isinstance(within := record.get(outer), Mapping):
        value = within.get(inner)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"'{column}' holds no text but {type(value).__name__}")
    if value and (half := half_character(value)):
        raise ValueError(f"'{column}' holds half a character ({half})")
    return value or ""


def label(record: Mapping[str, Any], column: Column) -> str:
    """What is under a key of a record, as a name of whatever type; empty if it is not there."""
    outer, _, inner = str(column).partition(".")
    value = record.get(str(column))
    if value is None and inner and isinstance(within := record.get(outer), Mapping):
        value = within.get(inner)
    return "" if value is None else str(value)


def document_column(names: Sequence[str], sides: Collection[Column]) -> str | None:
    """The column that names each row's document; None where no column beside those of both sides is called so."""
    called = {name.casefold(): name for name in reversed(names) if name not in sides}
    return next((called[name] for name in DOCUMENT_NAMES if name in called), None)


def first_columns(columns: Mapping[str, Column | list[Column]] | None) -> dict[str, Column] | None:
    """A column map with one column of each language or side."""
    if columns is None:
        return None
    return {key: column[0] if isinstance(column, list) else column for key, column in columns.items()}


def further_columns(columns: Mapping[str, Column | list[Column]] | None) -> dict[str, list[Column]]:
    """The other columns, of further references, by language or side."""
    return {key: column[1:] for key, column in (columns or {}).items() if isinstance(column, list)}


def require_columns(columns: Iterable[Column], names: Sequence[str], place: str) -> None:
    """Refuse columns that a table has not, or has twice.

    Raises:
        CorpusError: one is named that is.
    """
    for column in columns:
        if isinstance(column, str) and column not in names:
            raise CorpusError(
                f"corpus.columns names '{column}', but {place} has no such column; {nearest(column, names)}"
            )
        if isinstance(column, str) and names.count(column) > 1:
            raise ambiguous(place, column, [column] * names.count(column))


def _by_language(columns: Mapping[str, Any]) -> dict[str, Any]:
    languages: dict[str, Any] = {}
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
