"""The folder of a site: written aside, moved into place, and known again by its manifest."""

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from types import TracebackType
from typing import Any, Self

from dragoman.errors import DragomanError
from dragoman.reading import ReadingError, read_json

MANIFEST = "dragoman-site.json"
"""The file that says what a site is of, with every other file's hash."""


class PublishError(DragomanError):
    """A site that can't be written."""


class SiteFolder:
    """Writes the files of a site: all of them appear at once, or none does.

    A folder that was published before is replaced. Files in it that are not of the site are refused, or kept with
    `force`.
    """

    def __init__(self, folder: Path, *, force: bool = False) -> None:
        """Look at the folder; nothing is written yet.

        Raises:
            PublishError: there is a file of that name, or a folder with files of others.
        """
        self.folder = folder.resolve()
        self.others: list[Path] = []
        self.hashes: dict[str, str] = {}
        self.bytes = 0
        if self.folder.exists() and not self.folder.is_dir():
            raise PublishError(f"{folder} is a file: name a folder for the site.")
        if self.folder == Path.cwd().resolve():
            raise PublishError(f"{folder} is the current folder, which can't be replaced: name one below it.")
        self.others = _others(self.folder)
        if self.others and not force:
            raise PublishError(
                f"{folder} holds {self.others[0]}, which is not of a published site: name another folder, or give "
                "--force to keep what is there beside the site."
            )

    def __enter__(self) -> Self:
        """Begin a folder beside it.

        Raises:
            PublishError: nothing can be written there.
        """
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._made = Path(mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
            self._made.chmod(0o755)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        return self

    def write(self, name: str, content: str | bytes) -> None:
        """Write one file of the site; text is UTF-8.

        Raises:
            PublishError: it can't be written.
        """
        data = content if isinstance(content, bytes) else content.encode()
        path = self._made / PurePosixPath(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self.hashes[name] = sha256(data).hexdigest()
        self.bytes += len(data)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the manifest, and move the site into place.

        Args:
            about: what the site is of.

        Raises:
            PublishError: it can't be moved there; what was there stays.
        """
        manifest = {**about, "files": dict(sorted(self.hashes.items()))}
        self.write(MANIFEST, json.dumps(manifest, indent=1) + "\n")
        try:
            for name in self.others:
                _copy(self.folder / name, self._made / name)
            if not self.folder.exists():
                self._made.rename(self.folder)
                return
            old = Path(mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
            self.folder.rename(old)  # an empty folder may be replaced
            try:
                self._made.rename(self.folder)
            except OSError:
                old.rename(self.folder)
                raise
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        shutil.rmtree(old, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            shutil.rmtree(self._made, ignore_errors=True)


def _others(folder: Path) -> list[Path]:
    """The first-level names in a folder that are not, or not only, of a site published there before."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return []
    try:
        found = read_json(folder / MANIFEST)
        known = {PurePosixPath(name) for name in found["files"]} | {PurePosixPath(MANIFEST)}
    except (OSError, ValueError, ReadingError, LookupError, TypeError, AttributeError):
        known = set()
    there = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return [path for path in there if PurePosixPath(path.as_posix()) not in known]


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return  # a file of the site takes its place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)


def _unwritable(folder: Path, error: OSError) -> PublishError:
    return PublishError(f"{folder} can't be written ({error.strerror}): nothing there was changed.")
