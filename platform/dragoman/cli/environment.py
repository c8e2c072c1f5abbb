"""Faults of the environment that surface as another library's exceptions: a full disk, a damaged store or MLflow."""

import errno
import sys

from dragoman import disk

_RIGHTS = (errno.EACCES, errno.EPERM)
_FILES = (errno.EMFILE, errno.ENFILE)


def sentence(error: Exception) -> str | None:
    """What is wrong with a disk, rights, limits, the store or MLflow, and what to do, if that is it; else None."""
    return disk.sentence(error) or _of_the_system(error) or _of_the_store() or _of_mlflow(error) or _of_a_record(error)


def _of_the_system(error: BaseException | None) -> str | None:
    """Rights and limits that the system holds this user to."""
    while error is not None:
        code = error.errno if isinstance(error, OSError) else None
        if code in _RIGHTS and isinstance(error, OSError) and error.filename:
            return (
                f"This user may not do that with {error.filename} ({error.strerror}): have the rights changed, or set "
                "DRAGOMAN_HOME to a folder of your own."
            )
        if code in _FILES:
            return (
                "Too many files are open at once: raise the limit (`ulimit -n 4096`), and run the same command again."
            )
        error = error.__cause__ or error.__context__
    return None


def _of_the_store() -> str | None:
    """Values that make no sense may be read from a damaged page: the store is looked at, where it was used."""
    if "dragoman.store.database.connection" not in sys.modules:
        return None
    from dragoman.errors import DragomanError
    from dragoman.settings import settings
    from dragoman.store.maintenance.integrity import sentence_of_damage

    try:
        return sentence_of_damage(settings().store_url)
    except (DragomanError, ModuleNotFoundError):
        return None


def _of_mlflow(error: Exception) -> str | None:
    if "dragoman.tracking.mlflow_database" not in sys.modules:
        return None
    from dragoman.errors import DragomanError
    from dragoman.settings import settings
    from dragoman.tracking.mlflow_database import require_whole, sentence

    url = settings().mlflow_url
    try:
        require_whole(url)
    except DragomanError as damaged:
        return str(damaged)
    return sentence(error, url)


def _of_a_record(error: Exception) -> str | None:
    """What is read from files is checked by whoever reads it, so what is left was stored."""
    if "pydantic" not in sys.modules:
        return None
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return None
    return (
        f"The store holds a {error.title} that this version can't read ({error.error_count()} mistakes): it was "
        "written by another version, or is damaged. `dragoman doctor` looks for damage; else run the grid again from a "
        "spec of this version."
    )
