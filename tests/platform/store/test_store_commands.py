"""`dragoman gc`, `export` and `import` as a user types them."""

import json
import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dragoman import settings
from dragoman.cli import store as commands
from dragoman.cli.export import export
from dragoman.cli.main import main
from dragoman.errors import StoreError
from dragoman.store import records
from dragoman.store.maintenance import garbage_collection
from dragoman.store.store import Store


@pytest.fixture
def home(tmp_path, monkeypatch, small_grid):
    """The embedded store of a user, with a small grid of which one cell is translated."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.settings.cache_clear()
    chosen = settings.settings()
    store = Store.open(chosen.store_url, chosen.blobs_url)
    small = small_grid(store).add()
    small.commit(small.cells[0].cell, 30)
    yield small
    store.close()
    settings.settings.cache_clear()


def run(function, *arguments):
    app = typer.Typer()
    app.command()(function)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_gc_lists_and_removes_what_nothing_refers_to(home):
    blobs = home.store.blobs
    used = {blob.address for blob in blobs.stored()}
    orphan = blobs.put_translation([("nobody's", "stop", 1)])
    assert run(commands.gc).stdout == ""  # it is young: its cell may be on its way
    listed = run(commands.gc, "--older-than", "0")
    assert orphan in listed.stdout and "1 blobs" in listed.stderr
    assert {blob.address for blob in blobs.stored()} == {*used, orphan}
    run(commands.gc, "--older-than", "0", "--remove")
    assert {blob.address for blob in blobs.stored()} == used
    assert used


def test_gc_spares_what_is_wanted_again_and_finds_what_a_killed_writer_left(home):
    blobs = home.store.blobs
    orphan = blobs.put_translation([("nobody's", "stop", 1)])
    [path] = [blob.path for blob in blobs.stored() if blob.address == orphan]
    long_ago = time.time() - 100 * 3600
    os.utime(path, (long_ago, long_ago))
    assert orphan in run(commands.gc).stdout
    assert blobs.put_translation([("nobody's", "stop", 1)]) == orphan
    assert run(commands.gc).stdout == ""
    partial = Path(path).with_name(".0123abcd")
    partial.write_text("half")
    os.utime(partial, (long_ago, long_ago))
    assert str(partial) in run(commands.gc).stdout
    [row] = json.loads(run(commands.gc, "--json").stdout)["blobs"]
    assert (row["path"], row["size"]) == (str(partial), 4)


def test_gc_spares_what_was_wanted_or_referred_to_since_it_was_listed(home):
    blobs = home.store.blobs
    wanted, used, orphan = (blobs.put_translation([(text, "stop", 1)]) for text in ("wanted", "used", "nobody's"))
    paths = {blob.address: blob.path for blob in blobs.stored()}
    for address in (wanted, used, orphan):
        os.utime(paths[address], (0, 0))
    listed = garbage_collection.unreferenced(home.store, timedelta(hours=24))
    assert {blob.address for blob in listed} == {wanted, used, orphan}
    blobs.put_translation([("wanted", "stop", 1)])
    translation = {"segments": 1, "tokens": 1, "cut": 0, "engine": "e", "seconds": 1, "worker": "w"}
    cell = home.cells[1].cell.id
    home.store.cells.advance(
        translated=[records.CellOutcome(translation=records.Translation(cell_id=cell, hypotheses=used, **translation))]
    )
    assert [blob.address for blob in garbage_collection.remove(home.store, listed)] == [orphan]
    assert {wanted, used} <= {blob.address for blob in blobs.stored()}


def test_a_grid_goes_out_and_comes_in(home, tmp_path, monkeypatch):
    file = tmp_path / "small.zip"
    assert run(export, "small", file).exit_code == 0
    assert run(export, "small", file, "--overwrite").exit_code == 0
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "another"))
    settings.settings.cache_clear()
    done = run(commands.import_, file, "--name", "copy")
    assert done.exit_code == 0, done
    assert "copy: 36 cells, 1 of them translated" in done.stderr
    there = Store.open_existing(settings.settings().store_url, settings.settings().blobs_url)
    assert len(there.cells.of_grid("copy")) == 36
    there.close()


def test_a_damaged_file_makes_no_store(tmp_path, monkeypatch):
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path / "home"))
    settings.settings.cache_clear()
    (tmp_path / "broken.zip").write_text("nothing of the kind")
    assert isinstance(run(commands.import_, tmp_path / "broken.zip").exception, StoreError)
    assert not (tmp_path / "home").exists()
    settings.settings.cache_clear()


def test_a_mistake_is_one_sentence_and_exit_code_2(home, tmp_path, monkeypatch, capsys):
    file = tmp_path / "small.zip"
    run(export, "small", file)
    file.write_bytes(file.read_bytes()[:-500])
    for arguments, sentence in [
        (["import", file], "can't be imported"),
        (["import", tmp_path / "none.zip"], "There is no file"),
        (["import", file, "--name", "../up"], "is no name for a grid"),
        (["export", "smal", tmp_path / "x.zip"], "did you mean 'small'?"),
        (["export", "small", file], "is there already"),
    ]:
        monkeypatch.setattr(sys, "argv", ["dragoman", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        assert stopped.value.code == 2
        assert sentence in printed.err and printed.err.count("\n") == 1
        assert printed.out == ""
