import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dragoman_jobs.models.atomic_folder import make_once, remove_partial


def fill(folder: Path) -> None:
    (folder / "a").write_text("1")
    (folder / "b").write_text("2")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_made_with_its_parents_and_only_once(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    assert make_once(out, fill) == out
    assert names(out) == {"a", "b"}
    assert names(out.parent) == {"out"}

    def never(folder: Path) -> None:
        raise AssertionError("made twice")

    assert make_once(out, never) == out


def test_a_failure_leaves_nothing_and_the_next_attempt_succeeds(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise RuntimeError("no luck")

    with pytest.raises(RuntimeError, match="no luck"):
        make_once(tmp_path / "out", fail)
    assert not any(path.is_dir() for path in tmp_path.iterdir())
    assert names(make_once(tmp_path / "out", fill)) == {"a", "b"}


def test_a_killed_process_leaves_no_half_folder(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom dragoman_jobs.models.atomic_folder import make_once\n"
        "def make(folder):\n    (folder / 'half').write_text('')\n    print('begun', flush=True)\n    time.sleep(60)\n"
        "make_once(Path(sys.argv[1]), make)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "out")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert not (tmp_path / "out").exists()
    assert names(make_once(tmp_path / "out", fill)) == {"a", "b"}


def test_two_at_once_make_it_once(tmp_path: Path) -> None:
    made: list[Path] = []
    both = threading.Barrier(2)

    def slow(folder: Path) -> None:
        made.append(folder)
        threading.Event().wait(0.1)  # long enough for the other to arrive
        fill(folder)

    def run() -> None:
        both.wait()
        make_once(tmp_path / "out", slow)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert names(tmp_path) == {"out"}
    assert names(tmp_path / "out") == {"a", "b"}


def test_what_killed_processes_left_half_made_is_removed_and_what_is_being_made_is_not(tmp_path: Path) -> None:
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom dragoman_jobs.models.atomic_folder import make_once\n"
        "def make(folder):\n    (folder / 'half').write_text('')\n    print('begun', flush=True)\n    time.sleep(60)\n"
        "make_once(Path(sys.argv[1]), make)\n"
    )
    makers = {}
    for name in ("killed", "living"):
        out = tmp_path / name / "out"
        makers[name] = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE)
        assert makers[name].stdout.readline() == b"begun\n"
    try:
        makers["killed"].kill()
        makers["killed"].wait()
        remove_partial(tmp_path)
        assert [path.parent.name for path in tmp_path.rglob("half")] == [".out.partial"]
        assert (tmp_path / "living" / ".out.partial" / "half").exists()
    finally:
        for maker in makers.values():
            maker.kill()
            maker.communicate()
    assert names(make_once(tmp_path / "killed" / "out", fill)) == {"a", "b"}
