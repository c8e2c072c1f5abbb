"""Campaigns in the store: the grids generated from one sweep."""

from sqlalchemy import select

from dragoman.errors import StoreError, nearest
from dragoman.store.database.ids import grid_number
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


def campaigns(store: Store) -> dict[str, list[str]]:
    """The grids of each campaign; campaigns and grids the latest first."""
    query = select(_CAMPAIGN, GridRow.name).where(_CAMPAIGN.is_not(None)).order_by(GridRow.updated.desc(), GridRow.name)
    found: dict[str, list[str]] = {}
    with store.database.reading() as connection:
        for campaign, name in connection.execute(query):
            found.setdefault(campaign, []).append(name)
    return found


def campaign_of(store: Store, grid: str) -> str:
    """The campaign that a grid belongs to; the name itself of one that belongs to none, or is not in the store."""
    with store.database.reading() as connection:
        found = connection.execute(select(_CAMPAIGN).where(GridRow.name == grid)).scalar_one_or_none()
    return str(found or grid)


def siblings(store: Store, grid: str) -> list[str]:
    """The grids that belong to the same campaign as a grid, itself included, by name; alone where it belongs to none.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        own = select(_CAMPAIGN).where(GridRow.id == grid_number(connection, grid))
        campaign = connection.execute(own).scalar_one()
        if campaign is None:
            return [grid]
        query = select(GridRow.name).where(campaign == _CAMPAIGN).order_by(GridRow.name)
        return list(connection.execute(query).scalars())
