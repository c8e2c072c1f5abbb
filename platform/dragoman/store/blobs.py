"""Blobs: translations and test texts, addressed by their content.

One zstd Parquet file for each, in a folder of any file system `fsspec` knows. The address is the SHA-256 of what the
file says, not of its bytes, so another version of the Parquet library does not change it.
"""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from dragoman.errors import StoreError
from dragoman.masking import masked

TRANSLATION = pa.schema([("text", pa.string()), ("finish_reason", pa.string()), ("tokens", pa.int32())])
"""One row for each segment of a translation."""

TEST = pa.schema([("source", pa.string()), ("reference", pa.string())])
"""One row for each segment of a test set's text."""

_SUFFIX = ".parquet"


class Line(NamedTuple):
    """One translated segment."""

    text: str
    """The hypothesis."""
    finish_reason: str
    """`stop` or `length`."""
    tokens: int
    """Tokens generated."""


class StoredBlob(NamedTuple):
    """A file of the blob storage."""

    address: str
    """Its address; empty for what a killed writer left."""
    path: str
    """Where it is."""
    size: int
    """Bytes."""
    written: datetime
    """When (UTC)."""


class BlobStore:
    """A folder of blobs; workers write to it without opening the database."""

    def __init__(self, url: str) -> None:
        """Take a folder, which is made when the first blob is written.

        Args:
            url: fsspec URL of the folder (`file:///...`, `s3://bucket/...`).

        Raises:
            StoreError: no file system of that kind is installed.
        """
        self.url = url
        try:
            self._files, self._root = fsspec.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"Blobs can't be kept at {url} ({error}): give file:///FOLDER or s3://BUCKET/FOLDER."
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

    def put_test(self, sources: Sequence[str], references: Sequence[str]) -> str:
        """Keep source and reference lines, and return their address."""
        return self._put(TEST, list(zip(sources, references, strict=True)))

    def test(self, address: str) -> tuple[list[str], list[str]]:
        """The source and the reference lines at an address.

        Raises:
            StoreError: they are not there, or damaged.
        """
        rows = self._get(TEST, address)
        return [source for source, _ in rows], [reference for _, reference in rows]

    def read(self, address: str) -> bytes:
        """The file of a blob, as it lies there.

        Raises:
            StoreError: it is not there.
        """
        try:
            data: bytes = self._files.cat_file(self._path(address))
        except FileNotFoundError as error:
            raise StoreError(f"The blob {address} is not in {self.url}: restore it, or run the grid again.") from error
        return data

    def write(self, address: str, data: bytes) -> None:
        """Keep a file that `read` returned, if it is what its address says.

        Raises:
            StoreError: it is damaged.
        """
        check_blob(address, data)
        self._keep(address, data)

    def stored(self) -> Iterator[StoredBlob]:
        """Every file there is, whole or left over."""
        if not self._files.exists(self._root):
            return
        for path, details in sorted(self._files.find(self._root, detail=True).items()):
            name = path.rsplit("/", 1)[-1]
            address = name.removesuffix(_SUFFIX) if name.endswith(_SUFFIX) else ""
            yield StoredBlob(address, path, int(details["size"]), self._files.modified(path))

    def remove(self, blob: StoredBlob) -> None:
        """Remove a file."""
        self._files.rm_file(blob.path)

    def _put(self, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> str:
        address = _address(schema, rows)
        arrays = [_array(field.type, [row[place] for row in rows]) for place, field in enumerate(schema)]
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), buffer, compression="zstd")
        self._keep(address, buffer.getvalue())
        return address

    def _get(self, schema: pa.Schema, address: str) -> list[tuple[Any, ...]]:
        found, rows = _parse(address, self.read(address))
        if found != schema:
            raise StoreError(f"The blob {address} holds {', '.join(found.names)} instead of {', '.join(schema.names)}.")
        return rows

    def _keep(self, address: str, data: bytes) -> None:
        try:
            self._write(address, data)
        except Exception as error:  # every file system, and every cloud's library below it, has errors of its own
            why = next(iter(str(error).splitlines()), type(error).__name__)
            raise StoreError(
                f"Blobs can't be written to {masked(self.url)} ({why}): check that it is there, has room, and may be "
                "written to."
            ) from error

    def _write(self, address: str, data: bytes) -> None:
        path = self._path(address)
        local = isinstance(self._files, LocalFileSystem)
        if self._files.exists(path):
            if local:
                os.utime(path)  # wanted again: the garbage collector spares what is young
            return
        if not local:
            self._files.pipe_file(path, data)  # object stores show an object once it is whole
            return
        final = Path(path)
        final.parent.mkdir(parents=True, exist_ok=True)
        partial = final.with_name(f".{uuid4().hex}")
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(final)

    def _path(self, address: str) -> str:
        return f"{self._root}/{address[:2]}/{address}{_SUFFIX}"


def check_blob(address: str, data: bytes) -> pa.Schema:
    """See that a file is what its address says; returns `TRANSLATION`, `TEST`, or what else it holds.

    Raises:
        StoreError: it is not.
    """
    return _parse(address, data)[0]


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
    """What a blob says, once its content is found to hash to its address."""
    try:
        table = pq.ParquetFile(io.BytesIO(data)).read()
    except (pa.ArrowException, OSError) as error:
        raise _damaged(address) from error
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    schema = table.schema.remove_metadata()
    if _address(schema, rows) != address:
        raise _damaged(address)
    return schema, rows


def _damaged(address: str) -> StoreError:
    return StoreError(
        f"The blob {address} is damaged: its content is not what its address says. Restore it from a copy."
    )
