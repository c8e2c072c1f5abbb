"""Partition tables kept in the home's cache, as their intervals take long: a new process finds them again.

A table is kept with the version of what it was computed from, and computed anew where that is another. A cache that
can't be read or written is none.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter, ValidationError

from dragoman.analysis.partition_table import PartitionRow
from dragoman.settings import settings
from dragoman.version import __version__

LONG = 0.3
"""Seconds of computing from which a table is kept."""

_ROWS = TypeAdapter(tuple[PartitionRow, ...])


def kept_table(asked: str, moment: str, compute: Callable[[], Sequence[PartitionRow]]) -> tuple[PartitionRow, ...]:
    """A partition table from the cache, or computed and kept.

    Args:
        asked: what it is of: the store, the question and the model.
        moment: the version of the cells and scores that it is computed from.
        compute: computes it.
    """
    path = settings().cache_dir / "partition-tables" / f"{sha256(asked.encode()).hexdigest()[:32]}.json"
    version = sha256(f"{__version__} {moment}".encode()).hexdigest()
    if (found := _read(path, version)) is not None:
        return found
    began = time.perf_counter()
    rows = tuple(compute())
    if time.perf_counter() - began >= LONG:
        _write(path, version, rows)
    return rows


def _read(path: Path, version: str) -> tuple[PartitionRow, ...] | None:
    with suppress(OSError, ValueError, ValidationError):
        content = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(content, dict) and content.get("version") == version:
            return _ROWS.validate_python(content["rows"])
    return None


def _write(path: Path, version: str, rows: Sequence[PartitionRow]) -> None:
    """Write a table, all or nothing, into a home that is there."""
    if not settings().home.is_dir():
        return
    content = {"version": version, "rows": [row.model_dump(mode="json") for row in rows]}
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            json.dump(content, file)
        Path(file.name).replace(path)
