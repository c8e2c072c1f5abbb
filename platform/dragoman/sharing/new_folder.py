"""New folders and files that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dragoman.errors import StoreError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which stands under its own name once that is done; nothing is left of one that failed.

    Raises:
        StoreError: something is there already, or it can't be written.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise StoreError(f"{folder} is no folder: give the name of a new one.")
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty: give the name of a new folder.")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    except OSError as error:
        raise StoreError(f"{folder} can't be written ({error.strerror}): give another place.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_new(path: Path, text: str) -> None:
    """Write a text file in one step.

    Raises:
        StoreError: it can't be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise StoreError(f"{path} can't be written ({error.strerror}): give another place.") from error
    finally:
        partial.unlink(missing_ok=True)
