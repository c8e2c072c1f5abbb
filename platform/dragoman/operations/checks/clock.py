"""Check of the clock against those of the database and object storage servers."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from sqlalchemy import text

from dragoman.errors import DragomanError
from dragoman.operations.checks.http import ask
from dragoman.operations.finding import Finding, fault, fine
from dragoman.settings import Settings
from dragoman.store.database.connection import Database

PART = "clock"

TOLERANCE = 30
"""Seconds; S3 refuses signatures that are 15 minutes off, and drivers count as dead by their last heartbeat."""


def check(settings: Settings) -> Iterator[Finding]:
    """Compare this machine's clock with each server's."""
    clocks = dict(_clocks(settings))
    off = {name: seconds for name, seconds in clocks.items() if abs(seconds) > TOLERANCE}
    for name, seconds in off.items():
        way = "behind" if seconds > 0 else "ahead of"
        told = f"this machine's is {abs(seconds):.0f} seconds {way} that of {name}"
        yield fault(PART, told, "keep both machines' clocks by NTP (chrony or systemd-timesyncd)")
    if not off:
        yield fine(PART, f"agrees with {', '.join(clocks)}" if clocks else "no other machine to compare with")


def _clocks(settings: Settings) -> Iterator[tuple[str, float]]:
    """Seconds by which each server's clock is ahead of ours."""
    for name, url, path in (("MLflow", settings.mlflow_url, "/health"), ("Ray", settings.ray, "/api/gcs_healthz")):
        if url.startswith(("http://", "https://")) and (date := ask(url.rstrip("/") + path).date):
            yield name, parsedate_to_datetime(date).timestamp() - time.time()
    if not settings.store_url.startswith("sqlite"):
        try:
            with Database(settings.store_url).reading() as connection:
                now = connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one()
        except (DragomanError, ModuleNotFoundError):
            return  # reported by the check of the store
        yield "the results store", float(now) - time.time()
