"""JSON lines: one object a line, with a key for each sentence."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from dragoman.corpora.readers.column_mapping import Column, cell, keys_of, label
from dragoman.corpora.readers.files import Files
from dragoman.corpora.readers.parallel_files import Side
from dragoman.corpora.readers.table_files import TableFiles
from dragoman.errors import CorpusError
from dragoman.reading import ReadingError, parse_json_line

LOOKED_AT = 100
"""Records whose keys are taken for the file's: not every record must have them all."""


class Jsonl(TableFiles):
    """Lines of JSON objects; a key in another one is written with a dot: ``translation.de``."""

    def _names(self, part: Side) -> list[str]:
        return keys_of(record for _, record in islice(records(*part), LOOKED_AT))

    def _rows(self, part: Side, columns: Sequence[Column]) -> Iterator[Sequence[str]]:
        for number, record in records(*part):
            try:
                yield [cell(record, column) for column in columns]
            except (TypeError, ValueError) as error:
                raise CorpusError(
                    f"{self._place(part)}, line {number}: {error}; mend the line or corpus.columns."
                ) from error

    def _labels(self, part: Side, column: Column, beside: Sequence[Column]) -> Iterator[str]:
        return (label(record, column) for _, record in records(*part))

    def _holds_nothing(self, part: Side) -> bool:
        return next(records(*part), None) is None


def records(files: Files, name: str, *, unique: bool = False) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The objects in a file of JSON lines, each with the number of its line; with `unique`, none has a key twice.

    Raises:
        CorpusError: a line holds something else.
    """
    number = 0

    def place() -> str:
        return f"{files.place(name)}, line {number},"

    for number, line in enumerate(files.lines(name), 1):
        if not line.strip():
            continue
        try:
            record = parse_json_line(line, place, unique=unique)
        except ReadingError as error:
            raise CorpusError(str(error)) from error
        except json.JSONDecodeError as error:
            raise CorpusError(
                f"{files.place(name)}, line {number}, is not JSON ({error.msg}): the file is cut off or damaged; "
                "fetch it again or mend the line."
            ) from error
        if not isinstance(record, dict):
            raise CorpusError(f"{files.place(name)}, line {number}, is no JSON object: write one object a line.")
        yield number, record
