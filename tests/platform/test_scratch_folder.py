"""Scratch folders go with their makers, however those end."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dragoman.errors import DragomanError
from dragoman.scratch_folder import (
    PREFIX,
    ScratchFolder,
    abandoned,
    remove_abandoned,
    temporary_files,
    temporary_folder,
)

_HOLD = """
import sys, time
from pathlib import Path
from dragoman.scratch_folder import ScratchFolder
folder = ScratchFolder(Path(sys.argv[1]), "dr-")
(folder.path / "file").write_text("half of it")
print(folder.path, flush=True)
time.sleep(600)
"""


def test_a_folder_is_its_users_alone_and_goes_with_its_block(tmp_path: Path) -> None:
    with ScratchFolder(tmp_path, PREFIX) as folder:
        assert folder.path.parent == tmp_path
        assert folder.path.stat().st_mode & 0o777 == 0o700
        (folder.path / "file").write_text("half of it")
        assert list(abandoned(tmp_path, PREFIX)) == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    makers = [
        subprocess.Popen([sys.executable, "-c", _HOLD, str(tmp_path)], text=True, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        living, killed = (Path(maker.stdout.readline().strip()) for maker in makers if maker.stdout)
        (tmp_path / "dr-of-another").mkdir()  # another program's: it has no lock in it
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "dr-link").symlink_to(living)
        (tmp_path / "dr-open").mkdir()  # anybody may have put the lock there
        (tmp_path / "dr-open").chmod(0o777)
        (tmp_path / "dr-open" / ".dragoman-lock").symlink_to(tmp_path / "elsewhere")
        assert list(abandoned(tmp_path, PREFIX)) == []
        os.kill(makers[1].pid, signal.SIGKILL)
        makers[1].wait()
        assert list(abandoned(tmp_path, "other-")) == []
        assert list(abandoned(tmp_path, PREFIX)) == [killed]
        assert not killed.exists()
        assert {path.name for path in tmp_path.iterdir()} == {
            living.name,
            "dr-of-another",
            "dr-open",
            "elsewhere",
            "dr-link",
        }
    finally:
        for maker in makers:
            maker.kill()
            maker.communicate()
    remove_abandoned(tmp_path, PREFIX)
    assert not living.exists()


def test_whoever_is_killed_while_it_removes_a_folder_leaves_its_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ScratchFolder(tmp_path, PREFIX)
    for name in ("a", "inner", "z"):
        (folder.path / name).mkdir()
        (folder.path / name / "file").touch()
    removed = []

    def killed(path: Path, ignore_errors: bool) -> None:
        if len(removed) == 1:
            raise KeyboardInterrupt
        removed.append(path)

    with monkeypatch.context() as patched:
        patched.setattr("dragoman.folder_removal.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.remove()
    assert removed != [folder.path]
    folder._lock.release()
    remove_abandoned(tmp_path, PREFIX)
    assert list(tmp_path.iterdir()) == []


_KILLED = """
import os, signal, tempfile
from dragoman.scratch_folder import temporary_files
with temporary_files():
    with tempfile.TemporaryDirectory() as folder:  # as a library does
        open(f"{folder}/half", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_temporary_files_of_a_library_are_recognised_after_a_kill(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    remove_abandoned(tmp_path, PREFIX)
    assert list(tmp_path.iterdir()) == []


def test_temporary_files_are_elsewhere_inside_the_block_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_files() as folder:
        assert tempfile.gettempdir() == str(folder)
        assert folder.parent == tmp_path
    assert tempfile.gettempdir() == str(tmp_path)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(DragomanError, match="the folder for temporary files"), temporary_files():
        pass


def test_no_folder_for_temporary_files_at_all_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(DragomanError, match="set TMPDIR to another"):
        temporary_folder()
