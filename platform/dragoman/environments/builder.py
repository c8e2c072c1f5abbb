"""Building of a virtual environment by uv, or by venv and pip where there is no uv."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from packaging.specifiers import SpecifierSet

from dragoman.environments.environment import Environment
from dragoman.errors import DragomanError, first_line
from dragoman.redaction import masked

TORCH_INDEX = "https://download.pytorch.org/whl"
"""Where PyTorch's builds lie, by backend."""

_PIP_TO_UV = {
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
    "PIP_EXTRA_INDEX_URL": "UV_INDEX",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_CERT": "SSL_CERT_FILE",
}
"""Settings of pip that hold for uv too, where it has none of its own."""

_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded|Read-only file system")
_NO_INDEX = re.compile(
    r"dns error|failed to lookup|error sending request|Could not connect|Connection refused|NewConnectionError|"
    r"Max retries exceeded|Network is unreachable|Name or service not known|request timed out|ReadTimeout|"
    r"Failed to (?:fetch|download)",
    re.I,
)
_NONE_FOUND = re.compile(r"from versions: none")
"""What pip says whether no index was reached or none has it."""

_LACKING = re.compile(
    r"No matching distribution found for (\S+)|there (?:is|are) no versions? of ([^\s,]+)|"
    r"Because ([\w.-]+) was not found|(\S+) has no (?:usable )?wheels|Distribution `(\S+)"
)


_WITH_PARENT = """
import ctypes, os, sys
if hasattr(ctypes.CDLL(None), "prctl"):
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a program that is killed when its parent is: it would go on filling a folder that nobody knows of."""


class BuildError(DragomanError):
    """An environment that could not be built; nothing of it is left."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True)
class Sources:
    """Where packages come from."""

    wheels: Path | None = None
    """A folder of wheels, instead of any index."""
    torch: str = ""
    """Backend of PyTorch's build (`cpu`, `cu126`, `rocm6.4` ...) at its makers; by default that of the index."""


def build(wanted: Environment, folder: Path, sources: Sources) -> tuple[str, str]:
    """Make a virtual environment, and see that it works; returns its version of Python, and of torch if it has one.

    Raises:
        BuildError: a package is not to be had, or what was built can't be imported.
    """
    if sources.wheels is not None and not sources.wheels.is_dir():
        raise BuildError(f"There is no folder of wheels {sources.wheels}: give one that `pip download` has filled.")
    uv = _uv()
    python = _make_venv(wanted, folder, uv)
    arguments = ["install", "--requirement", str(wanted.pins), *_where(sources, is_uv=uv is not None)]
    program = [uv, "pip"] if uv else [str(python), "-m", "pip"]
    options = ["--python", str(python), "--quiet"] if uv else ["--quiet", "--no-input"]
    options += ["--no-deps"] if wanted.is_whole else []
    try:
        _run([*program, *arguments, *options], wanted, sources)
    except BuildError:
        if not wanted.index or sources.wheels is not None or sources.torch:
            raise
        # the usual index lacks what only the other one has; where it has it, the other need not be reached
        _run([*program, *arguments, *_besides(wanted.index, is_uv=uv is not None), *options], wanted, sources)
    if failure := import_failure(python, wanted.modules):
        raise BuildError(
            f"The environment {wanted.name} was built but does not work ({failure}): see that the machine has what "
            "its packages need, and install it again."
        )
    version = _asked(python, "import sys; print(sys.version.split()[0])")
    has_torch = "torch" in wanted.requirements
    torch = _asked(python, "import importlib.metadata as m; print(m.version('torch'))") if has_torch else ""
    return version, torch


def import_failure(python: Path, modules: Sequence[str]) -> str | None:
    """What is wrong where some modules can't be imported by a Python, as a clause."""
    code = f"import importlib\nfor name in {list(modules)!r}: importlib.import_module(name)"
    try:
        done = subprocess.run(  # noqa: S603 (an environment that was built here)
            [str(python), "-I", "-c", code], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        return f"{python} can't be started: {error.strerror}"
    if done.returncode == 0:
        return None
    lines = done.stderr.strip().splitlines()
    return first_line(Exception(lines[-1] if lines else f"exit code {done.returncode}"))


def _asked(python: Path, code: str) -> str:
    done = subprocess.run([str(python), "-I", "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.strip()


def _make_venv(wanted: Environment, folder: Path, uv: str | None) -> Path:
    """Make an empty virtual environment with a Python that fits."""
    own = ".".join(map(str, sys.version_info[:3]))
    fits = own in SpecifierSet(wanted.pythons)
    if uv:
        python = sys.executable if fits else wanted.pythons
        _run([uv, "venv", "--quiet", "--no-project", "--python", python, str(folder)], wanted, Sources())
    elif fits:
        _run([sys.executable, "-m", "venv", str(folder)], wanted, Sources())
    else:
        raise BuildError(
            f"The environment {wanted.name} needs Python {wanted.pythons}, and this is {own}: install uv (`pip "
            "install uv`), which fetches one, or run Dragoman with such a Python."
        )
    return folder / "bin" / "python"


def _where(sources: Sources, *, is_uv: bool) -> list[str]:
    """The options that say where packages come from."""
    if sources.wheels is not None:
        return ["--no-index", "--find-links", str(sources.wheels.resolve())]
    if sources.torch and is_uv:
        return ["--torch-backend", sources.torch]
    return _besides(f"{TORCH_INDEX}/{sources.torch}", is_uv=is_uv) if sources.torch else []


def _besides(index: str, *, is_uv: bool) -> list[str]:
    """The options that add an index to the usual one."""
    return ["--index", index, "--index-strategy", "unsafe-best-match"] if is_uv else ["--extra-index-url", index]


def _run(command: Sequence[str], wanted: Environment, sources: Sources) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    for pip, uv in _PIP_TO_UV.items():
        if pip in os.environ and uv not in os.environ:
            environment[uv] = os.environ[pip]
    process = subprocess.Popen(  # noqa: S603 (uv or pip)
        [sys.executable, "-I", "-c", _WITH_PARENT, str(os.getpid()), *command],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        said, _ = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0:
        raise BuildError(_sentence(masked(said), wanted, sources))


def _sentence(said: str, wanted: Environment, sources: Sources) -> str:
    """What went wrong, from what uv or pip said."""
    lines = [line.strip() for line in said.strip().splitlines() if line.strip()]
    is_telling = re.compile(r"(?i)(error|\W*because|caused by|×)").match
    told = next((line for line in lines if is_telling(line)), lines[-1] if lines else "nothing was said")
    short = first_line(Exception(told))
    if _NO_SPACE.search(said):
        return (
            f"The environment {wanted.name} can't be written ({short}): make room on that disk, or set "
            "DRAGOMAN_ENVIRONMENTS to a folder on another."
        )
    if sources.wheels is not None:
        lacking = next((name for found in _LACKING.findall(said) for name in found if name), "wheels")
        return (
            f"The folder {sources.wheels} lacks {lacking.rstrip('`.,')} for the environment {wanted.name}: fill it by "
            f"`pip download --dest {sources.wheels} --requirement {wanted.pins}`, on a machine of this kind that has "
            "a network."
        )
    if _NO_INDEX.search(said) or _NONE_FOUND.search(said):
        which = "is reachable from here" if _NO_INDEX.search(said) else "that is reachable from here has it"
        return (
            f"No package index {which} ({short}), so the environment {wanted.name} can't be built: set "
            "the index that is (UV_DEFAULT_INDEX or PIP_INDEX_URL), or install from a folder of wheels "
            f"(`dragoman env install {wanted.name} --wheels FOLDER`)."
        )
    return f"The environment {wanted.name} can't be built ({short}): mend that, and install it again."


def _uv() -> str | None:
    """The program uv: that of its package where it is installed beside Dragoman, else of the path."""
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")
