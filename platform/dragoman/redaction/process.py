"""Redaction of what a process logs, warns of, and ends with, whichever library it comes from."""

import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any

from dragoman.redaction import masked


def mask_output() -> None:
    """Mask secrets in all log records of this process, in warnings, and in tracebacks of uncaught errors; idempotent.

    Log records are masked when they are made, so that every logger's handlers, files too, have them masked.
    """
    make = logging.getLogRecordFactory()
    if getattr(make, "func", None) is _record:
        return
    logging.setLogRecordFactory(partial(_record, make))
    warnings.formatwarning = partial(_warning, warnings.formatwarning)
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _print_uncaught_of_thread


def _record(make: Callable[..., logging.LogRecord], *what: Any, **named: Any) -> logging.LogRecord:
    """A record without secrets in its message and traceback; its arguments stay apart where that suffices."""
    record = make(*what, **named)
    try:
        message = record.getMessage()
    except Exception:  # arguments that don't fit the message: its handler says so
        return record
    if (shown := masked(message)) != message:
        if isinstance(record.args, tuple):  # formatters of access logs take them one by one
            record.args = tuple(masked(each) if isinstance(each, str) else each for each in record.args)
        if record.getMessage() != shown:
            record.msg, record.args = shown, ()
    if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None:
        text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        if (shown := masked(text)) != text:
            record.exc_text = shown  # formatters take it for what they have formatted before
    return record


def _warning(formatted: Callable[..., str], *what: Any, **named: Any) -> str:
    return masked(formatted(*what, **named))


def _print_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    """Print a traceback as Python does, without secrets."""
    if sys.stderr is not None:
        print(masked("".join(traceback.format_exception(kind, error, trace))), end="", file=sys.stderr)


def _print_uncaught_of_thread(what: threading.ExceptHookArgs) -> None:
    if what.exc_type is not SystemExit:
        thread = what.thread.name if what.thread else threading.get_ident()
        print(f"Exception in thread {thread}:", file=sys.stderr)
        _print_uncaught(what.exc_type, what.exc_value, what.exc_traceback)
