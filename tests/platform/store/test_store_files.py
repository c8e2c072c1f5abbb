"""A store's files on disk: without their log, beside another's, with damaged pages, on a full or read-only disk."""

import errno
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dragoman.cli import environment
from dragoman.cli.main import build_app
from dragoman.errors import DragomanError, StoreError, StoreUnusableError
from dragoman.operations.checks import pages
from dragoman.operations.checks import store as store_check
from dragoman.operations.finding import State
from dragoman.pair import Pair
from dragoman.partition import TrainingGraph
from dragoman.settings import settings
from dragoman.store import migrations
from dragoman.store.database import connection, sqlite_file
from dragoman.store.maintenance import integrity
from dragoman.store.store import Store

PAGE = 4096
LANGUAGES = ("en", "de", "fr", "es")
PAIRS = [Pair(source, target) for source in LANGUAGES for target in LANGUAGES if source != target]


@pytest.fixture(autouse=True)
def _looked_at_anew() -> Iterator[None]:
    """As in a new process."""
    sqlite_file._CHECKED.clear()
    yield
    sqlite_file._CHECKED.clear()


@pytest.fixture
def filled(campaign: Any) -> Path:
    """A store of a grid with its connections closed."""
    campaign.fill({"base": TrainingGraph(), "tuned": TrainingGraph.of(PAIRS[:3])}, PAIRS)
    campaign.store.close()
    sqlite_file._CHECKED.clear()
    return settings().home / "store.db"


def _open(file: Path) -> Store:
    return Store.open_existing(f"sqlite:///{file}", "memory://")


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def test_the_file_of_a_store_is_never_without_its_tables(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db", "memory://")
    with store.database.reading() as open_still:
        assert open_still.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        alone = shutil.copy(tmp_path / "store.db", tmp_path / "alone.db")
    with closing(sqlite3.connect(alone)) as copy:
        assert copy.execute(f"SELECT version_num FROM {migrations.TABLE}").fetchone() == (migrations.HEAD,)
        assert copy.execute("PRAGMA application_id").fetchone() == (sqlite_file.APPLICATION_ID,)
        assert copy.execute("PRAGMA user_version").fetchone() != (0,)
    store.close()


def test_a_checkpoint_has_the_file_hold_what_the_log_does(campaign: Any, tmp_path: Path) -> None:
    file = settings().home / "store.db"
    campaign.fill({"base": TrainingGraph()}, PAIRS)
    assert _log(file).stat().st_size > 0
    campaign.store.database.checkpoint()  # its own connections are open still
    alone = Path(shutil.copy(file, tmp_path / "alone.db"))
    assert [grid.name for grid in _open(alone).grids.all()] == ["g"]


def test_a_process_that_ends_leaves_no_log(tmp_path: Path) -> None:
    program = (
        "from dragoman.store.store import Store\n"
        f"store = Store.open('sqlite:///{tmp_path}/store.db', 'memory://')\n"
        "with store.database.writing() as connection:\n"
        "    connection.exec_driver_sql(\"INSERT INTO language (tag, script) VALUES ('en', 'Latn')\")\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert not _log(tmp_path / "store.db").exists()
    with closing(sqlite3.connect(tmp_path / "store.db")) as store:
        assert store.execute("SELECT tag FROM language").fetchall() == [("en",)]


def _without_log(file: Path) -> bytes:
    """What an earlier version left of a small store whose log was not copied."""
    with closing(sqlite3.connect(file)) as store:
        store.execute("PRAGMA journal_mode = WAL")
    return file.read_bytes()


def test_a_store_copied_without_its_log_is_not_taken_for_none(tmp_path: Path) -> None:
    before = _without_log(tmp_path / "store.db")
    for ask in (_open, lambda file: Store.open(f"sqlite:///{file}", "memory://")):
        sqlite_file._CHECKED.clear()
        with pytest.raises(StoreUnusableError, match=r"was in its log store\.db-wal, which is not there"):
            ask(tmp_path / "store.db")
    assert (tmp_path / "store.db").read_bytes() == before


def test_a_log_without_its_store_is_kept(tmp_path: Path) -> None:
    _log(tmp_path / "store.db").write_bytes(b"x" * 5000)
    for ask in (_open, lambda file: Store.open(f"sqlite:///{file}", "memory://")):
        sqlite_file._CHECKED.clear()
        with pytest.raises(StoreUnusableError, match="lies there without its store"):
            ask(tmp_path / "store.db")
    assert _log(tmp_path / "store.db").read_bytes() == b"x" * 5000


def test_the_log_of_another_home_is_not_applied(filled: Path, tmp_path: Path) -> None:
    other = Store.open(f"sqlite:///{tmp_path}/other.db", "memory://")
    with other.database.writing() as writing:  # enough for the file to grow
        for number in range(400):
            row = (f"x{number}" + 200 * "y", "Latn")
            writing.exec_driver_sql("INSERT INTO language (tag, script) VALUES (?, ?)", row)
    shutil.copy(_log(tmp_path / "other.db"), _log(filled))
    other.close()
    before = (filled.read_bytes(), _log(filled).read_bytes())
    with pytest.raises(StoreUnusableError, match=r"is of another store than .*store\.db"):
        _open(filled)
    assert (filled.read_bytes(), _log(filled).read_bytes()) == before
    _log(filled).unlink()
    assert [grid.name for grid in _open(filled).grids.all()] == ["g"]


def test_its_own_log_is_its_own(campaign: Any, tmp_path: Path) -> None:
    """As after a kill: the log is beside the file, and holds most of it."""
    campaign.fill({"base": TrainingGraph()}, PAIRS)
    (tmp_path / "copy").mkdir()
    for each in settings().home.glob("store.db*"):
        shutil.copy(each, tmp_path / "copy")
    assert [grid.name for grid in _open(tmp_path / "copy" / "store.db").grids.all()] == ["g"]


def _faults() -> str:
    return str([each for each in store_check.check(settings()) if each.state is State.FAULT])


def test_the_doctor_looks_at_every_page(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "every page and index" in str(list(store_check.check(settings())))
    monkeypatch.setattr(pages, "SECONDS", 0.0)
    monkeypatch.setattr(integrity, "_STEPS", 1)
    last = list(store_check.check(settings()))[-1]
    assert last.state is State.WARNING
    assert "was not all read" in last.what


def test_damage_in_an_index_alone_is_told_from_damage_in_a_table(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as store:
        roots = dict(store.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0"))
        index = next(name for name in roots if "autoindex_model_" in name)
    good = filled.read_bytes()
    for name, harm, said in (
        (index, 4, "REINDEX"),
        (index, PAGE, "dragoman restore"),
        ("model", PAGE, "dragoman restore"),
    ):
        data = bytearray(good)
        end = roots[name] * PAGE
        data[end - harm : end] = bytes(byte ^ 0xFF for byte in data[end - harm : end])
        filled.write_bytes(bytes(data))
        found = _faults()
        assert said in found
        assert "model: " in found
        # a page that can't be read at all may be anything's
        assert ("and no table" in found) is (harm == 4)


def test_a_store_that_was_cut_to_nothing_is_not_taken_for_none(filled: Path, caplog: pytest.LogCaptureFixture) -> None:
    filled.write_bytes(b"")
    with pytest.raises(StoreError, match=r"is empty: restore a backup .* if it held grids"):
        _open(filled)
    assert filled.read_bytes() == b""
    assert "is empty" in str(list(store_check.check(settings())))
    Store.open(settings().store_url, "memory://").close()
    assert "is empty, and is made anew" in caplog.text


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: random.Random(1).randbytes(len(data)),
        lambda data: b"<html>not found</html>" * 300,
        lambda data: data[:100],
        lambda data: data[:300],
        lambda data: data[:5000],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-PAGE],
    ],
    ids=["noise", "text", "header", "start", "page", "half", "last page"],
)
def test_garbage_and_a_store_that_was_cut_are_sentences_and_stay_as_they_are(
    filled: Path, harm: Callable[[bytes], bytes]
) -> None:
    broken = harm(filled.read_bytes())
    filled.write_bytes(broken)
    for ask in (_open, lambda file: Store.open(f"sqlite:///{file}", "memory://")):
        with pytest.raises(StoreUnusableError, match=r"dragoman restore"):
            ask(filled)
    assert _faults()
    assert filled.read_bytes() == broken


@pytest.mark.parametrize("value", ['{"name": "g', "\xff", "{}"], ids=["JSON", "text", "record"])
def test_a_value_that_can_not_be_read_is_a_sentence(filled: Path, value: str) -> None:
    """A flipped bit in a page that is well-formed otherwise."""
    with closing(sqlite3.connect(filled)) as store, store:
        store.execute("UPDATE grid SET spec = CAST(? AS TEXT)", (value.encode("latin-1"),))
    for command in (["results", "g"], ["status", "g"], ["resume", "g"]):
        error = CliRunner().invoke(build_app(), command).exception
        assert error is None or isinstance(error, SystemExit | DragomanError) or environment.sentence(error), error
    assert isinstance(error, Exception)


@pytest.mark.parametrize("harm", ["inverted", "bits"])
def test_a_damaged_page_is_a_sentence_or_does_no_harm(filled: Path, harm: str) -> None:
    good, chance, told = filled.read_bytes(), random.Random(5), 0
    for page in range(0, len(good) // PAGE, 4):
        data = bytearray(good)
        for place in range(PAGE) if harm == "inverted" else chance.sample(range(100, PAGE), 40):
            data[page * PAGE + place] ^= 0xFF if harm == "inverted" else 1 << chance.randrange(8)
        for each in filled.parent.glob("store.db*"):
            each.unlink()
        filled.write_bytes(bytes(data))
        for command in (["results", "g"], ["status", "g"]):
            error = CliRunner().invoke(build_app(), command).exception
            if error is None or isinstance(error, SystemExit):
                continue
            assert isinstance(error, Exception)
            assert isinstance(error, DragomanError) or environment.sentence(error)
            told += 1
    assert told > 0


def test_values_that_make_no_sense_are_a_mistake_of_the_program_where_the_store_is_whole(filled: Path) -> None:
    assert filled.exists()
    assert environment.sentence(KeyError("lone")) is None


@pytest.mark.parametrize("number", ["ENOSPC", "EDQUOT", "EFBIG", "EROFS"])
def test_a_disk_that_takes_no_more_is_a_sentence(number: str) -> None:
    code = getattr(errno, number)
    try:
        try:
            raise OSError(code, os.strerror(code), "/data/backup/store.sqlite")
        except OSError as error:
            raise RuntimeError("a library's own") from error
    except RuntimeError as error:
        told = str(environment.sentence(error))
    assert told.startswith("Nothing more can be written to /data/backup/store.sqlite (")
    assert told.endswith("what was finished is kept.")


def test_a_store_that_can_not_grow_is_a_sentence_and_goes_on_once_it_can(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from dragoman.errors import StoreUnusableError\n"
        "from dragoman.store.store import Store\n"
        f"store = Store.open('sqlite:///{tmp_path}/store.db', 'memory://')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))\n"
        "written = 0\n"
        "try:\n"
        "    while True:\n"
        "        with store.database.writing() as connection:\n"
        "            row = (f'{written}' + 50_000 * 'y', 'Latn')\n"
        "            connection.exec_driver_sql('INSERT INTO language (tag, script) VALUES (?, ?)', row)\n"
        "        written += 1\n"
        "except StoreUnusableError as error:\n"
        "    print(written, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    written, _, told = done.stdout.partition(" ")
    assert int(written) > 0
    assert told.startswith("The store sqlite:///")
    assert "Traceback" not in done.stderr
    store = _open(tmp_path / "store.db")
    with store.database.reading() as reading:
        assert reading.exec_driver_sql("SELECT count(*) FROM language").scalar() == int(written)
    store.close()


def test_a_store_on_a_read_only_disk_is_read(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a mounted backup: no log is made beside it."""
    monkeypatch.setattr(connection.os, "access", lambda path, mode: mode != os.W_OK)
    before = {each.name for each in filled.parent.iterdir()}
    with Store.open_snapshot(settings().store_url, "memory://") as store:
        assert [grid.name for grid in store.grids.all()] == ["g"]
        assert {each.name for each in filled.parent.iterdir()} == before
