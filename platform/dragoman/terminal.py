"""Standard output and error with encodings other than UTF-8, or with a closed reader."""

import errno
import io
import os
import sys
from pathlib import Path

from dragoman.control_characters import LINES, visible
from dragoman.errors import DragomanError


def write_whatever_comes() -> None:
    """Write characters that a stream's encoding lacks as `?`, instead of failing.

    Processes that are started from here read and write UTF-8, whatever the locale says: what they print goes to files.
    """
    os.environ["PYTHONUTF8"] = "1"
    os.environ.pop("PYTHONIOENCODING", None)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who started this process: the next file that is opened would have its number
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(text: object = "", err: bool = False) -> None:
    """Print lines for people, whatever a name in them holds: control characters are shown as escapes.

    Args:
        text: the lines, without the end of the last one.
        err: whether to standard error.
    """
    print(visible(str(text), LINES), file=sys.stderr if err else sys.stdout, flush=True)


def write_exact(text: str) -> None:
    """Write text that programs read, as it is; where a terminal reads it, control characters are shown as escapes."""
    sys.stdout.write(visible(text, LINES) if sys.stdout.isatty() else text)


def writes_unicode() -> bool:
    """Whether standard output can hold every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().startswith("utf")


def hang_up() -> None:
    """Flush what is still buffered; a closed pipe is ignored, and after an error nothing more is written.

    Raises:
        DragomanError: standard output can't be written, for another reason than that nobody reads it.
    """
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except OSError as error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
            if error.errno != errno.EPIPE and stream is sys.stdout:
                raise DragomanError(f"Standard output can't be written ({error.strerror}): its end is lost.") from error
