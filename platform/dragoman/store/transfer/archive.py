"""The archive format of an exported grid: a zip of JSON, Parquet tables and blobs, with a checksum of each."""

import hashlib
import json
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, Any, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from dragoman.errors import StoreError
from dragoman.parquet import batches
from dragoman.reading import (
    ReadingError,
    ZipSource,
    over_limit,
    parse_json,
    refused_as,
    require_file,
    require_members,
)
from dragoman.settings import settings
from dragoman.version import __version__

FORMAT = 4
"""Version of the file's layout; since 2 it holds contamination, since 3 keys of test lines, since 4 their labels, and
judgements."""

_MANIFEST = "manifest.json"
_BLOCK = 1 << 20
_AGAIN = "export the grid again"


class Member(BaseModel):
    """One file of the archive."""

    sha256: str
    """Hash of its bytes."""
    size: int
    """How many they are."""


class Manifest(BaseModel):
    """Manifest of the archive."""

    format: int = FORMAT
    """Version of the layout."""
    dragoman: str = __version__
    """The program that wrote it."""
    grid: str
    """Name of the grid."""
    scores: int = 0
    """How many scores it has."""
    members: dict[str, Member] = {}
    """Everything else in it, by name."""


class ArchiveWriter:
    """Writes an archive, which appears under its name once it is whole."""

    def __init__(self, path: Path, grid: str) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}")
        self.manifest = Manifest(grid=grid)

    def __enter__(self) -> Self:
        try:
            # Parquet is compressed already; the rest is small.
            self._zip = zipfile.ZipFile(self._partial, "w", zipfile.ZIP_STORED)
        except OSError as error:
            raise StoreError(f"{self._path} can't be written ({error.strerror}): give another place.") from error
        self._folder = TemporaryDirectory()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._zip.writestr(_MANIFEST, self.manifest.model_dump_json(indent=1))
        self._zip.close()
        self._folder.cleanup()
        if error is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink()

    def add(self, name: str, data: bytes) -> None:
        """Add a file."""
        self.manifest.members[name] = Member(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        self._zip.writestr(name, data)

    def add_json(self, name: str, value: Any) -> None:
        """Add something as JSON."""
        self.add(name, json.dumps(value, ensure_ascii=False, indent=1).encode())

    def add_table(self, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Add a table as Parquet, batch by batch, and return how many rows it has."""
        path, rows = Path(self._folder.name) / name, 0
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        with path.open("rb") as file:
            digest = _digest(file)
        self.manifest.members[name] = Member(sha256=digest, size=path.stat().st_size)
        self._zip.write(path, name)
        path.unlink()
        return rows


class Archive:
    """Reads an archive, after every byte of it has been checked."""

    def __init__(self, path: Path, place: str | None = None) -> None:
        """Open nothing yet.

        Args:
            path: the file.
            place: what errors call it; by default its path.
        """
        self._path, self._place = path, place or str(path)

    def __enter__(self) -> Self:
        try:
            require_file(self._path)
            self._file = self._path.open("rb")
            source = ZipSource(self._file, self._place)
            self._zip = zipfile.ZipFile(cast(IO[bytes], source))
            source.most = math.inf
        except ReadingError as error:
            raise StoreError(str(error)) from error
        except FileNotFoundError as error:
            raise StoreError(f"There is no file {self._place}: give one that `dragoman export` wrote.") from error
        except IsADirectoryError as error:
            raise StoreError(f"{self._place} is a folder: give a file that `dragoman export` wrote.") from error
        except PermissionError as error:
            raise StoreError(f"{self._place} may not be read: give a file that you may read.") from error
        except Exception as error:  # zipfile raises various exceptions for damaged files
            raise self.damaged("it is cut off, or no export at all") from error
        with ExitStack() as opened:
            opened.callback(self._file.close)
            opened.callback(self._zip.close)
            self._folder = TemporaryDirectory()
            opened.callback(self._folder.cleanup)
            try:
                self.manifest = self._check()
            except StoreError:
                raise
            except Exception as error:  # the same: unknown methods, passwords, places beyond the end
                raise self.damaged("it is damaged") from error
            self._unpack_tables()
            opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()
        self._folder.cleanup()

    def damaged(self, how: str) -> StoreError:
        """The error for a damaged archive."""
        return StoreError(f"{self._place} can't be imported: {how}. Nothing was written; export the grid again.")

    def read(self, name: str) -> bytes:
        """A file of the archive."""
        self._require(name)
        return self._zip.read(name)

    def json(self, name: str) -> Any:
        """A JSON file of the archive."""
        self._require(name)
        with refused_as(StoreError):
            if self.manifest.members[name].size > settings().limit_file_bytes:
                raise over_limit(f"{self._of(name)} has more bytes than are read at once", "limit_file_bytes", _AGAIN)
            return parse_json(self.read(name), self._of(name))

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """The rows of a table; some thousands are held at a time."""
        self._require(name)
        with refused_as(StoreError):
            for batch in batches(Path(self._folder.name) / name, self._of(name), size=self.manifest.members[name].size):
                yield from (dict(zip(batch, values, strict=True)) for values in zip(*batch.values(), strict=True))

    def _of(self, name: str) -> str:
        return f"{self._place}, {name},"

    def _require(self, name: str) -> None:
        if name not in self.manifest.members:
            raise self.damaged(f"'{name}' is missing")

    def _check(self) -> Manifest:
        try:
            with refused_as(StoreError):
                require_members(self._zip, self._place)
                if self._zip.getinfo(_MANIFEST).file_size > settings().limit_file_bytes:
                    what = f"{self._of(_MANIFEST)} has more bytes than are read at once"
                    raise over_limit(what, "limit_file_bytes", _AGAIN)
            manifest = Manifest.model_validate_json(self._zip.read(_MANIFEST))
        except KeyError as error:
            raise self.damaged("it has no manifest, so `dragoman export` did not write it") from error
        except (ValidationError, zipfile.BadZipFile) as error:
            raise self.damaged("its manifest is damaged") from error
        if manifest.format > FORMAT:
            raise StoreError(f"{self._place} was written by a newer Dragoman ({manifest.dragoman}): upgrade Dragoman.")
        names = self._zip.namelist()
        if sorted(names) != sorted([_MANIFEST, *manifest.members]):
            raise self.damaged("files were added to it or taken from it")
        for name, member in manifest.members.items():
            self._check_member(name, member)
        return manifest

    def _check_member(self, name: str, member: Member) -> None:
        try:
            if self._zip.getinfo(name).file_size != member.size:
                raise self.damaged(f"'{name}' was changed")
            with self._zip.open(name) as file:
                digest = _digest(file)
        except (zipfile.BadZipFile, EOFError) as error:
            raise self.damaged(f"'{name}' is damaged") from error
        if digest != member.sha256:
            raise self.damaged(f"'{name}' was changed")

    def _unpack_tables(self) -> None:
        for name in self.manifest.members:
            if "/" not in name and name.endswith(".parquet"):
                try:
                    self._zip.extract(name, self._folder.name)
                except OSError as error:
                    raise StoreError(
                        f"{self._place} can't be unpacked in {self._folder.name} ({error.strerror}): make room there, "
                        "or set TMPDIR to another folder."
                    ) from error


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
