"""How it is known that a driver is alive: it says so, under a name by which its own host can look for it."""

import os
import socket
from datetime import timedelta

BEAT_SECONDS = 2.0
"""How often a driver says that it is alive, and asks whether it should stop."""

LOST_AFTER = timedelta(seconds=20)
"""A driver silent for so long is gone."""


def driver_name() -> str:
    """Host and process of this driver."""
    return f"{socket.gethostname()}-{os.getpid()}"


def has_ended_here(driver: str) -> bool:
    """Whether a driver (`driver_name`) was a process of this host and is no more; False for other hosts' drivers."""
    host, _, process = driver.rpartition("-")
    if host != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives, as somebody else's
        return False
    return False
