"""Removal of a folder that is held by a lock in it: the lock goes last, so that a half-removed one is recognised."""

import shutil
from contextlib import suppress
from pathlib import Path

LOCK = ".dragoman-lock"
"""Name of the lock's file."""


def remove_with_lock_last(folder: Path) -> None:
    """Remove a folder; whoever is killed meanwhile leaves one with its lock, which the next start removes."""
    with suppress(OSError):
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            elif each.name != LOCK:
                each.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
