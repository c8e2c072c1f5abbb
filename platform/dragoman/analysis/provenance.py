"""Provenance of a grid's numbers: the base model by its name, the day of the evaluation, and the version that says so.

With the rest of a caption (`dragoman.analysis.caption`: test set, sentences, decoding, prompt, signature) it stands
under every table and figure.
"""

from pathlib import PurePosixPath
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select

from dragoman.store.repositories.grid_spec import spec_of
from dragoman.store.schema import GridRow, JobRow, ModelRow

_REVISION = 12
"""Characters of a base model's revision that are shown."""


class Provenance(NamedTuple):
    """Where the numbers of a grid come from."""

    base: str
    """The base model's name, with its revision where the specification pins one."""
    evaluated: str | None
    """The day (UTC) on which the last run of the grid ended, or was last seen; None where no run is recorded."""


def provenance_of(connection: Connection, grid_id: int) -> Provenance:
    """The provenance of a grid's numbers, inside a transaction."""
    named = select(ModelRow.name).join(GridRow, GridRow.base_id == ModelRow.id).where(GridRow.id == grid_id)
    last = func.max(func.coalesce(JobRow.ended, JobRow.seen))
    ended = connection.execute(select(last).where(JobRow.grid_id == grid_id)).scalar()
    name = base_name(spec_of(connection, grid_id), str(connection.execute(named).scalar_one()))
    return Provenance(name, f"{ended:%Y-%m-%d}" if ended else None)


def base_name(spec: dict[str, Any], name: str) -> str:
    """The name of a grid's base model, never a path of the machine that ran it.

    Args:
        spec: the grid's specification.
        name: the model's name in the store, where the specification has none.
    """
    base = spec.get("base") or name
    settings = base if isinstance(base, dict) else {"model": base}
    called = without_folders(str(settings.get("model") or name))
    revision = settings.get("revision")
    return f"{called}, revision {str(revision)[:_REVISION]}" if revision else called


def without_folders(name: str) -> str:
    """A model's name as it is; of one in a folder, the folder's own."""
    is_place = "://" in name or name.startswith(("/", "~", ".")) or "\\" in name
    return PurePosixPath(name.replace("\\", "/")).name if is_place else name
