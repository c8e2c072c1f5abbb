"""Bounded reading of what others supply: kinds of files, sizes, JSON, zips, and what is unpacked as it is read.

Every bound is a setting (`limit_...`), and every refusal says which. Errors of the file system (it is not there, it may
not be read) are left to the caller, who knows what was meant to be there.
"""

import io
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar
from zipfile import ZipFile

from dragoman.errors import DragomanError
from dragoman.settings import settings, variable

Item = TypeVar("Item")

GRACE = 16 << 20
"""Bytes that may be unpacked whatever they were packed into: the ratio of a small file says little."""

_DIRECTORY_ENTRY = 128
"""Bytes of a member in a zip's directory, on average: 46, its name, and what archivers note beside it."""

_SHORT = 1 << 16
"""Characters of JSON that are parsed without being looked at first."""

AT_ONCE = 1 << 16
"""Bytes that lines are cut from at a time."""

_BLOCK = 1 << 20

_SPECIAL = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class ReadingError(DragomanError):
    """Something that is larger, deeper or of another kind than what is read."""


def over_limit(what: str, limit: str, remedy: str) -> ReadingError:
    """The error of something above a limit.

    Args:
        what: what it is and how much it has at least, as the beginning of a sentence.
        limit: the setting.
        remedy: what to do where it was not meant so.
    """
    most = getattr(settings(), limit)
    return ReadingError(
        f"{what}, and {most:,} is the limit: {remedy}, or raise the setting {limit} ({variable(limit)}) if it is meant."
    )


@contextmanager
def refused_as(kind: type[DragomanError]) -> Iterator[None]:
    """Context manager that makes another error, with the same sentence, of a `ReadingError`."""
    try:
        yield
    except ReadingError as error:
        raise kind(str(error)) from error


def special_kind(path: str | Path) -> str | None:
    """What is neither a file nor a folder at a path, as words; None also where nothing is."""
    try:
        return _SPECIAL.get(stat.S_IFMT(os.stat(path).st_mode))  # noqa: PTH116  # through links, of a path or a text
    except (OSError, ValueError):
        return None


def require_file(path: str | Path, place: str | None = None) -> None:
    """Refuse what would be read without an end, or never answer: a device, a pipe or a socket, also behind a link.

    Args:
        path: what is going to be opened.
        place: its name for people; by default the path.

    Raises:
        ReadingError: it is one.
    """
    if kind := special_kind(path):
        raise ReadingError(
            f"{place or path} is {kind}, and files alone are read: give a file, or write it to one first."
        )


def read_bytes(path: Path, limit: str = "limit_file_bytes") -> bytes:
    """The whole content of a file.

    Args:
        path: the file.
        limit: the setting that says how many bytes it may have.

    Raises:
        ReadingError: it is no regular file, or has more bytes than that.
        OSError: it can't be opened or read.
    """
    require_file(path)
    # what has become a pipe meanwhile does not block
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        return read_stream(file, str(path), limit)


def read_stream(file: BinaryIO, place: str, limit: str = "limit_file_bytes") -> bytes:
    """The rest of a stream; arguments and errors as for `read_bytes`."""
    most: int = getattr(settings(), limit)
    data = bytearray()
    while block := file.read(min(_BLOCK, most + 1 - len(data))):
        data += block
        if len(data) > most:
            raise over_limit(f"{place} has more bytes than are read at once", limit, "give a smaller file")
    return bytes(data)


def read_text(path: Path, limit: str = "limit_file_bytes", encoding: str = "utf-8", *, errors: str = "strict") -> str:
    """The same as text, with every line break as one character.

    Args:
        path: the file.
        limit: the setting that says how many bytes it may have.
        encoding: of the text.
        errors: what becomes of bytes that are not in it, as for `bytes.decode`.

    Raises:
        ReadingError: as for `read_bytes`.
        OSError: it can't be opened or read.
        UnicodeDecodeError: it is not in that encoding.
    """
    return io.TextIOWrapper(io.BytesIO(read_bytes(path, limit)), encoding=encoding, errors=errors).read()


def read_json(path: Path, limit: str = "limit_file_bytes") -> Any:
    """The content of a JSON file in UTF-8.

    Raises:
        ReadingError: it is no regular file, or too large, too deep, or has too many values or digits.
        OSError: it can't be opened or read.
        ValueError: it is no JSON, or no UTF-8.
    """
    return parse_json(read_text(path, limit), str(path))


def parse_json(text: str | bytes, place: str) -> Any:
    """What a text of JSON says.

    Args:
        text: the text.
        place: its name for people.

    Raises:
        ReadingError: it is too deep, or has too many values or digits.
        ValueError: it is no JSON, or no UTF-8.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    value = parse_json_line(text, lambda: place)
    if text.count("[") + text.count("{") > settings().limit_depth:
        _require_depth(value, place)
    return value


def parse_json_line(line: str, place: Callable[[], str], *, unique: bool = False) -> Any:
    """What a text of JSON says, whose depth is the parser's affair; errors as for `parse_json`.

    Args:
        line: the text.
        place: finds its name for people, where there is an error: there may be millions of lines.
        unique: whether an object that has a key twice is refused; otherwise the last one counts.
    """
    # each value but the first has a comma before it, or the bracket or key that it is in
    if len(line) > _SHORT and line.count(",") > settings().limit_json_values:
        raise over_limit(f"{place()} has too many values", "limit_json_values", "give less at once")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            (key, _), *_ = (pair for number, pair in enumerate(pairs) if pair[0] in dict(pairs[:number]))
            raise ReadingError(f"{place()} has the key '{key}' twice: keep one.")
        return found

    try:
        return json.loads(line, object_pairs_hook=once if unique else None)
    except json.JSONDecodeError:
        raise
    except RecursionError as error:
        raise _too_deep(place()) from error
    except ValueError as error:  # Python's own limit (`sys.get_int_max_str_digits`)
        raise ReadingError(f"{place()} has a number of thousands of digits: correct it.") from error


def _require_depth(value: Any, place: str) -> None:
    level = [value]
    for _ in range(settings().limit_depth + 1):
        inside = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for part in inside if not isinstance(part, str) for each in part if isinstance(each, dict | list)]
        if not level:
            return
    raise _too_deep(place)


def _too_deep(place: str) -> ReadingError:
    return over_limit(f"{place} is nested too deeply", "limit_depth", "write it with fewer levels")


def within(items: Iterable[Item], size: Callable[[Item], int], place: str) -> Iterator[Item]:
    """The items of something that is kept in memory whole, up to the limit of a file that is read so.

    Raises:
        ReadingError: they are more.
    """
    total, most = 0, settings().limit_file_bytes
    for item in items:
        total += size(item)
        if total > most:
            raise over_limit(f"{place} has more characters than are read at once", "limit_file_bytes", "give less")
        yield item


def most_unpacked(packed: int | None) -> float:
    """How many bytes may come of so many packed ones; any number where their size is not known."""
    return float("inf") if packed is None else max(GRACE, packed * settings().limit_ratio)


def too_much_unpacked(place: str) -> ReadingError:
    """The error where more come."""
    return over_limit(
        f"{place} unpacks to more times its size than a text does",
        "limit_ratio",
        "unpack it yourself, or fetch it again",
    )


def whole_lines(file: io.BufferedReader, place: str, packed: int | None) -> Iterator[bytes]:
    """A file's bytes in pieces that end with a line.

    Args:
        file: the file, unpacked as it is read.
        place: its name for people.
        packed: the size of what it is unpacked from; None where it isn't, or that is not known.

    Raises:
        ReadingError: a line is too long, or too much is unpacked.
    """
    size, most, longest = 0, most_unpacked(packed), settings().limit_line_bytes
    # Iterating over the file would check at each line if it is open.
    rest: list[bytes] = []
    waiting = 0
    while data := file.read1(AT_ONCE):
        size += len(data)
        if size > most:
            raise too_much_unpacked(place)
        cut = data.rfind(b"\n") + 1
        if cut:
            yield b"".join([*rest, data[:cut]]) if rest else data[:cut]
            rest = [data[cut:]] if cut < len(data) else []
            waiting = len(data) - cut
        else:
            rest.append(data)
            waiting += len(data)
            if waiting > longest:
                raise over_limit(
                    f"{place} has a line of more bytes than are read", "limit_line_bytes", "break the line"
                )
    if rest:
        yield b"".join(rest)


class ZipSource:
    """The bytes of a zip; a directory of more members than the limit is refused before it is parsed."""

    def __init__(self, file: BinaryIO, place: str) -> None:
        self._file, self._place = file, place
        self.most: float = settings().limit_members * _DIRECTORY_ENTRY
        """The most bytes that are read at once; `zipfile` reads a directory so."""

    def read(self, size: int = -1) -> bytes:
        """The next bytes.

        Raises:
            ReadingError: they are a directory of too many members.
        """
        if size > self.most:
            raise _too_many_members(self._place)
        return self._file.read(size)

    def __enter__(self) -> "ZipSource":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def require_members(archive: ZipFile, place: str) -> None:
    """Refuse a zip with too many members, or that would unpack to too much, as its directory says.

    `zipfile` unpacks no more of a member than is said there.

    Raises:
        ReadingError: it is one.
    """
    members = archive.infolist()
    if len(members) > settings().limit_members:
        raise _too_many_members(place)
    # members that lie over one another have more bytes together than the file
    packed = min(archive.start_dir, sum(member.compress_size for member in members))
    if sum(member.file_size for member in members) > most_unpacked(packed):
        raise too_much_unpacked(place)
    for member in members:
        if member.file_size > most_unpacked(member.compress_size):
            raise too_much_unpacked(f"{place}, member {member.filename}")


def _too_many_members(place: str) -> ReadingError:
    return over_limit(f"{place} has too many members", "limit_members", "unpack it into a folder")
