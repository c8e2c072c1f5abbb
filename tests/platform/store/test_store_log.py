"""SQLite's write-ahead log of a store: what of it SQLite does not read, whose it is, and a log that is gone."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from dragoman.errors import StoreUnusableError
from dragoman.operations.checks import store as store_check
from dragoman.operations.finding import State
from dragoman.settings import Settings
from dragoman.store.database import sqlite_file, write_ahead_log
from dragoman.store.database.connection import Database
from dragoman.store.store import Store

COMMITS = 40
HEADER, FRAME = 32, 24 + 4096


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    """As in a new process."""
    sqlite_file._CHECKED.clear()
    yield
    sqlite_file._CHECKED.clear()


def _row(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO language (tag, script) VALUES (?, 'Latn')", (f"x{number}" + 900 * "y",))


def killed(folder: Path, change: Callable[[sqlite3.Connection, int], None] = _row) -> Path:
    """A store as a kill leaves it: the last 40 commits are in its log alone."""
    folder.mkdir(parents=True)
    Store.open(f"sqlite:///{folder}/made.db", "memory://").close()
    with closing(sqlite3.connect(folder / "made.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(10):
            _row(connection, -number - 1)
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        for number in range(COMMITS):
            change(connection, number)
        for ending in ("", "-wal", "-shm"):
            shutil.copy(folder / f"made.db{ending}", folder / f"store.db{ending}")
    return folder / "store.db"


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _rows(file: Path) -> int:
    store = Store.open_existing(f"sqlite:///{file}", "memory://")
    with store.database.reading() as reading:
        found = reading.exec_driver_sql("SELECT count(*) FROM language WHERE tag LIKE 'x%'").scalar()
    store.close()
    assert isinstance(found, int)
    return found


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def test_a_log_is_read_as_sqlite_reads_it(tmp_path: Path) -> None:
    """Held to SQLite itself: as many commits are read as it finds, wherever a bit is flipped."""
    file = killed(tmp_path / "a")
    log, whole = _log(file).read_bytes(), write_ahead_log.read(_log(file))
    assert whole.damage is None
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
        assert (whole.pages,) == store.execute("PRAGMA page_count").fetchone()
        assert (whole.number,) == store.execute("PRAGMA user_version").fetchone()
    chance = random.Random(7)
    for number in range(8):
        copy = tmp_path / f"{number}" / "store.db"
        copy.parent.mkdir()
        shutil.copy(file, copy)
        place = chance.randrange(HEADER, len(log) // 2)
        damaged = bytearray(log)
        damaged[place] ^= 1 << chance.randrange(8)
        _log(copy).write_bytes(damaged)
        damage = str(write_ahead_log.read(_log(copy)).damage)
        with closing(sqlite3.connect(copy)) as store:
            found = store.execute("SELECT count(*) FROM language WHERE tag LIKE 'x%'").fetchone()[0]
        assert found < 10 + COMMITS
        # where the damage is to what the next frame's checksum goes on from, that one is not counted
        lost = int(damage.split("and ")[1].split()[0])
        assert 10 + COMMITS - found - lost in (0, 1, 2), damage


def test_a_damaged_log_is_said_and_kept_and_the_store_goes_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = killed(tmp_path / "a")
    _flip(_log(file), HEADER + 20 * FRAME + 1000)
    damaged = _log(file).read_bytes()
    assert 0 < _rows(file) < 10 + COMMITS
    assert "is damaged (frame 21, and " in caplog.text
    assert "dragoman resume GRID" in caplog.text
    (kept,) = file.parent.glob("store.db-wal.damaged-*")
    assert kept.read_bytes() == damaged


def test_a_log_without_its_header_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = killed(tmp_path / "a")
    _flip(_log(file), 17)
    assert _rows(file) == 10
    assert "its header, without which SQLite reads nothing of it" in caplog.text


@pytest.mark.parametrize("cut", [HEADER + 10 * FRAME, HEADER + 10 * FRAME + 700, HEADER])
def test_a_log_that_ends_early_is_that_of_a_killed_writer(
    tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    file = killed(tmp_path / "a")
    with _log(file).open("r+b") as log:
        log.truncate(cut)
    _rows(file)
    assert caplog.text == ""


def test_the_log_of_another_store_is_told_without_the_first_page(tmp_path: Path) -> None:
    """What only changes rows does not write the first page, where the store's number is."""

    def change(connection: sqlite3.Connection, number: int) -> None:
        connection.execute(f"UPDATE language SET script = 'S{number}' WHERE tag LIKE 'x%'")

    ours, theirs = killed(tmp_path / "a", change), killed(tmp_path / "b", change)
    assert write_ahead_log.read(_log(theirs)).number is None
    assert _rows(ours) == 10, "its own is its own"
    with closing(sqlite3.connect(ours)) as store:
        for number in range(100, 160):
            _row(store, number)
        store.commit()
    shutil.copy(_log(theirs), _log(ours))
    before = ours.read_bytes()
    sqlite_file._CHECKED.clear()
    with pytest.raises(StoreUnusableError, match="is of another store"):
        _rows(ours)
    assert ours.read_bytes() == before


def test_a_log_that_was_deleted_beside_its_index_is_missed(tmp_path: Path) -> None:
    file = killed(tmp_path / "a")
    _log(file).unlink()
    with pytest.raises(StoreUnusableError, match=r"is gone: store\.db-shm, SQLite's index of it"):
        _rows(file)
    file.with_name("store.db-shm").unlink()
    assert _rows(file) == 10


@pytest.mark.parametrize("index", [bytes(32768), random.Random(3).randbytes(32768)], ids=["zeros", "noise"])
def test_an_index_that_was_left_over_or_is_garbage_is_made_anew(tmp_path: Path, index: bytes) -> None:
    file = killed(tmp_path / "a")
    file.with_name("store.db-shm").write_bytes(index)
    assert _rows(file) == 10 + COMMITS


def _doctor(file: Path) -> str:
    findings = list(store_check.check(Settings(home=file.parent)))
    return str([each for each in findings if each.state is State.FAULT])


def _files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if not each.name.endswith("-shm")}


@pytest.mark.parametrize("harm", ["none", "frame", "no log"])
def test_the_doctor_leaves_store_and_log_as_they_are(tmp_path: Path, harm: str) -> None:
    file = killed(tmp_path / "a")
    if harm == "frame":
        _flip(_log(file), HEADER + 20 * FRAME + 1000)
    if harm == "no log":
        _log(file).unlink()
        file.with_name("store.db-shm").unlink()
    before = _files(file.parent)
    assert ("frame 21" in _doctor(file)) is (harm == "frame")
    assert _files(file.parent) == before


def test_a_store_that_is_only_read_follows_its_writer(tmp_path: Path) -> None:
    """Without a log it is read as it lies there: a writer that comes meanwhile is noticed."""
    file = killed(tmp_path / "a")
    assert _rows(file) == 10 + COMMITS  # which moves the log into the file
    reader = Database(f"sqlite:///{file}", reads_only=True)
    count = "SELECT count(*) FROM language WHERE tag LIKE 'x%'"
    with reader.reading() as reading:
        assert reading.exec_driver_sql(count).scalar() == 10 + COMMITS
    with closing(sqlite3.connect(file)) as writer, writer:
        _row(writer, 500)
        with pytest.raises(StoreUnusableError, match="was written to while it was read"), reader.reading() as reading:
            assert reading.exec_driver_sql(count).scalar() == 10 + COMMITS
            writer.commit()
    with reader.reading() as reading:
        assert reading.exec_driver_sql(count).scalar() == 11 + COMMITS
    reader.engine.dispose()
