"""Installed environments: built once under a lock, found whole or not at all, and removed.

Below the folder of an environment each build has a folder of its own, `HASH-RANDOM`, and `HASH.json` names the one that
is whole; the hash is that of the pins. It is written last. What a build that was killed left is removed by the next.
"""

import json
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

from filelock import FileLock, Timeout

from dragoman.disk import told_apart
from dragoman.environments.builder import Sources, build, import_failure
from dragoman.environments.environment import Environment, environment
from dragoman.errors import DragomanError
from dragoman.reading import ReadingError, read_json
from dragoman.settings import settings

_LOCK = ".lock"


class EnvironmentMissingError(DragomanError):
    """An environment that is not installed here."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True)
class Installation:
    """A whole environment on this machine."""

    name: str
    folder: str
    """The virtual environment, an absolute path."""
    pins: str
    """Hash of its requirements."""
    python_version: str
    """Version of its Python."""
    torch: str = ""
    """The build of torch in it, such as `2.13.0+cpu`; empty where it has none."""
    built: str = ""
    """When, in UTC."""
    seconds: float = 0.0
    """How long that took."""

    @property
    def python(self) -> Path:
        """Its Python."""
        return Path(self.folder) / "bin" / "python"


def place(name: str, home: Path) -> Path:
    """The folder of all builds of an environment."""
    shared = settings().environments
    return (shared or home.resolve() / "environments") / name


def installed(name: str, home: Path) -> Installation | None:
    """What is installed of an environment's present pins; None where there is nothing whole.

    Args:
        name: of the environment.
        home: the home, where no other folder is set for environments.

    Raises:
        DragomanError: there is no environment of that name.
    """
    return _recorded(environment(name), place(name, home))


def ensured(name: str, home: Path) -> Installation:
    """What is installed of an environment, built now if need be, once a machine, unless the settings forbid it.

    Args:
        name: of the environment.
        home: as for `installed`.

    Raises:
        EnvironmentMissingError: it is not there, and is not to be built here.
        DragomanError: as for `install`.
    """
    if found := installed(name, home):
        return found
    if not settings().build_environments:
        raise EnvironmentMissingError(
            f"The environment {name} is not installed in {place(name, home)}: install it there (`dragoman env install "
            f"{name}`), or allow it to be built where it is needed (DRAGOMAN_BUILD_ENVIRONMENTS=true)."
        )
    return install(environment(name), home=home)


def install(wanted: Environment, *, home: Path, sources: Sources | None = None) -> Installation:
    """Build an environment, if it is not there; others who want it meanwhile wait.

    Args:
        wanted: the environment.
        home: as for `installed`.
        sources: where packages come from.

    Raises:
        DragomanError: a package is not to be had, the disk takes nothing more, or what was built can't be imported.
    """
    root = place(wanted.name, home)
    with _locked(root):
        if found := _recorded(wanted, root):
            return found
        _remove_leftovers(root)
        folder = root / f"{wanted.fingerprint}-{secrets.token_hex(4)}"
        started = time.monotonic()
        try:
            with told_apart():
                python_version, torch = build(wanted, folder, sources or Sources())
                made = Installation(
                    wanted.name,
                    str(folder),
                    wanted.fingerprint,
                    python_version,
                    torch,
                    time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
                    round(time.monotonic() - started, 1),
                )
                _write(_record(wanted, root), made)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return made


def remove(name: str, home: Path) -> bool:
    """Remove all builds of an environment; returns whether there was anything.

    Raises:
        DragomanError: it is being built.
    """
    root = place(name, home)
    if not root.exists():
        return False
    with _locked(root, wait=False):
        for record in root.glob("*.json"):
            record.unlink(missing_ok=True)
        had = any(each.is_dir() for each in root.iterdir())
        _remove_leftovers(root)
    shutil.rmtree(root, ignore_errors=True)
    return had


def fault(found: Installation, wanted: Environment) -> str | None:
    """Why an installed environment can't be used, as a clause; None where it is whole."""
    if not found.python.exists():
        return f"{found.python} is gone"
    return import_failure(found.python, wanted.modules)


def _record(wanted: Environment, root: Path) -> Path:
    return root / f"{wanted.fingerprint}.json"


def _recorded(wanted: Environment, root: Path) -> Installation | None:
    try:
        content: Mapping[str, str] = read_json(_record(wanted, root))
        found = Installation(**content)  # type: ignore[arg-type]
    except (OSError, ValueError, TypeError, ReadingError):
        return None
    return found if Path(found.folder).is_dir() else None


def _write(record: Path, made: Installation) -> None:
    partial = record.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(made), indent=1) + "\n", encoding="utf-8")
    partial.replace(record)


def _remove_leftovers(root: Path) -> None:
    """Remove the folders of builds that no record names."""
    kept = set()
    for record in root.glob("*.json"):
        try:
            kept.add(Path(read_json(record)["folder"]).name)
        except (OSError, ValueError, KeyError, TypeError, ReadingError):
            record.unlink(missing_ok=True)
    for folder in root.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(root: Path, *, wait: bool = True) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / _LOCK, timeout=-1 if wait else 0):  # the system's, so it dies with its process
            yield
    except Timeout as error:
        raise DragomanError(
            f"The environment {root.name} is being built in {root}: wait until it is, or end that process."
        ) from error
    except PermissionError as error:
        raise DragomanError(
            f"Nothing can be written to {root} ({error.strerror}): install the environment as the owner of that "
            "folder, or set DRAGOMAN_ENVIRONMENTS to another."
        ) from error
