"""Names of grids for the shell, read from the store's file: within the moment that a key press may take."""

import sqlite3
from contextlib import closing

GRIDS = ("GRID", "[GRID]")
"""What the help calls an argument that names a grid."""


def grid_names(incomplete: str) -> list[str]:
    """The names of grids that begin so; none where there is no store."""
    from dragoman.settings import settings

    if not settings().store:  # the file in the home
        file = settings().home.resolve() / "store.db"
        try:
            with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
                names = [str(name) for (name,) in connection.execute("SELECT name FROM grid ORDER BY name")]
            return [name for name in names if name.startswith(incomplete)]
        except sqlite3.Error:  # not there, of another version, or being made: the store itself tells
            pass
    from dragoman.cli.arguments import complete_grids

    return complete_grids(incomplete)
