"""The container of a bundle: a tar in which every byte follows from the names and contents of its members.

POSIX.1-1988 (ustar) headers without owner, time or rights of the machine, nothing packed, zeros between members and up
to the last record, as `tar` writes it: so equal contents are equal files, and each changed byte is one of a line of a
member, or one whose right value is known.
"""

import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self, cast

from dragoman.errors import StoreError
from dragoman.reading import over_limit, refused_as, require_file, whole_lines
from dragoman.settings import settings
from dragoman.sharing.bundle.layout import CHECKSUMS, ROOT, SUMS, line_checksum, sums_lines

_MOST = 8 << 20
"""Bytes of a member that are kept in memory while it is written."""

_ANEW = "give a file that `dragoman export --format bundle` wrote, whole"


class BundleWriter:
    """Writes a bundle, which appears under its name once it is whole."""

    def __init__(self, path: Path) -> None:
        """Write nothing yet.

        Args:
            path: the file, which is replaced if it is there.
        """
        self._path = path
        self._partial = path.with_name(f".{path.name}.{os.getpid()}")
        self._digests: dict[str, str] = {}
        self._checksums: dict[str, str] = {}
        self.root = ""
        """The hash of the hashes, once it is written."""

    def __enter__(self) -> Self:
        try:
            self._file: BinaryIO = self._partial.open("wb")
        except OSError as error:
            raise StoreError(f"{self._path} can't be written ({error.strerror}): give another place.") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._file.close()
            if self.root:
                self._partial.replace(self._path)
            else:
                self._partial.unlink(missing_ok=True)

    def add(self, name: str, lines: Iterable[str]) -> None:
        """Add a member of some lines, which hold no line breaks."""
        checksums: list[str] = []

        def noted() -> Iterator[bytes]:
            for line in lines:
                data = line.encode()
                checksums.append(line_checksum(data))
                yield data

        self._digests[name] = self._write(name, noted())
        self._checksums[name] = "".join(checksums)

    def _finish(self) -> None:
        table = (f"{name}\t{found}".encode() for name, found in self._checksums.items())
        self._digests[CHECKSUMS] = self._write(CHECKSUMS, table)
        root = self._write(SUMS, (line.encode() for line in sums_lines(self._digests)))
        self._write(ROOT, [root.encode()])
        self._file.write(b"\0" * ending(self._file.tell()))
        self.root = root

    def _write(self, name: str, lines: Iterable[bytes]) -> str:
        """Write a member, and return the SHA-256 of its bytes."""
        digest, size = hashlib.sha256(), 0
        with SpooledTemporaryFile(_MOST) as content:
            for line in lines:
                content.write(line + b"\n")
                digest.update(line + b"\n")
                size += len(line) + 1
            content.seek(0)
            self._file.write(header(name, size))
            shutil.copyfileobj(content, self._file)
        self._file.write(b"\0" * padding(size))
        return digest.hexdigest()


def header(name: str, size: int) -> bytes:
    """The header of a member.

    Raises:
        StoreError: the name is too long for one.
    """
    member = tarfile.TarInfo(name)
    member.size = size
    try:
        return member.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")
    except ValueError as error:
        raise StoreError(f"'{name}' can't be the name of a member ({error}): use shorter names.") from error


def padding(size: int) -> int:
    """Zeros after the content of a member."""
    return -size % tarfile.BLOCKSIZE


def ending(size: int) -> int:
    """Zeros after the last member, where the file has so many bytes: two blocks, and up to a whole record."""
    least = 2 * tarfile.BLOCKSIZE
    return least + -(size + least) % tarfile.RECORDSIZE


class Member(NamedTuple):
    """A member of a bundle."""

    start: int
    """Where its content begins."""
    size: int
    """How many bytes that has."""


class BundleReader:
    """Reads a bundle; a byte that is not what it has to be is told of, and what can be read beside it is."""

    def __init__(self, path: Path) -> None:
        """Open nothing yet.

        Args:
            path: the file.
        """
        self.path = path
        self.members: dict[str, Member] = {}
        """Its members by name, in their order."""
        self.faults: list[tuple[str, str]] = []
        """What is wrong with the container, each with its place."""

    def __enter__(self) -> Self:
        with refused_as(StoreError):
            require_file(self.path)
        try:
            self._file = self.path.open("rb")
        except FileNotFoundError as error:
            raise StoreError(f"There is no file {self.path}: {_ANEW}.") from error
        except IsADirectoryError as error:
            raise StoreError(f"{self.path} is a folder: {_ANEW}.") from error
        except OSError as error:
            raise StoreError(f"{self.path} can't be read ({error.strerror}): {_ANEW}.") from error
        try:
            self._scan()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _scan(self) -> None:
        whole = os.fstat(self._file.fileno()).st_size
        place, before = 0, "the beginning"
        while place + tarfile.BLOCKSIZE <= whole:
            found = _parsed(self._at(place))
            if found is None or found.size > whole - place - tarfile.BLOCKSIZE:
                following = self._next_header(place + tarfile.BLOCKSIZE, whole)
                if following is None:  # these are the zeros at the end, or ought to be
                    break
                told = f"the header of the member after {before} was changed"
                self.faults.append((f"bytes {place:,} to {place + tarfile.BLOCKSIZE - 1:,}", told))
                place = following
                continue
            name = found.name
            if name in self.members:
                self.faults.append((name, "it is there twice"))
            if len(self.members) >= settings().limit_members:
                with refused_as(StoreError):
                    raise over_limit(f"{self.path} has too many members", "limit_members", _ANEW)
            self.members[name] = Member(place + tarfile.BLOCKSIZE, found.size)
            place += tarfile.BLOCKSIZE + found.size
            self._require_zeros(place, padding(found.size), f"after {name}")
            place += padding(found.size)
            before = name
        if not self.members:
            raise StoreError(f"{self.path} is no bundle: {_ANEW}.")
        due = ending(place)
        if whole != place + due:
            more = whole - place - due
            told = (
                f"{more:,} bytes more than its members have" if more > 0 else f"{-more:,} bytes too few: it is cut off"
            )
            self.faults.append(("the end", told))
        self._require_zeros(place, max(0, whole - place), "after the last member")

    def _next_header(self, place: int, whole: int) -> int | None:
        places = range(place, whole - tarfile.BLOCKSIZE + 1, tarfile.BLOCKSIZE)
        return next((at for at in places if _parsed(self._at(at)) is not None), None)

    def _at(self, place: int) -> bytes:
        self._file.seek(place)
        return self._file.read(tarfile.BLOCKSIZE)

    def _require_zeros(self, place: int, count: int, where: str) -> None:
        self._file.seek(place)
        while count > 0 and (block := self._file.read(min(count, io.DEFAULT_BUFFER_SIZE))):
            if any(block):
                odd = next(number for number, byte in enumerate(block) if byte)
                self.faults.append((f"byte {place + odd:,}", f"{where} there are zeros, and this byte is none"))
                return
            place, count = place + len(block), count - len(block)

    def pieces(self, name: str) -> Iterator[bytes]:
        """The content of a member in pieces that end with a line.

        Raises:
            ReadingError: a line of it is too long.
        """
        with cast(io.BufferedReader, io.BufferedReader(_Part(self._file, self.members[name]))) as part:
            yield from whole_lines(part, f"{self.path}, {name}", None)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, without their ends; errors as for `pieces`."""
        for piece in self.pieces(name):
            yield from piece.removesuffix(b"\n").split(b"\n")

    def read(self, name: str) -> bytes:
        """The content of a member.

        Raises:
            ReadingError: it has more bytes than are read at once.
        """
        member = self.members[name]
        if member.size > settings().limit_file_bytes:
            raise over_limit(f"{self.path}, {name} has more bytes than are read at once", "limit_file_bytes", _ANEW)
        self._file.seek(member.start)
        return self._file.read(member.size)


class _Part(io.RawIOBase):
    """The content of a member as a file."""

    def __init__(self, file: BinaryIO, member: Member) -> None:
        self._file, self._place, self._end = file, member.start, member.start + member.size

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read the next bytes."""
        self._file.seek(self._place)
        data = self._file.read(min(len(buffer), self._end - self._place))
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


def _parsed(block: bytes) -> tarfile.TarInfo | None:
    """The member of a header that `header` may have written; None for every other block."""
    try:
        found = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        return found if header(found.name, found.size) == block else None
    except (tarfile.HeaderError, ValueError, StoreError):
        return None
