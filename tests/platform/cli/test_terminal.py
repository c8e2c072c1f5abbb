"""Standard output in other encodings than UTF-8, closed, or full: every command ends as it should."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DRAGOMAN = Path(sys.executable).with_name("dragoman")
NO_UTF8 = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def dragoman(folder: Path, words: str, variables: dict[str, str]) -> "subprocess.CompletedProcess[bytes]":
    """A command with its output as bytes; `words` are those of a shell."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    environment |= {"DRAGOMAN": str(DRAGOMAN), "DRAGOMAN_HOME": "für 家", **variables}
    return subprocess.run(["bash", "-c", words], cwd=folder, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8"])
def test_what_an_encoding_lacks_is_replaced(tmp_path: Path, encoding: str) -> None:
    done = dragoman(tmp_path, "$DRAGOMAN config", {"PYTHONIOENCODING": encoding})
    text = done.stdout.decode(encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ("─" in text, "---" in text) == ((True, False) if encoding == "utf-8" else (False, True))
    (home,) = [line.split() for line in text.splitlines() if line.startswith(" home ")]
    assert home[1:3] == "für 家".encode(encoding, "replace").decode(encoding).split()


def test_json_loses_nothing_in_ascii(tmp_path: Path) -> None:
    done = dragoman(tmp_path, "$DRAGOMAN config --json", {"PYTHONIOENCODING": "ascii"})
    (home,) = [row["value"] for row in json.loads(done.stdout)["settings"] if row["setting"] == "home"]
    assert home == "für 家"


def test_files_are_utf8_whatever_the_locale(tmp_path: Path) -> None:
    done = dragoman(tmp_path, "$DRAGOMAN init grid.yaml && $DRAGOMAN --help", {**NO_UTF8, "DRAGOMAN_HOME": "home"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "grid.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", ["$DRAGOMAN config | true", "$DRAGOMAN --help | true", "$DRAGOMAN config >&-"])
def test_nobody_who_reads_is_no_fault(tmp_path: Path, words: str) -> None:
    assert dragoman(tmp_path, words, {}).stderr == b""


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    done = dragoman(tmp_path, "$DRAGOMAN config > /dev/full", {})
    assert done.returncode == 2
    assert done.stderr == b"dragoman: Standard output can't be written (No space left on device): its end is lost.\n"
