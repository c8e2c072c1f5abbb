"""Identity: ids as hashes of canonical JSON, of lines and of files."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

HASH_LENGTH = 32
"""Hexadecimal digits of an id: 128 bits, enough that two things never share one."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces, the same for equal values on every machine.

    pydantic models count with their defaults filled in; sets are sorted.
    """

    def plain(item: Any) -> Any:
        if isinstance(item, BaseModel):
            return item.model_dump(mode="json")
        if isinstance(item, set | frozenset):
            return sorted(item)
        if isinstance(item, Path):
            return str(item)
        raise TypeError(f"{type(item).__name__} has no canonical form")

    return json.dumps(value, default=plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def plain_json(value: Any) -> Any:
    """The value as it will be read back from canonical JSON, so that its hash is the same both ways."""
    return json.loads(canonical_json(value))


def fingerprint(kind: str, version: int, meaning: Mapping[str, Any]) -> str:
    """The id of an object: its kind, the version of this scheme, and the hash of the fields that define it."""
    digest = hashlib.sha256(canonical_json(meaning).encode()).hexdigest()[:HASH_LENGTH]
    return f"{kind}{version}-{digest}"


def hash_lines(lines: Iterable[str]) -> str:
    """The content hash of a sequence of text lines (order and line boundaries count)."""
    digest = hashlib.sha256()
    for line in lines:
        data = line.encode()
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:HASH_LENGTH]


def hash_files(paths: Iterable[Path]) -> str:
    """The content hash of some files, by name and bytes."""
    digest = hashlib.sha256()
    for path in sorted(paths, key=lambda path: path.name):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:HASH_LENGTH]
