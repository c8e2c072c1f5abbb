"""Rows of Parquet files that others wrote, bounded by what they unpack to.

A few bytes of Parquet may stand for millions of equal rows, and its encodings don't count in the sizes that it states
(https://parquet.apache.org/docs/file-format/data-pages/encodings/). So what repeats is kept once, and counted as often
as it stands there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dragoman.reading import most_unpacked, too_much_unpacked

_ROWS = 10_000
"""Rows that a file may have whatever its size; a larger one has a byte for each at least."""

_AT_ONCE = 5_000
"""Rows that are read at once."""


def batches(
    source: Path | BinaryIO, place: str, *, size: int, columns: Sequence[str] | None = None
) -> Iterator[dict[str, list[Any]]]:
    """The values of some columns, some thousand rows at a time.

    Args:
        source: the file.
        place: its name for people.
        size: its bytes.
        columns: the columns; by default all.

    Raises:
        ReadingError: it unpacks to more than `limit_ratio` allows.
        pyarrow.ArrowException: it is damaged.
    """
    with pq.ParquetFile(source) as plain:
        metadata, schema = plain.metadata, plain.schema_arrow
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        most = most_unpacked(size)
        if metadata.num_rows > _ROWS + size or sum(group.total_byte_size for group in groups) > most:
            raise too_much_unpacked(place)
        texts = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_binary(field.type)]
        with pq.ParquetFile(source, metadata=metadata, read_dictionary=texts) as table:
            unpacked = 0
            for batch in table.iter_batches(_AT_ONCE, columns=columns):
                found = {}
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    found[name] = values = _values(column)
                    unpacked += sum(map(len, filter(None, values))) if pa.types.is_dictionary(column.type) else 0
                if unpacked > most:
                    raise too_much_unpacked(place)
                yield found


def _values(column: pa.Array) -> list[Any]:
    if not pa.types.is_dictionary(column.type):
        listed: list[Any] = column.to_pylist()
        return listed
    kept = column.dictionary.to_pylist()
    return [None if index is None else kept[index] for index in column.indices.to_pylist()]
