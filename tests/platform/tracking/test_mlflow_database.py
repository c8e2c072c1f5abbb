"""MLflow's database killed in its first migration, half-migrated, locked, damaged: whole afterwards, or a sentence."""

import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dragoman.tracking import mlflow_database, mlflow_schema, prepared_database
from dragoman.tracking.background import BackgroundTracker
from dragoman.tracking.mlflow_database import TrackingError, prepare, require_whole, sentence
from dragoman.tracking.mlflow_schema import State, head_revision, state

_KILLED = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine

file, statement, whose = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen = 0

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global seen
    seen += 1
    if seen == statement:
        os.kill(os.getpid(), signal.SIGKILL)

if whose == "mlflow":
    from mlflow.store.db import utils
    utils._initialize_tables(utils.create_sqlalchemy_engine("sqlite:///" + file))
else:
    from dragoman.tracking import mlflow_database
    mlflow_database.make = lambda file, head: False  # the script is of another version
    mlflow_database.prepare("sqlite:///" + file)
"""
"""A process that ends at one of the 1,668 statements that make MLflow's tables."""


def _kill(file: Path, statement: int, whose: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(file), str(statement), whose], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that MLflow has made and used."""
    from mlflow import MlflowClient

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    prepare(f"sqlite:///{file}")
    client = MlflowClient(f"sqlite:///{file}")
    client.create_run(client.create_experiment("mine"))
    return file


@pytest.fixture
def used(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "mlflow.db"))


def _experiments(file: Path) -> list[str]:
    """What MLflow itself reads there."""
    from mlflow import MlflowClient

    return sorted(each.name for each in MlflowClient(f"sqlite:///{file}").search_experiments())


def _change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def test_the_head_is_the_one_that_mlflow_names() -> None:
    from mlflow.store.db import utils

    database: Any = utils
    assert head_revision() == database._get_latest_schema_revision()


def test_the_script_of_the_empty_database_is_what_the_migrations_leave(tmp_path: Path) -> None:
    """Written anew by this file as a program, where another MLflow is pinned."""
    made, migrated = tmp_path / "made.db", tmp_path / "migrated.db"
    mlflow_database._migrate(migrated)
    assert prepared_database.make(made, head_revision())
    assert _statements(made) == _statements(migrated)


def test_a_script_of_another_version_makes_nothing(tmp_path: Path) -> None:
    assert not prepared_database.make(tmp_path / "none.db", "another")
    assert list(tmp_path.iterdir()) == []


def _statements(file: Path) -> list[list[str]]:
    """The statements that make a database; of each its lines sorted, since constraints come in any order."""
    statements = prepared_database.script(file, head_revision())
    return sorted(sorted(line.strip(", ") for line in statement.splitlines()) for statement in statements)


def test_a_process_killed_while_it_makes_the_database_leaves_none(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    _kill(file, 700, "dragoman")
    assert not file.exists()
    assert (tmp_path / "mlflow.db.new").exists()
    prepare(f"sqlite:///{file}")
    assert {each.name for each in tmp_path.iterdir()} == {"mlflow.db", "mlflow.db-making"}
    assert _experiments(file) == ["Default"]


@pytest.mark.parametrize("statement", [40, 333, 1660])
def test_a_database_that_mlflow_left_half_made_is_made_anew(
    tmp_path: Path, statement: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(mlflow_database, "QUIET_SECONDS", 0.1)
    file = tmp_path / "mlflow.db"
    _kill(file, statement, "mlflow")
    assert state(file, head_revision()) is State.HALF_MADE
    with caplog.at_level(logging.WARNING):
        prepare(f"sqlite:///{file}")
    assert state(file, head_revision()) is State.CURRENT
    assert "half-made" in caplog.text
    assert _experiments(file) == ["Default"]


def test_an_older_database_is_migrated_with_what_it_holds_or_stays_as_it_was(
    tmp_path: Path, used: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = next(version for version, before in mlflow_schema.schema_versions().items() if version == head_revision())
    before = mlflow_schema.schema_versions()[last]
    _change(used, f"UPDATE alembic_version SET version_num = '{before}'")
    bytes_before = used.read_bytes()

    def killed(file: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_database, "_migrate", killed)
        with pytest.raises(KeyboardInterrupt):
            prepare(f"sqlite:///{used}")
    assert used.read_bytes() == bytes_before

    def migrate(file: Path) -> None:
        _change(file, f"UPDATE alembic_version SET version_num = '{last}'")

    monkeypatch.setattr(mlflow_database, "_migrate", migrate)
    prepare(f"sqlite:///{used}")
    assert _experiments(used) == ["Default", "mine"]


def test_a_database_that_lost_its_version_gets_it_back(used: Path) -> None:
    _change(used, "DELETE FROM alembic_version")
    prepare(f"sqlite:///{used}")
    assert _experiments(used) == ["Default", "mine"]


_HALF_MIGRATED = ("UPDATE alembic_version SET version_num = 'acf3f17fdcc7'",)
"""An old version over new tables: the next migration finds what it is to make."""


def test_a_half_migrated_database_is_kept_beside_a_new_one(used: Path, caplog: pytest.LogCaptureFixture) -> None:
    _change(used, *_HALF_MIGRATED)
    prepare(f"sqlite:///{used}")
    (kept,) = used.parent.glob("mlflow.db.unusable-*")
    assert str(kept) in caplog.text
    assert "`dragoman resume GRID`" in caplog.text
    with closing(sqlite3.connect(kept)) as database:
        assert ("mine",) in database.execute("SELECT name FROM experiments").fetchall()
    assert _experiments(used) == ["Default"]


def test_one_with_registered_models_is_left_to_its_owner(used: Path) -> None:
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{used}").create_registered_model("translator")
    _change(used, *_HALF_MIGRATED)
    before = used.read_bytes()
    with pytest.raises(TrackingError, match="holds registered models: restore it from a backup"):
        prepare(f"sqlite:///{used}")
    assert used.read_bytes() == before
    assert {each.name for each in used.parent.iterdir()} == {"mlflow.db", "mlflow.db-making"}


def test_one_of_a_newer_mlflow_and_one_that_is_damaged_are_sentences(used: Path) -> None:
    _change(used, "UPDATE alembic_version SET version_num = 'ffffffffffff'")
    with pytest.raises(TrackingError, match="install the MLflow that wrote it"):
        prepare(f"sqlite:///{used}")
    data = bytearray(used.read_bytes())
    data[0:4096] = os.urandom(4096)
    used.write_bytes(bytes(data))
    with pytest.raises(TrackingError, match="is damaged"):
        prepare(f"sqlite:///{used}")


def test_two_processes_that_need_it_at_once_make_it_once(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    failures: list[BaseException] = []

    def make() -> None:
        try:
            prepare(f"sqlite:///{file}")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert _experiments(file) == ["Default"]


def test_a_full_disk_while_it_is_made_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mlflow_database, "_flush", full)
    with pytest.raises(TrackingError, match=r"No space left on device.*has room"):
        prepare(f"sqlite:///{tmp_path}/mlflow.db")
    assert {each.name for each in tmp_path.iterdir()} == {"mlflow.db-making"}


def _zero_page_of(file: Path, table: str) -> None:
    """Zero the page at which a table begins."""
    with closing(sqlite3.connect(file)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    data = bytearray(file.read_bytes())
    data[(page - 1) * size : page * size] = bytes(size)
    file.write_bytes(data)


def test_a_damaged_page_that_opening_does_not_read_is_found_before_a_grid_is_written(used: Path) -> None:
    url = f"sqlite:///{used}"
    require_whole(url)
    _zero_page_of(used, "metrics")
    prepare(url)
    with pytest.raises(TrackingError, match=r"is damaged \(metrics: .*move it away and `dragoman resume` each grid"):
        require_whole(url)


@pytest.mark.parametrize("nonsense", [False, True])
def test_a_page_damaged_meanwhile_is_one_sentence_with_a_way_on(
    used: Path, nonsense: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.setattr("dragoman.tracking.background._PAUSES", (0.01, 0.01))
    url = f"sqlite:///{used}"
    (run,) = MlflowClient(url).search_runs([MlflowClient(url).get_experiment_by_name("mine").experiment_id])
    tried = []

    def write(_: Any) -> None:
        tried.append(1)
        if nonsense:
            raise ValueError("'\\x00' is no valid RunStatus")
        MlflowClient(url).log_metric(run.info.run_id, "loss", 1.0)

    tracker = BackgroundTracker(lambda: object(), url)  # type: ignore[arg-type,return-value]
    _zero_page_of(used, "metrics")
    for _ in range(3):
        tracker.tell(write)
    told, remedy = tracker.close()
    assert "is damaged" in told
    assert "move it away and `dragoman resume` each grid" in told
    assert "the next `dragoman resume` of the grid writes it once that is mended" in remedy
    assert len(tried) == 3, "nothing more is written to it"
    assert tracker.unwritten == 3


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (sqlite3.SQLITE_FULL, "see that its disk has room"),
        (sqlite3.SQLITE_IOERR | 3 << 8, "see that its disk has room"),
        (sqlite3.SQLITE_READONLY, "may be written to"),
        (sqlite3.SQLITE_NOTADB, "restore it from a backup"),
        (sqlite3.SQLITE_CONSTRAINT, None),
    ],
)
def test_what_mlflow_makes_of_a_fault_of_the_file_is_a_sentence(code: int, told: str | None) -> None:
    from mlflow.exceptions import MlflowException

    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    try:
        raise MlflowException("wrapped") from error
    except MlflowException as wrapped:
        found = sentence(wrapped, "sqlite:////home/mlflow.db")
    assert found is None if told is None else told in str(found)
    assert sentence(error, "https://mlflow.example.org") is None


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        migrated = Path(folder) / "mlflow.db"
        mlflow_database._migrate(migrated)
        lines = prepared_database.script(migrated, head_revision())
        prepared_database.SCRIPT.write_text("\n".join(lines) + "\n")
