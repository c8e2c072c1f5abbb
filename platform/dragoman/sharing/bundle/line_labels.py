"""The labels of test sentences as lines of text: what slices of a test set are taken by."""

import json
from collections.abc import Iterable, Iterator

from dragoman.errors import StoreError
from dragoman.reading import ReadingError, parse_json_line
from dragoman.store.line_labels import Labels


def written(labels: Labels) -> Iterator[str]:
    """A JSON object for each test sentence: its labels by name, without those that it lacks."""
    for values in zip(*labels.values(), strict=True):
        own = {name: value for name, value in zip(labels, values, strict=True) if value}
        yield json.dumps(own, ensure_ascii=False)


def check(lines: Iterable[str], sentences: int) -> None:
    """Make sure that lines are the labels of so many sentences.

    Raises:
        StoreError: a line is not what `written` writes, or there are more or fewer.
        ReadingError: a line has more in it than is read.
    """
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            found = parse_json_line(line, lambda: "the labels", unique=True)
        except ReadingError:
            raise
        except ValueError as error:
            raise StoreError(f"line {number:,} is no JSON") from error
        if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
            raise StoreError(f"line {number:,} is no labels of a sentence")
    if number != sentences:
        raise StoreError(f"they are not those of {sentences:,} sentences")
