"""Faults of the machine that no part of the program foresaw end in a sentence."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from dragoman.cli import environment
from dragoman.settings import settings


def _of(code: int, name: str | None = "/home/else/ui.log") -> OSError:
    return OSError(code, os.strerror(code), name)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (_of(errno.EACCES), "This user may not do that with /home/else/ui.log (Permission denied): have the rights"),
        (_of(errno.EPERM), "This user may not do that with /home/else/ui.log"),
        (_of(errno.EMFILE), "raise the limit (`ulimit -n"),
        (_of(errno.ENOSPC), "make room there"),
        (_of(errno.EROFS), "make room there, or see to its rights"),
        (_of(errno.ENOENT), None),
        (_of(errno.EACCES, None), None),
    ],
)
def test_rights_and_limits_are_sentences(error: OSError, told: str | None) -> None:
    found = environment.sentence(error)
    assert found is None if told is None else told in str(found)
    wrapped = RuntimeError("half way")
    wrapped.__cause__ = error
    assert environment.sentence(wrapped) == found


def test_a_damaged_mlflow_behind_values_that_make_no_sense_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dragoman.tracking.mlflow_database  # noqa: F401 (what has not been used is not looked at)

    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE metrics (key, value)")
        database.executemany("INSERT INTO metrics VALUES (?, ?)", [("loss", number) for number in range(1000)])
    database.close()
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    assert environment.sentence(ValueError("no such status")) is None
    data = bytearray(file.read_bytes())
    data[4096:8192] = bytes(4096)
    file.write_bytes(data)
    assert f"MLflow's database {file} is damaged" in str(environment.sentence(ValueError("no such status")))
