"""Rows of tables with translations in them: TSV, CSV, JSON lines and Parquet."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from dragoman.corpora.kinds.jsonl import LOOKED_AT, records
from dragoman.corpora.readers.column_mapping import keys_of
from dragoman.corpora.readers.files import Files
from dragoman.parquet import batches
from dragoman.spec.translations import Format
from dragoman.translations.base import TranslationError, refused
from dragoman.translations.text_files import text_lines

Row = Mapping[Any, Any]
"""The values of a row, by the name of the column, and by its number from 0 in delimited text."""


def rows_of(files: Files, name: str, form: Format, has_names: bool) -> Iterator[tuple[int, Row]]:
    """The rows of a table, each with its number: a line's, or, in Parquet, the row's.

    Args:
        files: where it is.
        name: its name there.
        form: how it is written.
        has_names: of delimited text, whether the first line has the names of the columns.

    Raises:
        CorpusError: the file is damaged, or not in UTF-8.
        TranslationError: a row has other columns than the first.
    """
    if form == "jsonl":
        yield from records(files, name, unique=True)
    elif form == "parquet":
        yield from enumerate(_of_parquet(files, name), 1)
    else:
        yield from _of_text(files, name, form, has_names)


def names_of(files: Files, name: str, form: Format) -> list[str]:
    """The names of a table's columns; those of JSON objects from its first records."""
    if form == "jsonl":
        return keys_of(record for _, record in islice(records(files, name), LOOKED_AT))
    first = next(rows_of(files, name, form, form == "parquet"), (0, {}))[1]
    return [str(column) for column in (first if form == "parquet" else first.values())]


def _of_parquet(files: Files, name: str) -> Iterator[Row]:
    try:
        with refused(), files.open(name) as file:
            for batch in batches(file, files.place(name), size=files.size(name)):
                yield from (dict(zip(batch, row, strict=True)) for row in zip(*batch.values(), strict=True))
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        raise TranslationError(f"{files.place(name)} is damaged ({error}): fetch it again.") from error


def _of_text(files: Files, name: str, form: Format, has_names: bool) -> Iterator[tuple[int, Row]]:
    header: list[str] | None = None
    width = 0
    for number, cells in _cells(files, name, form):
        width = width or len(cells)
        if len(cells) != width:
            raise TranslationError(
                f"{files.place(name)}, line {number}, has {len(cells)} columns where the first has {width}: correct "
                "the line."
            )
        if has_names and header is None:
            header = cells
            continue
        yield number, {**dict(enumerate(cells)), **dict(zip(header or (), cells, strict=False))}


def _cells(files: Files, name: str, form: Format) -> Iterator[tuple[int, list[str]]]:
    """The columns of every line, with its number; lines without any are passed over."""
    if form == "tsv":
        for number, line in enumerate(text_lines(files, name), 1):
            if line:
                yield number, line.split("\t")
        return
    reader = csv.reader(_with_ends(text_lines(files, name)), strict=True)
    before = 0
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise TranslationError(
                f"{files.place(name)}, line {before + 1}: {error}; close its quotes, or fetch the file again."
            ) from error
        if cells is None:
            return
        number, before = before + 1, reader.line_num
        if cells:
            yield number, cells


def _with_ends(lines: Iterable[str]) -> Iterator[str]:
    return (f"{line}\n" for line in lines)
