"""The files of a corpus, in a folder, a zip or any fsspec file system; decompressed as they are read."""

import hashlib
import io
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, Self

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.zip import ZipFileSystem
from fsspec.utils import infer_compression

from dragoman import reading
from dragoman.corpora.readers.digests import digest_of, stream_digest
from dragoman.errors import CorpusError, nearest
from dragoman.file_system import file_system, is_local
from dragoman.line import MARK, half_character

DEPTH = 6
"""Folders are searched this deep: enough for every layout, and a path to a whole disk still ends."""

WHOLE = 1 << 20
"""Bytes up to which `Files.revision` covers all of a file; of a larger one, its size, its beginning and its end."""

_ENDS = 1 << 16
_MARK = MARK.encode()
_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class Files:
    """What is found at one address of a spec: a folder with all below it, a zip with all in it, or a single file.

    Args:
        key: the option that holds the address, for error messages (``corpus.path``).
        url: a local path or any URL fsspec opens (``s3://``, ``https://``, ``hf://``, ``zip://inner::outer.zip``).
        remedy: what should be there, completing "give ...".

    Raises:
        CorpusError: nothing is there, or it can't be reached.
    """

    _outer: "tuple[Files, str] | None" = None

    def __init__(self, key: str, url: str, remedy: str) -> None:
        self.url = _without_secrets(url)
        self._at = f"{key} is '{self.url}'"
        try:
            if kind := _special(url):
                raise CorpusError(f"{self._at}: it is {kind}; give {remedy}.")
            self._filesystem, self._root = _open(url, self.url)
            there = self._filesystem.exists(self._root)
        except CorpusError:
            raise
        except reading.ReadingError as error:
            raise CorpusError(str(error)) from error
        except Exception as error:  # every filesystem of fsspec has error types of its own
            raise CorpusError(f"{self._at}: it can't be opened ({_described(error)}); give {remedy}.") from error
        if url.rstrip("/").endswith(_TARS):
            raise CorpusError(f"{self._at}: members of a tar can't be read at random; unpack it and give {remedy}.")
        if not there:
            raise CorpusError(f"{self._at}: there is no such file or folder; {self._similar() or f'give {remedy}.'}")
        self._remedy = remedy
        self._digest = cache(self._find_digest)

    @cached_property
    def names(self) -> dict[str, str]:
        """Every file that may be one of the corpus, by its path below the address, sorted, with its full path.

        Hidden files, and what macOS puts beside files in archives (``__MACOSX/``, ``._name``), are left aside.
        """
        return {name: path for name, path in self.everything.items() if path == self._root or not _is_aside(name)}

    @cached_property
    def everything(self) -> dict[str, str]:
        """The same, with the files that are left aside."""
        found = self._filesystem.find(self._root, maxdepth=DEPTH)
        if found == [self._root]:
            return {PurePosixPath(self._root).name: self._root}
        root = self._root.rstrip("/")
        return {path.removeprefix(root).lstrip("/"): path for path in sorted(found)}

    def require(self, found: Collection[Any], layout: str) -> None:
        """Refuse a place that holds none of the files of a layout.

        Raises:
            CorpusError: nothing was found.
        """
        if not found:
            some = ", ".join(map(_printable, list(self.names)[:3])) or "nothing"
            raise CorpusError(f"{self._at}: it holds {some}, but no {layout}; give {self._remedy}.")

    def place(self, name: str) -> str:
        """A file's name for people: the address and the path below it."""
        place = self.url if self.everything[name] == self._root else f"{self.url.rstrip('/')}/{name}"
        return _printable(place)

    def inner(self, name: str) -> Self:
        """The files in a zip that is itself one of these files."""
        inside = object.__new__(type(self))
        inside.url, inside._at, inside._remedy = self.place(name), self._at, self._remedy
        inside._digest = cache(inside._find_digest)
        inside._outer = (self, name)
        try:
            inside._filesystem, inside._root = _zip(self._filesystem, self._path(name), inside.url), ""
        except CorpusError:
            raise
        except reading.ReadingError as error:
            raise CorpusError(str(error)) from error
        except Exception as error:
            raise CorpusError(
                f"{inside.url} is no zip that can be read ({_described(error)}): fetch it again."
            ) from error
        return inside

    def lines(self, name: str) -> Iterator[str]:
        """The lines of a text file in UTF-8 with their line breaks, without byte-order marks, as a stream.

        Raises:
            CorpusError: the file is damaged; the message names the file and the line.
        """
        for number, line in enumerate(self.raw_lines(name), 1):
            yield self.decode(name, number, line)

    def decode(self, name: str, number: int, line: bytes) -> str:
        """A line as text; the name and number of it are for the error."""
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise CorpusError(f"{self.place(name)}, line {number}, is not UTF-8 text: convert the file.") from error

    def raw_lines(self, name: str) -> Iterator[bytes]:
        """The same lines undecoded, for a reader that needs only some of them."""
        number, _ = 0, self._path(name)
        try:
            with self.open(name) as file:
                lines = reading.whole_lines(file, self.place(name), self._packed_size(name))
                for line in chain.from_iterable(map(io.BytesIO, lines)):
                    number += 1
                    yield line.removeprefix(_MARK)
        except reading.ReadingError as error:
            raise CorpusError(str(error)) from error
        except EOFError as error:
            raise CorpusError(f"{self.place(name)}, line {number + 1}: the file is cut off; fetch it again.") from error
        except Exception as error:  # zlib, isal, zstd, zip and remote filesystems share no base class
            raise CorpusError(
                f"{self.place(name)}, line {number + 1}: the file can't be read ({_described(error)}); fetch it again."
            ) from error

    def open(self, name: str) -> io.BufferedReader:
        """A file's bytes, unpacked."""
        return io.BufferedReader(self._filesystem.open(self._path(name), "rb", compression="infer"), reading.AT_ONCE)

    def size(self, name: str) -> int:
        """The bytes of a file as it lies there."""
        return int(self._filesystem.size(self._path(name)) or 0)

    def _packed_size(self, name: str) -> int | None:
        """The bytes that a file is unpacked from; None where it is not packed, or that is not known."""
        if not self.is_packed(name):
            return None
        about = self._filesystem.info(self._path(name))
        size = about.get("compress_size", about.get("size"))
        return None if size is None else int(size)

    def is_packed(self, name: str) -> bool:
        """Whether the file is compressed, and so can't lose its end without being noticed."""
        return infer_compression(name) is not None or hasattr(self._filesystem, "zip")

    def digest(self, name: str) -> str:
        """The SHA-256 of a file's whole content, as it lies there.

        Raises:
            CorpusError: the file can't be read.
        """
        try:
            return self._digest(name)
        except CorpusError:
            raise
        except Exception as error:  # remote filesystems share no base class
            raise CorpusError(f"{self.place(name)} can't be read ({_described(error)}): fetch it again.") from error

    def unseen(self, name: str) -> float:
        """When a file that `revision` does not cover as a whole was last written to, in seconds since 1970; else 0."""
        path = self._local(name)
        return path.stat().st_mtime if path is not None and path.stat().st_size > WHOLE else 0.0

    def touched(self, name: str) -> float:
        """When a file was last written to or put where it is, in seconds since 1970; infinite where that is unknown."""
        path = self._local(name)
        return float("inf") if path is None else max(path.stat().st_mtime, path.stat().st_ctime)

    def _local(self, name: str) -> Path | None:
        """The file on this machine that holds a file: itself, or the zip it is in."""
        if self._outer is not None:
            return self._outer[0]._local(self._outer[1])
        if isinstance(self._filesystem, LocalFileSystem):
            return Path(self._path(name))
        zipped = getattr(getattr(self._filesystem, "fo", None), "name", None)
        return Path(zipped) if isinstance(zipped, str) and Path(zipped).is_file() else None

    def _find_digest(self, name: str) -> str:
        path = self._path(name)
        if isinstance(self._filesystem, LocalFileSystem) and Path(path).stat().st_size > WHOLE:
            return digest_of(Path(path))
        with self._filesystem.open(path, "rb") as file:
            return stream_digest(file)

    def revision(self, names: Iterable[str]) -> str:
        """The hash of some of the files by names, sizes and bytes, as identities have it that were made before 2026-12.

        Of a large file it covers the ends alone (`WHOLE`); what is made now has `digest`.

        Raises:
            CorpusError: a file can't be read.
        """
        digest = hashlib.sha256()
        for name in sorted(names):
            path = self._path(name)
            try:
                size = self._filesystem.size(path) or 0
                digest.update(f"{name}\0{size}\0".encode())
                if size <= WHOLE:
                    digest.update(self._filesystem.cat_file(path))
                else:
                    digest.update(self._filesystem.cat_file(path, end=_ENDS))
                    digest.update(self._filesystem.cat_file(path, start=size - _ENDS))
            except Exception as error:
                raise CorpusError(f"{self.place(name)} can't be read ({_described(error)}): fetch it again.") from error
        return digest.hexdigest()[:32]

    def _path(self, name: str) -> str:
        """The full path of a file.

        Raises:
            CorpusError: its name has no UTF-8, and so can be neither kept nor shown; or it is a device or a pipe.
        """
        if half_character(name):
            raise CorpusError(f"{self.place(name)} has a name that is not UTF-8: rename the file.")
        path = self.everything[name]
        if isinstance(self._filesystem, LocalFileSystem):
            try:
                reading.require_file(path, self.place(name))
            except reading.ReadingError as error:
                raise CorpusError(str(error)) from error
        return path

    def _similar(self) -> str | None:
        above, _, name = self._root.rstrip("/").rpartition("/")
        try:
            siblings = [str(path).rstrip("/").rpartition("/")[2] for path in self._filesystem.ls(above, detail=False)]
        except Exception:  # nothing is there either, and the sentence does without
            return None
        close = nearest(name, siblings)
        return close if close.startswith("did you mean") else None


def _special(url: str) -> str | None:
    """What is neither a file nor a folder at a path, or among the paths of a chain of file systems, as words."""
    paths = (part.removeprefix("file://") for part in ([url] if is_local(url) else url.split("::")))
    kinds = (reading.special_kind(os.path.expanduser(path)) for path in paths if "://" not in path)  # noqa: PTH111
    return next(filter(None, kinds), None)


def _open(url: str, place: str) -> tuple[AbstractFileSystem, str]:
    for part in () if is_local(url) else url.split("::")[1:]:
        if is_local(part) and part.endswith(".zip"):
            _zip(*file_system(part), place)  # looked at before fsspec opens it
    filesystem, root = file_system(url)
    if root.endswith(".zip") and (is_local(url) or "::" not in url) and filesystem.isfile(root):
        return _zip(filesystem, root, place), ""
    return filesystem, root


def _zip(filesystem: AbstractFileSystem, path: str, place: str) -> AbstractFileSystem:
    source = reading.ZipSource(filesystem.open(path, "rb"), place)
    inside = ZipFileSystem(source)
    source.most = math.inf
    reading.require_members(inside.zip, place)
    return inside


def _is_aside(name: str) -> bool:
    return any(step == "__MACOSX" or (step.startswith(".") and step not in (".", "..")) for step in name.split("/"))


def _printable(name: str) -> str:
    """A name for people; bytes that are not UTF-8 as escapes."""
    return name.encode("utf-8", "backslashreplace").decode()


def _without_secrets(url: str) -> str:
    """The address without a password or a signature: it is going to be shown and kept."""
    return re.sub(r"(?<=://)[^/@]+@|\?.*", "", url) if "://" in url else url


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": .")
