"""Error spans as bytes for the store: those of all segments of a score in one blob."""

import json
import zlib
from collections.abc import Sequence
from math import isfinite
from typing import Any

from dragoman.errors import StoreError
from dragoman.metrics.error_span import NOWHERE, ErrorSpan
from dragoman.reading import ReadingError, parse_json_line

VERSION = b"\x01"
"""First byte of packed spans: zlib over JSON, the number of segments, and a list for each span that begins with the
place of its segment, counted from 0, and goes on with the fields of `ErrorSpan`."""

LARGEST = 64 << 20
"""The most bytes of spans that are unpacked."""

SEVERITIES = ("minor", "major", "critical")
"""Severities of spans, the worst last."""


def pack_spans(spans: Sequence[Sequence[ErrorSpan]]) -> bytes:
    """The spans of every segment, in their order, as bytes."""
    listed = [[place, *span] for place, of_segment in enumerate(spans) for span in of_segment]
    text = json.dumps([len(spans), listed], ensure_ascii=False, separators=(",", ":"))
    return VERSION + zlib.compress(text.encode(errors="replace"), level=9)


def unpack_spans(data: bytes, segments: int | None = None) -> list[tuple[ErrorSpan, ...]]:
    """The spans that `pack_spans` packed, of every segment.

    Args:
        data: the bytes.
        segments: how many segments they have to be of; any number by default.

    Raises:
        StoreError: the bytes are damaged, from a version of Dragoman that packs otherwise, or of other segments.
    """
    if data[:1] != VERSION:
        raise StoreError("These error spans were packed by another version of Dragoman: score the cell again.")
    try:
        inflate = zlib.decompressobj()
        text = inflate.decompress(data[1:], LARGEST).decode()
        if not inflate.eof:
            raise ValueError("they are cut off")
        count, listed = parse_json_line(text, lambda: "what they were packed as")
        if segments is not None and count != segments:
            raise ValueError(f"they are of {count} segments, and not of {segments}")
        found: dict[int, list[ErrorSpan]] = {}
        for place, *fields in listed:
            if not isinstance(place, int) or not 0 <= place < count:
                raise ValueError("one is of no segment")
            found.setdefault(place, []).append(_checked(ErrorSpan(*fields)))
    except (zlib.error, ReadingError, ValueError, TypeError) as error:
        raise StoreError(f"These error spans are damaged ({error}): score the cell again.") from error
    return [tuple(found.get(place, ())) for place in range(count)]


def _checked(span: ErrorSpan) -> ErrorSpan:
    """The same, seen to be one: what is shown beside people's judgements may come from a file."""
    ends: tuple[Any, ...] = (span.start, span.end)
    is_placed = all(isinstance(each, int) for each in ends) and (0 <= span.start <= span.end or ends == (NOWHERE,) * 2)
    is_sure = span.confidence is None or (isinstance(span.confidence, int | float) and isfinite(span.confidence))
    is_named = span.severity in SEVERITIES and isinstance(span.category, str) and isinstance(span.on_source, bool)
    if not (is_placed and is_sure and is_named):
        raise ValueError("one has no place, severity or category")
    return span
