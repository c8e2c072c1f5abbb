"""Rows of a Parquet file of a corpus, some columns of it."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from dragoman.corpora.readers.files import Files
from dragoman.errors import CorpusError, nearest
from dragoman.reading import ReadingError


def parquet_rows(
    files: Files, name: str, columns: Collection[str], further: Collection[str] = ()
) -> Iterator[Mapping[str, Any]]:
    """The rows of a file, each with its columns by name.

    Args:
        files: where it is.
        name: its name there.
        columns: columns it must have.
        further: columns that are read where it has them.

    Raises:
        CorpusError: it is damaged, or lacks a column.
    """
    from dragoman.parquet import batches

    place = files.place(name)
    wanted = [*columns, *further]
    try:
        with files.open(name) as file:
            for batch in batches(file, place, size=files.size(name), columns=wanted):
                if lacking := next((column for column in columns if column not in batch), None):
                    raise CorpusError(f"{place} has no column {lacking}; {nearest(lacking, batch)}")
                yield from (dict(zip(batch, row, strict=True)) for row in zip(*batch.values(), strict=True))
    except ReadingError as error:
        raise CorpusError(str(error)) from error
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        raise CorpusError(f"{place} is damaged ({error}): fetch it again.") from error
