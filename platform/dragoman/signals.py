"""Interrupts that are never lost: some libraries swallow the KeyboardInterrupt that reaches them in a callback."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_seen = threading.Event()


@contextmanager
def interruptible(number: signal.Signals) -> Iterator[None]:
    """Have a signal break off what is done in the block, at once or at the next `check`."""
    before = signal.signal(number, _interrupt)
    try:
        yield
    finally:
        signal.signal(number, before)


def check() -> None:
    """Go on, unless this process was interrupted.

    Raises:
        KeyboardInterrupt: it was.
    """
    if _seen.is_set():
        raise KeyboardInterrupt


def _interrupt(*_: object) -> NoReturn:
    _seen.set()
    raise KeyboardInterrupt
