"""Tab-separated (or otherwise delimited) text: one file a pair, or a column a language."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from dragoman.corpora.readers.column_mapping import MOST_COLUMNS, SIDE_NAMES, Column
from dragoman.corpora.readers.name_patterns import language_of
from dragoman.corpora.readers.parallel_files import Side
from dragoman.corpora.readers.table_files import TableFileOptions, TableFiles
from dragoman.corpora.readers.tsv_lines import check_end, halves
from dragoman.errors import CorpusError
from dragoman.pair import Pair
from dragoman.spec.corpus import CorpusOptions

_LONE_RETURN = re.compile(r"\r(?!\n)")
_STAND_IN = "\udc0d"
"""For a carriage return within a line, which `csv` takes for the end of one; no text in UTF-8 holds a surrogate."""


class TsvOptions(TableFileOptions):
    """How the lines are written."""

    header: bool | None = None
    """Whether the first line names the columns; by default if `columns` gives names, or the line names source and
    target, or the languages that the path names (any two where it names none), or all columns of `labels`."""
    delimiter: str = Field(default="\t", min_length=1, max_length=1)
    """What stands between two columns."""
    quoted: bool = False
    """Whether a column that starts with a double quote ends with one, as spreadsheets and pandas write them."""


class Tsv(TableFiles):
    """Lines of columns. A plain file must end with a line break: one that was cut off looks the same without it."""

    Options: ClassVar[type[CorpusOptions]] = TsvOptions

    def __init__(self, options: CorpusOptions) -> None:
        self._options = TsvOptions.model_validate(options.model_dump())
        super().__init__(self._options)

    def _names(self, part: Side) -> list[str]:
        first = next((cells for _, cells in self._cells(part)), [])
        header = self._options.header
        named = {column for column in self._label_columns.values() if isinstance(column, str)}
        if header is None and named and named <= {*first}:
            header = True
        elif header is None and self._columns is not None:
            header = any(isinstance(column, str) for column in self._columns.values())
        elif header is None:
            header = len(first) > MOST_COLUMNS or _is_header(first, self._named_for[part])
        return first if header else []

    def _holds_nothing(self, part: Side) -> bool:
        return next(self._cells(part), None) is None

    def _rows(self, part: Side, columns: Sequence[Column]) -> Iterator[Sequence[str]]:
        names = self._names(part)
        indexes = [column if isinstance(column, int) else names.index(column) for column in columns]
        low, high = min(indexes), max(indexes)
        width = 0
        for position, (number, cells) in enumerate(self._cells(part)):
            if position == 0:
                width = len(cells)
                if names:
                    continue
            spare = len(cells) - width
            if spare > 0 and sorted(indexes) == [low, low + 1] and self._options.delimiter == "\t":
                # the two sentences stand side by side, and one of them holds a tab
                cells[low : high + 1 + spare] = halves("\t".join(cells[low : high + 1 + spare]))
            if len(cells) <= high or len(cells) > width:
                raise CorpusError(
                    f"{self._place(part)}, line {number}, has {len(cells)} columns where the first has {width}: mend "
                    "the line, or set corpus.quoted if columns with tabs or line breaks are in double quotes."
                )
            yield [cells[index] for index in indexes]

    def _labels(self, part: Side, column: Column, beside: Sequence[Column]) -> Iterator[str]:
        names = self._names(part)
        place, *sides = (each if isinstance(each, int) else names.index(each) for each in (column, *beside))
        width = 0
        for position, (_, cells) in enumerate(self._cells(part)):
            width = width or len(cells)
            if place >= width:
                raise CorpusError(
                    f"corpus.labels names column {column}, but {self._place(part)} has {width} columns, from 0."
                )
            if position or not names:
                # what stands behind a sentence with a tab in it is so much farther to the right
                found = place + (max(0, len(cells) - width) if place > min(sides) else 0)
                yield cells[found] if found < len(cells) else ""

    def _cells(self, part: Side) -> Iterator[tuple[int, list[str]]]:
        """The columns of every line that is not empty, with its number."""
        files, name = part
        number, line = 0, ""

        def lines() -> Iterator[str]:
            nonlocal number, line
            for line in files.lines(name):
                number += 1
                yield line

        try:
            for cells in self._split(lines()):
                if any(map(str.strip, cells)):
                    yield number, cells
        except csv.Error as error:
            raise CorpusError(
                f"{files.place(name)}, line {number}: {error}; a double quote is left open: the file is cut off, or is "
                "written without quoting (leave out corpus.quoted)."
            ) from error
        check_end(files, name, number, line)

    def _split(self, lines: Iterable[str]) -> Iterable[list[str]]:
        if self._options.quoted:
            held = (_LONE_RETURN.sub(_STAND_IN, line) if "\r" in line else line for line in lines)
            rows = csv.reader(held, delimiter=self._options.delimiter, strict=True)
            return ([cell.replace(_STAND_IN, "\r") for cell in row] for row in rows)
        return (line.rstrip("\r\n").split(self._options.delimiter) for line in lines)


def _is_header(cells: Sequence[str], pair: Pair | None) -> bool:
    """Whether the first line of a table names its columns; the words of a word list may be codes of languages too."""
    sides = [SIDE_NAMES.get(cell.casefold()) for cell in cells]
    languages = [language_of(cell) if cell else None for cell in cells]
    if pair is None:
        return sum(bool(side or tag) for side, tag in zip(sides, languages, strict=True)) > 1
    return {"source", "target"} <= set(sides) or set(pair) <= set(languages)
