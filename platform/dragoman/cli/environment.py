"""Faults of the environment that surface as another library's exceptions: a full disk, a damaged store."""

import sys

from dragoman import disk


def sentence(error: Exception) -> str | None:
    """What is wrong with a disk or the store and what to do, if that is what an exception comes of; else None."""
    return disk.sentence(error) or _of_the_store() or _of_a_record(error)


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
