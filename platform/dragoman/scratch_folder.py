"""Scratch folders that outlive no process: each is locked by its maker, and the next start removes the unlocked ones.

The lock is the system's, so it ends with its process however that ends, and no process number is compared.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from dragoman.errors import DragomanError
from dragoman.folder_removal import LOCK, remove_with_lock_last

PREFIX = "dr-"
"""What the names of those in the folder for temporary files begin with: short, as the paths of sockets are bounded."""


class ScratchFolder:
    """A new folder that only this user can read, held until it is removed or this process ends."""

    def __init__(self, parent: Path, prefix: str) -> None:
        """Make and lock it.

        Args:
            parent: where; it is there.
            prefix: what its name begins with.

        Raises:
            OSError: nothing can be written there.
        """
        # under its own name it is locked from the first moment on
        made = Path(mkdtemp(prefix=f".{prefix}", dir=parent))
        self._lock = FileLock(made / LOCK)
        self._lock.acquire()
        self.path = made.rename(made.with_name(made.name[1:]))
        """Where it is."""

    def remove(self) -> None:
        """Remove it, with all that is in it."""
        remove_with_lock_last(self.path)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()


def temporary_folder() -> Path:
    """The folder for temporary files, as Python chooses it: the first that takes a file.

    Raises:
        DragomanError: there is none.
    """
    try:
        return Path(gettempdir())
    except FileNotFoundError as error:
        raise DragomanError(
            "No folder for temporary files takes a file, neither that of TMPDIR nor /tmp: make room there, or set "
            "TMPDIR to another."
        ) from error


def made_in(parent: Path) -> ScratchFolder:
    """A scratch folder in the folder for temporary files.

    Raises:
        DragomanError: nothing can be written there.
    """
    try:
        return ScratchFolder(parent, PREFIX)
    except OSError as error:
        raise DragomanError(
            f"Nothing can be written to {parent}, the folder for temporary files ({error.strerror}): make room "
            "there, or set TMPDIR to another."
        ) from error


@contextmanager
def temporary_files() -> Iterator[Path]:
    """Have the temporary files of this process, whichever library makes them, in a scratch folder inside the block.

    A process that is killed while MLflow writes an artifact would leave a folder that nobody recognises.

    Raises:
        DragomanError: nothing can be written to the folder for temporary files.
    """
    before = tempfile.tempdir
    with made_in(temporary_folder()) as scratch:
        tempfile.tempdir = str(scratch.path)
        try:
            yield scratch.path
        finally:
            tempfile.tempdir = before


def abandoned(parent: Path, prefix: str) -> Iterator[Path]:
    """This user's scratch folders whose makers are gone: each is locked while the caller deals with it, then removed.

    Args:
        parent: where they were made.
        prefix: what their names begin with.
    """
    for lock in parent.glob(f"{prefix}*/{LOCK}"):
        try:
            if not _is_own(lock.parent):
                continue
            with FileLock(lock, timeout=0):
                yield lock.parent
                remove_with_lock_last(lock.parent)
        except (Timeout, OSError):  # it is held, another user's, or gone in the meantime
            continue


def _is_own(folder: Path) -> bool:
    """Whether a folder is this user's alone, so that nobody else can have put a lock there that leads elsewhere."""
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove this user's scratch folders whose makers are gone."""
    for _ in abandoned(parent, prefix):
        continue
