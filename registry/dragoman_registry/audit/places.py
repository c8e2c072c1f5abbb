"""Where checkpoints of the trail are kept: an append-only file, a folder of objects, or whoever a webhook tells."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dragoman.errors import DragomanError, first_line
from dragoman.file_system import file_system
from dragoman.reading import read_bytes, read_text
from dragoman.redaction import masked
from dragoman_registry.audit.signed_note import DASH

_OBJECT = re.compile(r"checkpoint-(\d{12})\.txt$")
"""The name of an object: its digits are the number of records."""

TIMEOUT_SECONDS, ATTEMPTS = 10, 3
"""Of a request to a webhook."""


class PlaceError(DragomanError):
    """A place of checkpoints that can't be read or written."""


class Place(ABC):
    """A place of checkpoints, each a signed note."""

    can_be_read = True
    """Whether it tells what it has before something is added."""

    def __init__(self, url: str) -> None:
        """Take its URL; nothing is opened yet."""
        self.url = url

    @property
    def shown(self) -> str:
        """The URL without a password."""
        return masked(self.url)

    def notes(self) -> list[str]:
        """Every note that is there, in order.

        Raises:
            PlaceError: it can't be read.
        """
        try:
            return self._notes()
        except Exception as error:  # file systems share no base class of errors
            raise self._unreadable(error) from error

    def backwards(self) -> Iterator[str]:
        """The notes from the last one on, as far as they are asked for; none where the place can't be read back.

        Raises:
            PlaceError: it can't be read.
        """
        yield from reversed(self.notes())

    def add(self, notes: Mapping[int, str]) -> None:
        """Add notes, by the number of records each is about; what is there stays as it is.

        Raises:
            PlaceError: it can't be written to.
        """
        try:
            self._add(notes)
        except Exception as error:
            raise PlaceError(
                f"The witness {self.shown} can't be written to ({first_line(error)}): mend that, then "
                "`dragoman audit witness`."
            ) from error

    def _unreadable(self, error: Exception) -> PlaceError:
        return PlaceError(f"The witness {self.shown} can't be read ({first_line(error)}): check the address.")

    @abstractmethod
    def _notes(self) -> list[str]: ...

    @abstractmethod
    def _add(self, notes: Mapping[int, str]) -> None: ...


class FilePlace(Place):
    """A file that only grows: notes with an empty line before each."""

    def _notes(self) -> list[str]:
        file = self._file()
        return split(read_text(file, errors="replace")) if file.exists() else []

    def _add(self, notes: Mapping[int, str]) -> None:
        # only ever to append, which a file can be held to (`chattr +a`)
        file = self._file()
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            is_cut_off = file.stat().st_size > 0 and not read_bytes(file).endswith(b"\n")
            data = (b"\n" if is_cut_off else b"") + "".join(f"\n{note}" for _, note in sorted(notes.items())).encode()
            while data:
                data = data[os.write(descriptor, data) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _file(self) -> Path:
        return Path(self.url.removeprefix("file://")).expanduser()


class FolderPlace(Place):
    """A folder of any file system that fsspec knows: an object for each checkpoint, written once."""

    def _notes(self) -> list[str]:
        files, root = file_system(self.url)
        return [files.cat_file(path).decode("utf-8", "replace") for _, path in self._listed(files, root)]

    def backwards(self) -> Iterator[str]:
        """The notes from that of the most records on; no object is read before it is asked for."""
        try:
            files, root = file_system(self.url)
            for _, path in reversed(self._listed(files, root)):
                yield files.cat_file(path).decode("utf-8", "replace")
        except Exception as error:  # as above
            raise self._unreadable(error) from error

    def _add(self, notes: Mapping[int, str]) -> None:
        files, root = file_system(self.url)
        files.makedirs(root, exist_ok=True)
        there = {size for size, _ in self._listed(files, root)}
        for size, note in sorted(notes.items()):
            if size not in there:
                files.pipe_file(f"{root}/checkpoint-{size:012}.txt", note.encode())

    def _listed(self, files: Any, root: str) -> list[tuple[int, str]]:
        files.invalidate_cache()
        paths = files.find(root) if files.exists(root) else []
        return sorted((int(match[1]), path) for path in paths if (match := _OBJECT.search(path)))


class WebhookPlace(Place):
    """An address that gets each checkpoint by POST, as text; it is read back by GET, if it answers that."""

    can_be_read = False

    def _notes(self) -> list[str]:
        return split(self._send("GET", None))

    def backwards(self) -> Iterator[str]:
        """Nothing: what it keeps is its own matter."""
        return iter(())

    def _add(self, notes: Mapping[int, str]) -> None:
        for _, note in sorted(notes.items()):
            self._send("POST", note)

    def _send(self, method: str, note: str | None) -> str:
        import requests
        from requests.adapters import HTTPAdapter
        from urllib3 import Retry

        again = Retry(ATTEMPTS - 1, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), allowed_methods=None)
        with requests.Session() as session:
            session.mount(self.url, HTTPAdapter(max_retries=again))
            response = session.request(
                method,
                self.url,
                data=None if note is None else note.encode(),
                headers={"Content-Type": "text/plain; charset=utf-8"},
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        if not 200 <= response.status_code < 300:
            raise PlaceError(f"it answers {response.status_code}")
        return response.text


def place_at(url: str) -> Place:
    """The place at a URL.

    `http://` and `https://` are webhooks; paths and `file://` a file, or a folder if they end with a slash; all others
    folders of object stores.
    """
    if url.startswith(("http://", "https://")):
        return WebhookPlace(url)
    is_local = "://" not in url or url.startswith("file://")
    return FilePlace(url) if is_local and not url.endswith("/") else FolderPlace(url.rstrip("/"))


def split(text: str) -> list[str]:
    """The notes of a text that has them one after the other; one that is cut off is given as it is."""
    found: list[str] = []
    waiting = ""
    for part in text.split("\n\n"):
        part = part.strip("\n")
        if part.startswith(DASH):
            found.append(f"{waiting}\n\n{part}\n")
            waiting = ""
        elif part:
            found += [waiting] if waiting else []
            waiting = part
    return found + ([waiting] if waiting else [])
