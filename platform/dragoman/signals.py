"""Signal handling that loses no interrupt: some libraries swallow a KeyboardInterrupt raised in a callback."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_seen = threading.Event()


@contextmanager
def interruptible(number: signal.Signals) -> Iterator[None]:
    """Context manager in which a signal interrupts the block, at once or at the next `check`.

    Signals are the main thread's: in any other it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
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
