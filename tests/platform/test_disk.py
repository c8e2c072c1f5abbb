"""A full disk is told from other faults, whichever library met it."""

import errno
import os
import pickle
from pathlib import Path

import pytest

from dragoman.disk import DiskError, sentence, told_apart
from dragoman.errors import ModelError, StoreError


class SafetensorError(Exception):
    """As safetensors' own, which is no OSError."""


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/models/x")
OF_A_DISK = [
    FULL,
    OSError(errno.EDQUOT, "Disk quota exceeded"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    RuntimeError("write failed: Read-only file system"),
    _caused(ValueError("half of a file"), FULL),
    _caused(StoreError("Blobs can't be written to /data (No space left on device): see that it has room."), FULL),
]
OF_SOMETHING_ELSE = [
    OSError(errno.ENOENT, os.strerror(errno.ENOENT), "/data"),
    SafetensorError("Error while deserializing: header too large (os error 2)"),
    ModelError("no space for device 28"),
]


@pytest.mark.parametrize("error", OF_A_DISK, ids=str)
def test_a_full_disk_is_a_sentence_that_survives_the_way_from_a_worker(error: Exception) -> None:
    with pytest.raises(DiskError) as raised, told_apart():
        raise error
    told = str(pickle.loads(pickle.dumps(raised.value)))
    assert told == (str(error) if isinstance(error, StoreError) else sentence(error))
    assert "room" in told


@pytest.mark.parametrize("error", OF_SOMETHING_ELSE, ids=str)
def test_other_faults_stay_what_they_are(error: Exception) -> None:
    assert sentence(error) is None
    with pytest.raises(type(error)), told_apart():
        raise error


def test_a_file_that_is_too_large_for_its_limit_is_one(tmp_path: Path) -> None:
    """With the system's own error, in a process of its own."""
    import subprocess
    import sys

    code = (
        "import resource, signal, sys; from dragoman.disk import DiskError, told_apart\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    with told_apart(), open(sys.argv[1], 'wb') as file: file.write(bytes(9000))\n"
        "except DiskError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")], capture_output=True, text=True, check=True)
    assert "Nothing more can be written to the disk (File too large)" in done.stdout
