"""Writing corpora in the layouts they come in."""

import bz2
import gzip
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACKERS = {".gz": gzip.compress, ".zst": zstd.compress, ".bz2": bz2.compress}

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file below the test's folder, packed as its name says; a `.zip` in the path holds what follows it."""

    def write_one(name: str, content: str | bytes) -> Path:
        data = content.encode() if isinstance(content, str) else content
        outer, zipped, inner = name.partition(".zip/")
        path = tmp_path / (f"{outer}.zip" if zipped else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if zipped:
            with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(inner, data)
        else:
            path.write_bytes(PACKERS.get(path.suffix, bytes)(data))
        return path

    return write_one
