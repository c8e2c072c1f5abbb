"""Cache of the digests of large local files, so that planning hashes each of them once."""

import hashlib
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from dragoman.settings import settings

SETTLED = 2.0
"""Seconds since its last change after which a file's digest is kept: within one tick of a file system's clock it could
change again without a sign."""

Stamp = list[int]
"""Size, modification time, change time and inode of a file: a file that is written to gets another one."""


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's whole content, read only if the file has changed since the last call.

    Raises:
        OSError: the file can't be read.
    """
    stamp = _stamp(path)
    place = settings().cache_dir / "digests" / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        known = json.loads(place.read_text(encoding="utf-8"))
        if known["path"] == str(path) and known["stamp"] == stamp:
            return str(known["sha256"])
    with path.open("rb") as file:
        digest = stream_digest(file)
    if _stamp(path) == stamp and time.time() - max(stamp[1], stamp[2]) / 1e9 > SETTLED:
        with suppress(OSError):  # where nothing can be kept, it is read again
            place.parent.mkdir(parents=True, exist_ok=True)
            new = place.with_name(f".{place.name}-{uuid4().hex}")
            new.write_text(json.dumps({"path": str(path), "stamp": stamp, "sha256": digest}), encoding="utf-8")
            new.replace(place)
    return digest


def stream_digest(file: BinaryIO) -> str:
    """The SHA-256 of a stream, to its end."""
    digest = hashlib.sha256()
    while block := file.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
