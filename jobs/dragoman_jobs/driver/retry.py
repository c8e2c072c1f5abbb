"""Retry store calls with exponential backoff while the database is unreachable: a restart must not end a grid's run."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from dragoman import signals
from dragoman.errors import StoreError

SECONDS = 60.0
"""How long a store may be away."""

_FIRST, _MOST = 0.25, 5.0
"""Seconds between the first two tries, and at most."""

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


def with_retries(ask: Callable[[], Result], seconds: float = SECONDS) -> Result:
    """Ask something of the store, again and again while its database can't be used; every question may be repeated.

    Args:
        ask: the question.
        seconds: how long to try.

    Raises:
        StoreError: the database is still away, or answered with a refusal.
        KeyboardInterrupt: this process was interrupted meanwhile.
    """
    deadline, pause = time.monotonic() + seconds, _FIRST
    while True:
        try:
            return ask()
        except StoreError as error:
            # a refusal has no cause: it would be the same again
            if error.__cause__ is None or time.monotonic() + pause > deadline:
                raise
            logger.warning("%s Trying again.", error)
        signals.check()
        time.sleep(pause)
        pause = min(2 * pause, _MOST)
