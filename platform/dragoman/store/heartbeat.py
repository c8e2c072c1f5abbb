"""Heartbeats of drivers: their interval, their timeout, and names by which a host can look for the process."""

import os
import socket
from datetime import timedelta

BEAT_SECONDS = 2.0
"""Interval of a driver's heartbeats, at which it also reads whether it should stop."""

LOST_AFTER = timedelta(seconds=20)
"""Time without a heartbeat after which a driver counts as dead."""


WATCH_SECONDS = 3 * BEAT_SECONDS
"""How long a driver that counts as dead by the clock is watched for a heartbeat before its grid is taken: clocks jump,
and those of two machines differ."""


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
    except OSError:  # it is alive, another user's
        return False
    return False
