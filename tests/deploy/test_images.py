"""The images: linted, made of files that are there, and what they run works from an installed wheel."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy").glob("*/Dockerfile"))
BIN = Path(sys.executable).parent


def instructions(file: Path, kind: str) -> list[str]:
    """What follows an instruction, with its continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", file.read_text())
    return re.findall(rf"^{kind} (.*)$", text, flags=re.MULTILINE)


def sources(file: Path) -> list[str]:
    """What is copied from the repository."""
    copied = [words.split() for words in instructions(file, "COPY") if not words.startswith("--from")]
    return [source for words in copied for source in words[:-1]]


def test_there_are_two() -> None:
    assert [file.parent.name for file in FILES] == ["ray", "server"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_hadolint_has_nothing_to_say(file: Path) -> None:
    done = subprocess.run([BIN / "hadolint", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_they_end_as_nobody_in_particular_with_a_smoke_command(file: Path) -> None:
    assert instructions(file, "USER")[-1] == "10001:10001"
    assert "dragoman --version" in instructions(file, "RUN")[-1]
    text = file.read_text()
    assert text.rindex("USER") < text.rindex("dragoman --version")
    for base in instructions(file, "FROM"):
        image = base.split()[0]
        assert ":" in image or image in ("${BASE}", "python"), f"{image} is not pinned"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_what_is_copied_is_there_and_reaches_the_build(file: Path) -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for source in sources(file):
        assert source in sent, f".dockerignore keeps {source} from the build"
        assert any(path == source or path.startswith(f"{source}/") for path in tracked), f"{source} is not in git"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_what_is_installed_is_pinned_and_has_a_name(file: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    }
    for command in instructions(file, "RUN"):
        for words in re.findall(r"pip install (.*?)(?: && |$)", command):
            options = shlex.split(words)
            assert options[options.index("--constraint") + 1] == "constraints.txt"
            for name in (word for word in options if not word.startswith("-") and word != "constraints.txt"):
                if name.startswith("."):
                    assert set(name[2:-1].split(",")) <= set(project["optional-dependencies"])
                else:
                    assert name.split("[")[0] in pinned


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with a wheel made of what the images copy; the requirements are lent, as pinned."""
    context = tmp_path_factory.mktemp("context")
    for source in {each for file in FILES for each in sources(file)}:
        (context / source).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
        copy(ROOT / source, context / source)
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*wheel, "--wheel-dir", context / "wheels", context], check=True)
    fresh = tmp_path_factory.mktemp("fresh")
    venv.create(fresh, with_pip=False)
    (packages,) = (fresh / "lib").glob("python*/site-packages")
    # Without --ignore-installed, pip would take the installation that these tests run from away.
    into = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed"]
    subprocess.run([*into, "--prefix", fresh, next((context / "wheels").glob("*.whl"))], check=True)
    lent = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    (packages / "lent.pth").write_text(f"{lent}\n")
    return fresh


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_the_smoke_command_works_in_a_fresh_environment(file: Path, installed: Path, tmp_path: Path) -> None:
    environment = {
        "PATH": f"{installed}/bin:{BIN}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "DRAGOMAN_HOME": str(tmp_path),
    }
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(next((installed / "lib").glob("python*/site-packages")))}
    command = instructions(file, "RUN")[-1].replace("python -c", f"{installed}/bin/python -c")
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    where = [installed / "bin" / "python", "-c", "import dragoman_ui; print(dragoman_ui.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(installed), found  # the wheel, not this repository
    assert os.fspath(ROOT) not in found
