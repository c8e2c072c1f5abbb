"""A folder that appears whole or not at all, made once however many processes want it."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

_PARTIAL = ".partial"


def make_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder, made if it is not there: under another name first, then renamed.

    A process that is killed leaves nothing under the folder's own name, and what it leaves beside it goes with the
    next attempt. Processes that want the same folder at once wait for the first of them.

    Args:
        folder: where the result shall stand; its parents are made.
        make: fills the empty folder it is given; if it raises, nothing is left behind.
    """
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{folder.name}.lock")
    with FileLock(lock):  # the system's, so it dies with its process
        if not folder.exists():
            _make(folder, make)
        # safe only now: whoever still waits for this file, or makes a new one, will find the folder there
        lock.unlink(missing_ok=True)
    return folder


def remove_partial(parent: Path) -> None:
    """Remove what killed processes left half made below a folder; what somebody is making stays."""
    for partial in parent.rglob(f".*{_PARTIAL}"):
        lock = partial.with_name(f"{partial.name.removesuffix(_PARTIAL)}.lock")
        with suppress(Timeout, OSError), FileLock(lock, timeout=0):
            shutil.rmtree(partial, ignore_errors=True)


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    partial = folder.with_name(f".{folder.name}{_PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        make(partial)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
