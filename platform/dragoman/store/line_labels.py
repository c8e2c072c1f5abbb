"""Labels of test lines: what a corpus says of each line of a test text besides its words, packed label by label."""

import json
import zlib
from collections.abc import Mapping, Sequence

from dragoman.errors import StoreError
from dragoman.language import LanguageError, canonical_tag
from dragoman.line import in_one_line, of_whole_characters
from dragoman.line_filter import ORIGINAL
from dragoman.reading import ReadingError, parse_json_line
from dragoman.segment import Located

Labels = Mapping[str, Sequence[str]]
"""By the name of a label its value on each line of a text; empty where a line has none."""

DOCUMENT = "document"
"""The label of the document that a line is from (`Located.document`)."""

VERSION = b"\x01"
"""First byte of packed labels: zlib over JSON, the values that occur and for each line the place of its own, or -1."""

LARGEST = 64 << 20
"""The most bytes of labels that are unpacked."""


def labels_of(lines: Sequence[Located]) -> dict[str, tuple[str, ...]]:
    """The labels that some line of a text has, their documents among them, by name."""
    found = [_labels(line) for line in lines]
    names = sorted({name for each in found for name in each})
    return {name: tuple(each.get(name, "") for each in found) for name in names}


def _labels(line: Located) -> dict[str, str]:
    known = (*([(DOCUMENT, line.document)] if line.document else ()), *line.labels)
    labels = {name: of_whole_characters(in_one_line(value.strip())) for name, value in known if value.strip()}
    if ORIGINAL in labels:
        labels[ORIGINAL] = language_named(labels[ORIGINAL])
    return labels


def language_named(text: str) -> str:
    """The canonical tag of a language; a text that names none as it is."""
    try:
        return canonical_tag(text)
    except LanguageError:
        return text


def pack(values: Sequence[str]) -> bytes:
    """The values of one label, line by line, as bytes."""
    places = {value: place for place, value in enumerate(dict.fromkeys(filter(None, values)))}
    content = [list(places), [places.get(value, -1) for value in values]]
    return VERSION + zlib.compress(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def unpack(data: bytes, lines: int | None = None) -> tuple[str, ...]:
    """The values that `pack` packed.

    Args:
        data: the bytes.
        lines: of how many lines they have to be; any number by default.

    Raises:
        StoreError: the bytes are damaged, from a version of Dragoman that packs otherwise, or of other lines.
    """
    if data[:1] != VERSION:
        raise StoreError(
            "The labels of these test lines were packed by another version of Dragoman: run the grid again."
        )
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(data[1:], LARGEST).decode()
        values, places = parse_json_line(text, lambda: "what they were packed as")
        if not inflate.eof or not all(isinstance(value, str) for value in values):
            raise ValueError("they are cut off")
        found = tuple("" if place == -1 else values[_place(place)] for place in places)
    except (zlib.error, ReadingError, ValueError, TypeError, IndexError) as error:
        raise StoreError(f"The labels of these test lines are damaged ({error}): run the grid again.") from error
    if lines is not None and len(found) != lines:
        raise StoreError(f"These labels are not those of {lines} test lines: run the grid again.")
    return found


def _place(place: object) -> int:
    if not isinstance(place, int) or place < 0:
        raise ValueError("a line has no place among the values")
    return place
