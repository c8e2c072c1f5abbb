"""Campaigns in the store: the grids that came from one sweep."""

from sqlalchemy import select

from dragoman.errors import StoreError, nearest
from dragoman.store.schema import GridRow
from dragoman.store.store import Store

_CAMPAIGN = GridRow.spec["campaign"].as_string()


def grids_of(store: Store, name: str) -> list[str]:
    """The grids of a campaign in the order they were added; of a grid, itself.

    Raises:
        StoreError: there is neither a grid nor a campaign of that name.
    """
    with store.database.reading() as connection:
        rows = connection.execute(select(GridRow.name, _CAMPAIGN.label("campaign")).order_by(GridRow.id)).all()
    if name in {row.name for row in rows}:
        return [name]
    found = [row.name for row in rows if row.campaign == name]
    if not found:
        known = [*(row.name for row in rows), *(row.campaign for row in rows if row.campaign)]
        raise StoreError(f"The store has no grid '{name}' and no such campaign: {nearest(name, known)}")
    return found
