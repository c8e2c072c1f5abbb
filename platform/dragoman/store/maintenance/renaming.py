"""Renaming of a grid: it stays the grid it is, and what refers to it by a former name still finds it."""

from collections.abc import Callable, Mapping

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, delete, select, update

from dragoman.errors import StoreError
from dragoman.spec.base import LONGEST_NAME, GridName
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.annotations import current_name
from dragoman.store.repositories.jobs import Silent, check_free
from dragoman.store.schema import FormerNameRow, GridRow
from dragoman.store.store import Store

Renamed = Mapping[str, str]
"""New names of grids by their names before."""


def rename(
    store: Store,
    grid: str,
    new: str,
    *,
    candidates: str,
    also: Callable[[str, str], None] = lambda before, after: None,
) -> Renamed:
    """Give a grid another name, and the grid of dev sentences that its candidates are chosen on the one that follows.

    Identities of models and cells, and the hash of the specification, stay as they are.

    Args:
        store: the store.
        grid: name of the grid.
        new: its new name.
        candidates: the name that the grid of its candidates has then.
        also: is called with the grid's name before and after; what it raises leaves the store as it was.

    Raises:
        StoreError: there is no such grid, a driver works at it, or the name can't be had.
    """
    _check_name(new)
    with store.database.reading() as connection:
        names = _names(connection, grid, new, candidates)
    silent = {name: store.jobs.silent(name) for name in names}
    with store.database.writing(alone=True) as connection:
        for before, after in names.items():
            _rename(connection, before, after, silent[before])
            _follow(connection, before, new)
        also(next(iter(names)), new)
    return names


def _names(connection: Connection, grid: str, new: str, candidates: str) -> dict[str, str]:
    """The grid's name, and that of its candidates' grid, with what they become."""
    number = grid_number(connection, grid)
    name = connection.execute(select(GridRow.name).where(GridRow.id == number)).scalar_one()
    dev = select(GridRow.name).where(GridRow.spec["candidates_of"].as_string() == name)
    return {name: new, **dict.fromkeys(connection.execute(dev).scalars(), candidates)}


def _follow(connection: Connection, before: str, after: str) -> None:
    """Have the grid of a grid's candidates say whose they are."""
    its = select(GridRow.id, GridRow.spec).where(GridRow.spec["candidates_of"].as_string() == before)
    for number, spec in connection.execute(its).all():
        changed = {**spec, "candidates_of": after}
        connection.execute(update(GridRow).where(GridRow.id == number).values(spec=changed))


def _rename(connection: Connection, before: str, after: str, silent: Silent) -> None:
    if before == after:
        return
    check_free(connection, before, silent)
    number = grid_number(connection, before)
    taken = connection.execute(select(GridRow.id).where(GridRow.name == after)).scalar()
    former = connection.execute(select(FormerNameRow.grid_id).where(FormerNameRow.name == after)).scalar()
    campaign = connection.execute(select(GridRow.id).where(GridRow.spec["campaign"].as_string() == after)).scalar()
    if taken is not None:
        raise StoreError(f"Another grid is called {after}: choose another name.")
    if campaign is not None:
        raise StoreError(f"A campaign is called {after}: choose another name.")
    if former not in (None, number):
        raise StoreError(f"{after} was the name of the grid {current_name(connection, after)}: choose another name.")
    spec = connection.execute(select(GridRow.spec).where(GridRow.id == number)).scalar_one()
    connection.execute(delete(FormerNameRow).where(FormerNameRow.name == after))
    connection.execute(update(GridRow).where(GridRow.id == number).values(name=after, spec={**spec, "name": after}))
    connection.execute(insert(connection, FormerNameRow).values(name=before, grid_id=number))


def _check_name(name: str) -> None:
    try:
        TypeAdapter(GridName).validate_python(name)
    except ValidationError as error:
        raise StoreError(
            f"{name!a} can't be the name of a grid: take letters, digits, dots, dashes and underscores, "
            f"{LONGEST_NAME} at most, a letter or digit first."
        ) from error
