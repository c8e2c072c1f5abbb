"""Blobs: translations and test texts, addressed by their content.

One zstd Parquet file for each, in a folder of any file system `fsspec` knows. The address is the SHA-256 of the file's
content, not of its bytes, so another version of the Parquet library does not change it.
"""

import hashlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from dragoman.errors import StoreError
from dragoman.file_system import file_system
from dragoman.parquet import batches
from dragoman.reading import refused_as
from dragoman.redaction import masked

TRANSLATION = pa.schema([("text", pa.string()), ("finish_reason", pa.string()), ("tokens", pa.int32())])
"""One row for each segment of a translation."""

TEST = pa.schema([("source", pa.string()), ("reference", pa.string())])
"""One row for each segment of a test set's text; of one with further references, further columns (`text_schema`)."""

_SUFFIX = ".parquet"

_SMALL = 256 << 20
"""Bytes that a blob is read into at once, at the most that its rows may be."""

_MOMENTS = ("LastModified", "last_modified", "updated", "mtime", "created")
"""Keys under which S3, Azure, Google and others report a file's modification time."""

_REMEDY = "restore it from a backup, or have its cells translated again with `dragoman retry GRID --damaged`."


TOO_LONG = frozenset({"no_room", "source_cut"})
"""Finish reasons of sentences that a model had no room for: an empty translation, or one of a shortened source."""


class Line(NamedTuple):
    """One translated segment."""

    text: str
    """The hypothesis."""
    finish_reason: str
    """`stop` or `length`; of a sentence that the model had no room for, `no_room` or `source_cut`; of a translation
    from a file, which nobody knows the end of, `file`."""
    tokens: int
    """Tokens generated."""


class Bitext(NamedTuple):
    """The lines of a test text."""

    sources: list[str]
    """The source of each segment."""
    references: list[str]
    """Its reference."""
    further: list[tuple[str, ...]]
    """Its further references."""

    @property
    def all_references(self) -> list[tuple[str, ...]]:
        """All references of each segment, the first of which is the test set's own."""
        return [(first, *further) for first, further in zip(self.references, self.further, strict=True)]


class StoredBlob(NamedTuple):
    """A file of the blob storage."""

    address: str
    """Its address; empty for a temporary file of a killed writer."""
    path: str
    """Its URL."""
    size: int
    """Bytes."""
    written: datetime
    """Modification time (UTC)."""


class BlobStore:
    """A folder of blobs; workers write to it without opening the database."""

    def __init__(self, url: str) -> None:
        """Open a folder, which is created when the first blob is written.

        Args:
            url: fsspec URL of the folder (`file:///...`, `s3://bucket/...`).

        Raises:
            StoreError: no file system of that kind is installed.
        """
        self.url = url
        try:
            self._files, self._root = file_system(url)
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"Blobs can't be kept at {masked(url)} ({error}): give file:///FOLDER or s3://BUCKET/FOLDER."
            ) from error

    def put_translation(self, lines: Sequence[tuple[str, str, int]]) -> str:
        """Keep hypotheses (text, finish reason, tokens), and return their address."""
        return self._put(TRANSLATION, lines)

    def translation(self, address: str) -> list[Line]:
        """The hypotheses at an address.

        Raises:
            StoreError: they are not there, or damaged.
        """
        return [Line(*row) for row in self._get(TRANSLATION, address)]

    def put_test(
        self, sources: Sequence[str], references: Sequence[str], further: Sequence[Sequence[str]] | None = None
    ) -> str:
        """Keep source and reference lines, and return their address.

        Args:
            sources: the sources.
            references: the reference of each.
            further: the further references of each, which may be more or fewer of some; none by default.
        """
        count = max(map(len, further or ()), default=0)
        # a line that has fewer has empty ones, which no reference is
        filled = [(*each, *[""] * (count - len(each))) for each in further or [()] * len(sources)]
        rows = zip(sources, references, filled, strict=True)
        return self._put(text_schema(count), [(source, reference, *each) for source, reference, each in rows])

    def test(self, address: str) -> tuple[list[str], list[str]]:
        """The source and the reference lines at an address.

        Raises:
            StoreError: they are not there, or damaged.
        """
        return self.test_text(address)[:2]

    def test_text(self, address: str) -> Bitext:
        """The same, with the further references.

        Raises:
            StoreError: they are not there, or damaged.
        """
        rows = self._get(TEST, address)
        return Bitext(
            [row[0] for row in rows], [row[1] for row in rows], [tuple(filter(None, row[2:])) for row in rows]
        )

    def read(self, address: str) -> bytes:
        """The bytes of a blob's file.

        Raises:
            StoreError: it is not there, or can't be read.
        """
        try:
            data: bytes = self._files.cat_file(self._path(address))
        except FileNotFoundError as error:
            raise StoreError(f"The blob {address} is not in {masked(self.url)}: {_REMEDY}") from error
        except Exception as error:  # file systems share no base class of errors
            raise self._unusable("read", error) from error
        return data

    def write(self, address: str, data: bytes) -> None:
        """Write a file that `read` returned, if it matches its address.

        Raises:
            StoreError: it is damaged.
        """
        check_blob(address, data)
        self._keep(address, data)

    def stored(self) -> Iterator[StoredBlob]:
        """Every file of the folder, blobs and left-overs; files written or removed meanwhile may be missing.

        Raises:
            StoreError: they can't be listed.
        """
        try:
            for path, size, written in self._listed():
                name = path.rsplit("/", 1)[-1]
                address = name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else ""
                yield StoredBlob(address, path, size, written)
        except Exception as error:
            raise self._unusable("listed", error) from error

    def remove(self, blob: StoredBlob, unless_after: datetime | None = None) -> bool:
        """Remove a file; returns whether this was done.

        Args:
            blob: the file, as it was listed.
            unless_after: leave it if it was written, or wanted again, after this moment.

        Raises:
            StoreError: it can't be removed.
        """
        try:
            if self._is_local:
                return _remove_file(Path(blob.path), unless_after)
            if unless_after is not None and moment(self._files.info(blob.path)) > unless_after:
                return False
            self._files.rm_file(blob.path)
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._unusable("removed", error) from error
        return True

    def _listed(self) -> Iterator[tuple[str, int, datetime]]:
        if self._is_local:
            for path in sorted(Path(self._root).rglob("*")):
                with suppress(FileNotFoundError):  # a writer's file was renamed meanwhile
                    found = path.stat()
                    if not path.is_dir():
                        yield str(path), found.st_size, datetime.fromtimestamp(found.st_mtime, UTC)
        elif self._files.exists(self._root):
            for path, details in sorted(self._files.find(self._root, detail=True).items()):
                yield path, int(details["size"]), moment(details)

    @property
    def _is_local(self) -> bool:
        return isinstance(self._files, LocalFileSystem)

    def _unusable(self, what: str, error: Exception) -> StoreError:
        why = masked(next(iter(str(error).splitlines()), type(error).__name__))
        return StoreError(
            f"Blobs can't be {what} in {masked(self.url)} ({why}): check that it is there, and that you may do so."
        )

    def _put(self, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> str:
        address = _address(schema, rows)
        arrays = [_array(field.type, [row[place] for row in rows]) for place, field in enumerate(schema)]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), buffer, compression="zstd")
        self._keep(address, buffer.getvalue())
        return address

    def _get(self, schema: pa.Schema, address: str) -> list[tuple[Any, ...]]:
        return blob_rows(schema, address, self.read(address))

    def _keep(self, address: str, data: bytes) -> None:
        try:
            self._write(address, data)
        except Exception as error:  # file systems, and the clouds' libraries below them, share no base class of errors
            why = masked(next(iter(str(error).splitlines()), type(error).__name__))
            raise StoreError(
                f"Blobs can't be written to {masked(self.url)} ({why}): check that it is there, has room, and may be "
                "written to."
            ) from error

    def _write(self, address: str, data: bytes) -> None:
        """Write a file, in one step.

        An existing one gets a new modification time, which the garbage collector spares, and is replaced if damaged.
        """
        path = self._path(address)
        if not self._is_local:
            self._files.pipe_file(path, data)  # object stores show an object once it is whole
            return
        final = Path(path)
        with suppress(FileNotFoundError):
            if _holds(final, address, data):
                os.utime(final)
                return
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{uuid4().hex}")
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(final)

    def _path(self, address: str) -> str:
        return f"{self._root}/{address[:2]}/{address}{_SUFFIX}"


def text_schema(further: int) -> pa.Schema:
    """The columns of a test text whose lines have up to so many further references."""
    return pa.schema([*TEST, *((f"reference_{number + 2}", pa.string()) for number in range(further))])


def is_test(schema: pa.Schema) -> bool:
    """Whether a blob of these columns is a test text, with or without further references."""
    return len(schema) >= len(TEST) and schema == text_schema(len(schema) - len(TEST))


def check_blob(address: str, data: bytes) -> pa.Schema:
    """Check that a file matches its address; returns `TRANSLATION`, a `text_schema`, or what else it holds.

    Raises:
        StoreError: it is not.
    """
    return _parse(address, data)[0]


def blob_rows(schema: pa.Schema, address: str, data: bytes) -> list[tuple[Any, ...]]:
    """The rows of a blob's file.

    Args:
        schema: `TRANSLATION`, or `TEST` for a test text; one with further references has them in further columns.
        address: the blob's address.
        data: the bytes of its file.

    Raises:
        StoreError: they are damaged, or of another schema.
    """
    found, rows = _parse(address, data)
    if found != schema and not (schema == TEST and is_test(found)):
        raise StoreError(f"The blob {address} holds {', '.join(found.names)} instead of {', '.join(schema.names)}.")
    return rows


def _holds(path: Path, address: str, data: bytes) -> bool:
    """Whether a file is whole: these bytes, or others of the same content."""
    there = path.read_bytes()
    if there == data:
        return True
    try:
        check_blob(address, there)
    except StoreError:
        return False
    return True


def _remove_file(path: Path, unless_after: datetime | None) -> bool:
    """Remove a file unless it is written again meanwhile: renamed first, so that a concurrent writer writes it anew."""
    nameless = path.with_name(f".{uuid4().hex}")
    path.rename(nameless)
    if unless_after is not None and datetime.fromtimestamp(nameless.stat().st_mtime, UTC) > unless_after:
        nameless.replace(path)
        return False
    nameless.unlink()
    return True


def moment(details: Mapping[str, Any]) -> datetime:
    """Modification time of a file, under whichever key its file system reports it."""
    found = next(details[name] for name in _MOMENTS if details.get(name) is not None)
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC)
    written: datetime = datetime.fromisoformat(found) if isinstance(found, str) else found
    return written.replace(tzinfo=UTC) if written.tzinfo is None else written


def _address(schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> str:
    digest = hashlib.sha256("\t".join(schema.names).encode())
    for row in rows:
        for value in row:
            data = str(value).encode()
            digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def _array(kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    """A column without nulls, from its buffers: `pa.array` would import pandas, a second for every worker."""
    if kind == pa.int32():
        return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.array(values, np.int32))])
    texts = [value.encode() for value in values]
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts)))


def _parse(address: str, data: bytes) -> tuple[pa.Schema, list[tuple[Any, ...]]]:
    """The content of a blob, after its hash was checked against its address."""
    try:
        with refused_as(StoreError):
            schema, rows = _rows(address, data)
    except (pa.ArrowException, OSError) as error:
        raise _damaged(address) from error
    if _address(schema, rows) != address:
        raise _damaged(address)
    return schema, rows


def _rows(address: str, data: bytes) -> tuple[pa.Schema, list[tuple[Any, ...]]]:
    table = pq.ParquetFile(io.BytesIO(data))
    about = table.metadata
    schema = table.schema_arrow.remove_metadata()
    # as if each row were all of the text
    largest = about.num_rows * sum(about.row_group(number).total_byte_size for number in range(about.num_row_groups))
    if largest <= _SMALL:
        return schema, list(zip(*(column.to_pylist() for column in table.read().columns), strict=True))
    rows: list[tuple[Any, ...]] = []
    for batch in batches(io.BytesIO(data), f"The blob {address}", size=len(data)):
        rows += zip(*batch.values(), strict=True)
    return schema, rows


def _damaged(address: str) -> StoreError:
    return StoreError(f"The blob {address} is damaged, as its content is not what its address says: {_REMEDY}")
