"""Tables of translations: a row for each, of one file a pair or of one file with a column of pairs."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache, cached_property

from dragoman.corpora.readers.column_mapping import cell
from dragoman.corpora.readers.files import Files
from dragoman.errors import DragomanError, nearest
from dragoman.pair import Pair
from dragoman.spec.translations import Format, Translations
from dragoman.translations.base import Entry, TranslationError, TranslationFiles, in_order
from dragoman.translations.file_names import files_by_pair
from dragoman.translations.rows import Row, names_of, rows_of

Column = str | int
"""A column by its name, or its number from 0."""

NAMES: Mapping[str, Sequence[str]] = {
    "hypothesis": ("hypothesis", "hyp", "translation", "mt", "output", "prediction"),
    "text": ("source_text", "source", "src", "source_sentence"),
    "pair": ("pair", "lp", "language_pair", "direction"),
    "source": ("source_language", "source_lang", "src_lang"),
    "target": ("target_language", "target_lang", "tgt_lang"),
    "line": ("line", "line_number"),
}
"""What the columns are called where nobody names them, the likeliest first."""


class TableFiles(TranslationFiles):
    """Tables, one for each pair or one for all."""

    def __init__(
        self,
        files: Files,
        names: Mapping[Pair | None, str],
        *,
        form: Format,
        columns: Mapping[str, Column],
        pairs: Collection[Pair],
        languages: Collection[str],
    ) -> None:
        """Open nothing yet.

        Args:
            files: where the tables are.
            names: the file of each pair; of None where one is of all.
            form: how they are written.
            columns: the column of each role (`NAMES`); found by name where there are none.
            pairs: the pairs of the grid.
            languages: its languages.
        """
        self._files, self._names, self._form, self._columns = files, names, form, columns
        self._grid_pairs, self._languages = pairs, languages
        self.unit = "row" if form == "parquet" else "line"
        self._parsed = cache(self._parse)

    @cached_property
    def pairs(self) -> Collection[Pair]:
        """The pairs of the files, or of the rows."""
        return self._of_all.keys() if None in self._names else [pair for pair in self._names if pair is not None]

    def place(self, pair: Pair) -> str:
        """The file it is in."""
        return self._files.place(self._name(pair))

    def why_missing(self, pair: Pair) -> str:
        """There is no file, or no row."""
        if None in self._names:
            return f"{self.place(pair)} has no {self.unit} of {pair}"
        return f"{self._files.url} has no file of translations of {pair}"

    def entries(self, pair: Pair) -> list[Entry]:
        """The rows of a pair."""
        numbered = self._of_all[pair] if None in self._names else self._read(self._names[pair], pair).get(pair, [])
        if any(number is None for number, _ in numbered):
            return [entry for _, entry in numbered]
        return in_order([(number or 0, entry) for number, entry in numbered], self.place(pair), self.unit)

    def _name(self, pair: Pair) -> str:
        return self._names[None] if None in self._names else self._names[pair]

    @cached_property
    def _of_all(self) -> dict[Pair, list[tuple[int | None, Entry]]]:
        """The rows of a table of all pairs."""
        return self._read(self._names[None], None)

    def _read(self, name: str, pair: Pair | None) -> dict[Pair, list[tuple[int | None, Entry]]]:
        """The rows of a file by pair, each with the number of its test sentence where there is one."""
        columns = self._layout(name)
        if pair is None and not {"pair", "source"} & columns.keys():
            if len(self._grid_pairs) != 1:
                raise TranslationError(
                    f"{self._files.place(name)} has no column of pairs, and the grid has {len(self._grid_pairs)}: name "
                    "the column (`pair`, or `source` and `target`), or give a file for each pair."
                )
            pair = next(iter(self._grid_pairs))
        found: defaultdict[Pair, list[tuple[int | None, Entry]]] = defaultdict(list)
        names_pairs = bool({"pair", "source"} & columns.keys())
        has_names = any(isinstance(column, str) for column in columns.values())
        wanted = set(self._grid_pairs)
        for number, row in rows_of(self._files, name, self._form, has_names):
            place = f"{self._files.place(name)}, {self.unit} {number}"
            of_row = self._pair_of(row, columns, place) if pair is None or names_pairs else pair
            if pair is not None and of_row != pair:
                raise TranslationError(f"{place}, is of {of_row}, in a file that is named for {pair}.")
            if of_row in wanted:
                hypothesis = _text(row, columns["hypothesis"], place)
                source = _text(row, columns["text"], place) if "text" in columns else None
                line = _number(row, columns["line"], place) if "line" in columns else None
                found[of_row].append((line, Entry(number, hypothesis, source)))
        return dict(found)

    def _layout(self, name: str) -> Mapping[str, Column]:
        """The columns of a file."""
        place = self._files.place(name)
        if self._columns and not any(isinstance(column, str) for column in self._columns.values()):
            return self._columns
        names = names_of(self._files, name, self._form)
        for column in self._columns.values():
            if isinstance(column, str) and column not in names:
                raise TranslationError(f"{place} has no column '{column}'; {nearest(column, names)}")
        if twice := [column for column in names if names.count(column) > 1]:
            raise TranslationError(
                f"{place} has the column '{twice[0]}' twice: name them apart, or give their numbers."
            )
        if self._columns:
            return self._columns
        called = {each.casefold(): each for each in reversed(names)}
        found: dict[str, Column] = {
            role: next(called[word] for word in words if word in called)
            for role, words in NAMES.items()
            if any(word in called for word in words)
        }
        if "hypothesis" not in found:
            raise TranslationError(
                f"{place} has no column called {', '.join(NAMES['hypothesis'])} (it has {', '.join(names) or 'none'}): "
                f"name the one of the translations, such as {{hypothesis: {names[-1] if names else 'mt'}}}."
            )
        if ("source" in found) != ("target" in found):
            found = {role: column for role, column in found.items() if role not in ("source", "target")}
        return found

    def _pair_of(self, row: Row, columns: Mapping[str, Column], place: str) -> Pair:
        texts = [_text(row, columns[role], place) for role in ("pair", "source", "target") if role in columns]
        try:
            return self._parsed(*texts)
        except DragomanError as error:
            raise TranslationError(f"{place}: {error}") from error

    def _parse(self, source: str, target: str | None = None) -> Pair:
        if target is not None:
            return Pair.among(source, target, self._languages)
        known = {str(pair): pair for pair in self._grid_pairs}
        return known[source] if source in known else Pair.parse(source)


def open_table(
    key: str, choice: Translations, form: Format, pairs: Collection[Pair], languages: Collection[str]
) -> TableFiles:
    """The tables that a spec or a command names.

    Raises:
        CorpusError: there is no such folder or file.
        TranslationError: it is a folder, without a pattern of its files' names.
    """
    path = choice.placed(choice.path)
    names: Mapping[Pair | None, str]
    if "{" in path:
        files, by_pair = files_by_pair(key, path, languages)
        names = dict(by_pair.items())
    else:
        files = Files(key, path, "the path of a file")
        if len(files.names) != 1:
            raise TranslationError(
                f"{key} is '{files.url}': it is a folder; write how its files are named, such as "
                f"{files.url.rstrip('/')}/{{source}}-{{target}}.{form}."
            )
        names = {None: next(iter(files.names))}
    return TableFiles(files, names, form=form, columns=choice.columns, pairs=pairs, languages=languages)


def _text(row: Row, column: Column, place: str) -> str:
    value = row.get(column)
    if value is None and isinstance(column, str) and "." in column:
        outer, _, inner = column.partition(".")
        value = within.get(inner) if isinstance(within := row.get(outer), Mapping) else None
    if value is None:
        raise TranslationError(f"{place}, has nothing under '{column}': an empty translation is an empty text.")
    try:
        return cell({str(column): value}, str(column))
    except (TypeError, ValueError) as error:
        raise TranslationError(f"{place}: {error}; correct it, or name another column.") from error


def _number(row: Row, column: Column, place: str) -> int:
    value = row.get(column)
    try:
        if isinstance(value, int | str):
            return int(value)
    except ValueError:
        pass
    raise TranslationError(f"{place}, has no number of a test sentence under '{column}' ({value!r}); correct it.")
