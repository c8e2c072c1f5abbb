"""The specification that a grid was begun with."""

from typing import Any

from sqlalchemy import Connection, select

from dragoman.store.database.connection import once
from dragoman.store.schema import GridRow


def spec_of(connection: Connection, grid_id: int) -> dict[str, Any]:
    """The specification of a grid, not to be changed; a snapshot reads it once."""
    spec = select(GridRow.spec).where(GridRow.id == grid_id)
    return once(connection, ("spec", grid_id), lambda: connection.execute(spec).scalar_one())
