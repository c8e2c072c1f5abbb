"""Logging with the grid and cell of each line, as text to read or as JSON, one object a line.

Secrets are masked in both, and in what other libraries log. The level is the setting `log_level`.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from dragoman.control_characters import visible_json, visible_sentence
from dragoman.redaction import masked
from dragoman.redaction.process import mask_output
from dragoman.settings import Settings

LOGGERS = ("dragoman", "dragoman_jobs", "dragoman_registry", "dragoman_ui")
"""Dragoman's loggers; those of other libraries are not configured."""

_ABOUT: ContextVar[dict[str, str]] = ContextVar("about", default={})  # noqa: B039  # replaced, never changed


@contextmanager
def about(**what: str) -> Iterator[None]:
    """Context manager that adds fields, such as the grid and the cell, to every line logged inside."""
    token = _ABOUT.set({**_ABOUT.get(), **what})
    try:
        yield
    finally:
        _ABOUT.reset(token)


def configure(settings: Settings) -> None:
    """Log to stderr in the form of the settings; idempotent."""
    mask_output()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLine() if settings.log == "json" else TextLine())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.setLevel(settings.log_level.upper())
        logger.propagate = False


class JsonLine(logging.Formatter):
    """Formatter of JSON lines: time (UTC), level, logger, message, and fields such as the grid."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **_ABOUT.get(),
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = masked(self.formatException(record.exc_info))
        return visible_json(json.dumps(line, ensure_ascii=False))


class TextLine(logging.Formatter):
    """Formatter of text lines: time, level, message, and in brackets fields such as the grid."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line, without secrets."""
        said = " ".join(f"{name}={value}" for name, value in _ABOUT.get().items())
        return visible_sentence(masked(super().format(record)) + (f" [{said}]" if said else ""))
