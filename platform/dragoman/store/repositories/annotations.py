"""Repository of annotations: what people say of grids, their tags and notes, whether archived, and their former names.

None of it belongs to what a grid is: running or importing it again leaves it as it stands.
"""

from collections import defaultdict
from collections.abc import Iterable

from pydantic import AwareDatetime
from sqlalchemy import Connection, delete, select, update

from dragoman.errors import StoreError
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import grid_number
from dragoman.store.records import Record, now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import FormerNameRow, GridRow, GridTagRow


class GridAnnotation(Record):
    """What people say of a grid."""

    grid: str
    """Name of the grid."""
    number: int
    """Number of the grid: a later one was added later."""
    updated: AwareDatetime
    """When it was added or last replaced (UTC)."""
    tags: tuple[str, ...] = ()
    """Its tags by name."""
    notes: str | None = None
    """Its notes, in Markdown."""
    archived: AwareDatetime | None = None
    """When it was archived (UTC); None where it is not."""
    former_names: tuple[str, ...] = ()
    """Names that it had."""


class AnnotationRepository(Repository):
    """Tags, notes, archiving and former names of grids."""

    def all(self) -> list[GridAnnotation]:
        """Those of every grid, the latest grid first."""
        with self._database.reading() as connection:
            return _read(connection)

    def of(self, grid: str) -> GridAnnotation:
        """Those of one grid.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            number = grid_number(connection, grid)
            return next(each for each in _read(connection) if each.number == number)

    def archive(self, grid: str, *, is_archived: bool = True) -> bool:
        """Archive a grid, or take it back; returns whether that changed anything.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.writing(sums=False) as connection:
            is_so = GridRow.archived.is_not(None) if is_archived else GridRow.archived.is_(None)
            this = update(GridRow).where(GridRow.id == grid_number(connection, grid), ~is_so)
            return connection.execute(this.values(archived=now() if is_archived else None)).rowcount > 0

    def note(self, grid: str, text: str | None) -> None:
        """Replace the notes of a grid; None or an empty text removes them.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.writing(sums=False) as connection:
            this = update(GridRow).where(GridRow.id == grid_number(connection, grid))
            connection.execute(this.values(notes=text or None))

    def tag(self, grid: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Add tags to a grid, and remove others.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.writing(sums=False) as connection:
            grid_id = grid_number(connection, grid)
            for tag in add:
                row = insert(connection, GridTagRow).values(grid_id=grid_id, tag=tag)
                connection.execute(row.on_conflict_do_nothing())
            which = GridTagRow.tag.in_(list(remove))
            connection.execute(delete(GridTagRow).where(GridTagRow.grid_id == grid_id, which))

    def current_name(self, name: str) -> str | None:
        """The name of the grid that had another one; None where no grid had it."""
        with self._database.reading() as connection:
            return current_name(connection, name)


def current_name(connection: Connection, name: str) -> str | None:
    """The name of the grid that was once called so; None where none was."""
    query = select(GridRow.name).join(FormerNameRow, FormerNameRow.grid_id == GridRow.id)
    return connection.execute(query.where(FormerNameRow.name == name)).scalar()


def refuse_former(connection: Connection, name: str) -> None:
    """Refuse the former name of a grid for another one: what refers to that grid by it would find the other.

    Raises:
        StoreError: it is one.
    """
    if current := current_name(connection, name):
        raise StoreError(
            f"The name {name} was that of the grid {current}, which is still found by it: write {current} to go on "
            f"with that grid, or another name for another one (`dragoman rename {current} {name}` gives it back)."
        )


def _read(connection: Connection) -> list[GridAnnotation]:
    tags: defaultdict[int, list[str]] = defaultdict(list)
    for row in connection.execute(select(GridTagRow.grid_id, GridTagRow.tag).order_by(GridTagRow.tag)):
        tags[row.grid_id].append(row.tag)
    former: defaultdict[int, list[str]] = defaultdict(list)
    for row in connection.execute(select(FormerNameRow.grid_id, FormerNameRow.name).order_by(FormerNameRow.name)):
        former[row.grid_id].append(row.name)
    query = select(GridRow.id, GridRow.name, GridRow.updated, GridRow.notes, GridRow.archived)
    return [
        GridAnnotation(
            grid=row.name, number=row.id, updated=row.updated, tags=tuple(tags[row.id]), notes=row.notes,
            archived=row.archived, former_names=tuple(former[row.id]),
        )
        for row in connection.execute(query.order_by(GridRow.updated.desc(), GridRow.name))
    ]  # fmt: skip
