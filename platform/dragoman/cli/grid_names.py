"""Names of grids, read from the store's file: within the moment of a key press, and before a command's transaction."""

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from dragoman.errors import DragomanError

if TYPE_CHECKING:
    from dragoman.store.store import Store

GRIDS = ("GRID", "[GRID]")
"""What the help calls an argument that names a grid."""

_NAMES = "SELECT name FROM grid ORDER BY name"
_CURRENT = "SELECT grid.name FROM grid JOIN former_name ON former_name.grid_id = grid.id WHERE former_name.name = ?"


def grid_names(incomplete: str) -> list[str]:
    """The names of grids that begin so; none where there is no store."""
    names = _of_file(_NAMES)
    if names is not None:
        return [name for name in names if name.startswith(incomplete)]
    try:
        return [name for name in _open().grids.names() if name.startswith(incomplete)]
    except DragomanError:
        return []


def current_name(name: str) -> str | None:
    """The name of the grid that was once called so; None where none was, or there is no store."""
    if (found := _of_file(_CURRENT, name)) is not None:
        return next(iter(found), None)
    try:
        return _open().annotations.current_name(name)
    except DragomanError:  # of a store that is not there, the command says so
        return None


def _open() -> "Store":
    from dragoman.settings import settings
    from dragoman.store.store import Store

    return Store.open_existing(settings().store_url, settings().blobs_url)


def _of_file(query: str, *values: str) -> list[str] | None:
    """The names that a query finds in the home's file; None where another store is set, or that file is none."""
    from dragoman.settings import settings

    if settings().store:
        return None
    file = settings().home.resolve() / "store.db"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            return [str(name) for (name,) in connection.execute(query, values)]
    except sqlite3.Error:  # not there, of another version, or being made: the store itself tells
        return None
