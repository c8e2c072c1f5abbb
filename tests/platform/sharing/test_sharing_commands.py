"""`dragoman export --format` and `dragoman verify` as they are typed, in this environment and in a clean one."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.fixtures.commands import Outcome

from dragoman.settings import settings
from dragoman.store.store import Store
from dragoman.testing import SmallGrid

ROOT = Path(__file__).parents[3]
Run = Callable[..., Outcome]


@pytest.fixture
def in_home(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The store of the home in use; returns a folder to write to."""
    monkeypatch.setenv("DRAGOMAN_HOME", str(home))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_a_bundle_is_written_and_verified(dragoman: Run, in_home: Path) -> None:
    done = dragoman("export", "small", str(in_home / "small.tar"), "--format", "bundle")
    assert done.code == 0
    root = next(line for line in done.err.splitlines() if len(line) == 64)
    checked = dragoman("verify", str(in_home / "small.tar"), "--root", root, "--workers", "1")
    assert checked.code == 0 and f"root {root}" in checked.out and "all follow from its texts" in checked.out
    wrong = dragoman("verify", str(in_home / "small.tar"), "--root", "0" * 64, "--workers", "1", "--json")
    assert wrong.code == 1
    assert json.loads(wrong.out)["findings"][0]["place"] == "SHA256SUMS"


def test_what_cannot_be_checked_here_ends_with_a_code_of_its_own(
    dragoman: Run, bundle_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics.ter", None)
    done = dragoman("verify", str(bundle_file), "--workers", "1")
    assert done.code == 3
    assert "Not computed here:" in done.out and "numbers of ter" in done.out


def test_each_form_is_written_under_its_name(dragoman: Run, in_home: Path) -> None:
    assert dragoman("export", "small", str(in_home / "wmt"), "--format", "mt-metrics-eval").code == 0
    assert dragoman("export", "small", str(in_home / "mteb"), "--format", "mteb", "--system", "a").code == 0
    card = in_home / "card.yaml"
    assert dragoman("export", "small", str(card), "--format", "model-index", "--system", "a", "--pairs").code == 0
    assert yaml.safe_load(card.read_text())["model-index"][0]["name"] == "a"
    assert sorted(path.name for path in in_home.iterdir()) == ["card.yaml", "mteb", "wmt"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none", "x.tar", "--format", "bundle"), "no grid 'none'"),
        (("small", "there.txt", "--format", "bundle"), "is there already"),
        (("small", "folder", "--format", "bundle"), "is a folder"),
        (("small", "no/such/x.tar", "--format", "bundle"), "can't be written"),
        (("small", "folder", "--format", "mt-metrics-eval"), "is not empty"),
        (("small", "folder", "--format", "mteb", "--overwrite"), "--overwrite does not go"),
        (("small", "x.yaml", "--format", "model-index"), "name it with --system"),
        (("small", "x.yaml", "--format", "model-index", "--system", "c"), "no system 'c'"),
        (("small", "x.tar", "--format", "bundle", "--system", "a"), "--system does not go"),
        (("small", "x.zip", "--pairs"), "--pairs does not go"),
    ],
)
def test_mistakes_are_sentences_and_write_nothing(
    dragoman: Run, in_home: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    (in_home / "there.txt").write_text("mine")
    (in_home / "folder").mkdir()
    (in_home / "folder" / "mine.txt").write_text("mine")
    before = sorted(in_home.rglob("*"))
    monkeypatch.chdir(in_home)
    done = dragoman("export", *arguments)
    assert done.code == 2 and said in done.err and "Traceback" not in done.err
    assert sorted(in_home.rglob("*")) == before and (in_home / "there.txt").read_text() == "mine"


@pytest.mark.parametrize(("scored", "said"), [(False, "no translations yet"), (True, "no test sentences")])
def test_grids_that_cannot_be_shared_are_told_apart(
    dragoman: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scored: bool, said: str
) -> None:
    monkeypatch.setenv("DRAGOMAN_HOME", str(tmp_path))
    settings.cache_clear()
    store = Store.open(settings().store_url, settings().blobs_url)
    grid = SmallGrid(store).add()
    if scored:
        grid.fill()
    store.close()
    done = dragoman("export", "small", str(tmp_path / "x.tar"), "--format", "bundle")
    assert done.code == 2 and said in done.err
    assert not (tmp_path / "x.tar").exists()
    settings.cache_clear()


@pytest.mark.slow
def test_it_is_verified_in_a_clean_environment(bundle_file: Path, tmp_path: Path) -> None:
    """The wheel's base install: no torch, no Ray, no store, no home."""
    uv = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    assert uv, "uv comes with the development tools"
    wheels = tmp_path / "wheels"
    subprocess.run([uv, "build", "-q", "--wheel", "--out-dir", wheels, ROOT], check=True)
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    (wheel,) = wheels.glob("*.whl")
    install = [uv, "pip", "install", "-q", "--python", python, "-c", ROOT / "constraints.txt", wheel]
    if subprocess.run(install, check=False).returncode:
        pytest.skip("no package index is reached from here")
    shutil.copy(bundle_file, tmp_path / "small.tar")
    command = [tmp_path / "venv/bin/dragoman", "verify", "small.tar"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "nobody"), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all follow from its texts" in done.stdout
    listed = subprocess.run([uv, "pip", "list", "--python", python], capture_output=True, text=True, check=True).stdout
    assert not {"torch", "ray", "transformers", "mlflow"} & {line.split()[0] for line in listed.splitlines() if line}
    assert not (tmp_path / "nobody").exists() and not (tmp_path / ".dragoman").exists()
