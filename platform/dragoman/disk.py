"""A disk that takes nothing more: told from mistakes, since what was to be written there is not at fault."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from dragoman.errors import DragomanError, first_line

_CODES = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)
"""A disk that is full, over a quota or a limit of file sizes, read-only, or broken."""

_SAID = re.compile("|".join([rf"\(os error ({'|'.join(map(str, _CODES))})\)", *map(os.strerror, _CODES)]))
"""How libraries that raise errors of their own say so: Rust's (safetensors, tokenizers), and those of C."""


class DiskError(DragomanError):
    """A disk that is full, read-only or broken: every other piece of work on that machine would fail as well."""


def sentence(error: BaseException | None) -> str | None:
    """What is wrong with a disk and what to do, if that is what an exception comes of; else None."""
    found, cause = None, error
    while cause is not None and found is None:
        if isinstance(cause, OSError) and cause.errno in _CODES:
            found = _sentence(str(cause.filename or "the disk"), str(cause.strerror))
        elif isinstance(cause, Exception) and _SAID.search(str(cause)):
            found = _sentence("the disk", first_line(cause))
        cause = cause.__cause__ or cause.__context__
    return str(error) if found is not None and isinstance(error, DragomanError) else found


@contextmanager
def told_apart() -> Iterator[None]:
    """Have what comes of a disk raised as that, whichever library noticed.

    Raises:
        DiskError: instead of whatever was raised.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DiskError) or (told := sentence(error)) is None:
            raise
        raise DiskError(told) from error


def _sentence(place: str, reason: str) -> str:
    return (
        f"Nothing more can be written to {place} ({reason}): make room there, or see to its rights, then run the "
        "same command again; what was finished is kept."
    )
