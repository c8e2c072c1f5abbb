"""Deletion of a grid: its plan, its runs, and the cells and models that no other grid has.

Cells and models are shared between grids, so what another grid has stays; so does every test set, prompt and decoding,
which are small. Blobs that nothing refers to any more are left to garbage collection, and MLflow's runs to MLflow.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from dragoman.store.database.ids import chunks, grid_number
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.grids import is_member
from dragoman.store.repositories.jobs import check_free
from dragoman.store.schema import (
    CellRow,
    FormerNameRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    JobLineRow,
    JobRow,
    JudgementRow,
    JudgementSpanRow,
    ModelRow,
)
from dragoman.store.store import Store


class OwnModel(NamedTuple):
    """A model that no other grid has."""

    id: str
    """Its id."""
    name: str
    """Its name in the grid."""


class Deletion(NamedTuple):
    """What goes with a grid."""

    grids: tuple[str, ...]
    """The grid, and the grid of dev sentences that its candidates were chosen on."""
    models: tuple[OwnModel, ...]
    """The models that go."""
    kept_models: tuple[str, ...]
    """Names of those that other grids or models need."""
    cells: int
    """Cells that go, with their scores."""
    shared_cells: int
    """Cells that stay, since other grids have them."""
    jobs: int
    """Runs that are forgotten, with their logs."""
    judgements: int
    """What people said of translations that go."""
    former_names: tuple[str, ...] = ()
    """Names that the grids had before."""


def planned_deletion(store: Store, grid: str) -> Deletion:
    """What would go with a grid; nothing is changed.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        return _deletion(connection, grid)


def delete_grid(store: Store, grid: str) -> Deletion:
    """Delete a grid, in one transaction; returns what is gone.

    Raises:
        StoreError: there is no such grid, or a driver works at it.
    """
    with store.database.reading() as connection:
        names = list(_grids(connection, grid).values())
    silent = {name: store.jobs.silent(name) for name in names}
    with store.database.writing(alone=True) as connection:
        found = _deletion(connection, grid)
        for name in found.grids:
            check_free(connection, name, silent.get(name, {}))
            _delete(connection, grid_number(connection, name))
        for model in found.models:
            _delete_model(connection, model.id)
        return found


def _deletion(connection: Connection, grid: str) -> Deletion:
    names = _grids(connection, grid)
    numbers = list(names)
    own = _own_models(connection, numbers)
    members = select(ModelRow.identity, GridModelRow.name).join(GridModelRow, GridModelRow.model_id == ModelRow.id)
    listed = members.where(GridModelRow.grid_id == numbers[0]).order_by(GridModelRow.position)
    called = {row.identity: row.name for row in connection.execute(listed)}
    total = _count(connection, _is_cell_of(numbers))
    going = _count(connection, and_(_is_cell_of(numbers), ~_is_elsewhere(numbers)))
    jobs = connection.execute(select(func.count()).where(JobRow.grid_id.in_(numbers))).scalar_one()
    judged = select(func.count()).select_from(JudgementRow).join(CellRow, CellRow.identity == JudgementRow.cell)
    judgements = connection.execute(judged.where(_is_cell_of(numbers), ~_is_elsewhere(numbers))).scalar_one()
    former = select(FormerNameRow.name).where(FormerNameRow.grid_id.in_(numbers))
    return Deletion(
        grids=tuple(names.values()),
        models=tuple(OwnModel(each, called.get(each, "base")) for each in own),
        kept_models=tuple(name for identity, name in called.items() if identity not in own),
        cells=going,
        shared_cells=total - going,
        jobs=jobs,
        judgements=judgements,
        former_names=tuple(sorted(connection.execute(former).scalars())),
    )


def _grids(connection: Connection, grid: str) -> dict[int, str]:
    """Names of a grid, and of those that its candidates were chosen on, by their numbers."""
    number = grid_number(connection, grid)
    name = connection.execute(select(GridRow.name).where(GridRow.id == number)).scalar_one()
    chosen = select(GridRow.id, GridRow.name).where(GridRow.spec["candidates_of"].as_string() == name)
    rows = connection.execute(chosen.order_by(GridRow.name))
    return {number: name, **{row.id: row.name for row in rows}}


def _own_models(connection: Connection, grids: Sequence[int]) -> list[str]:
    """Ids of the models that go with some grids; children before their parents."""
    of_grids = select(GridModelRow.model_id).where(GridModelRow.grid_id.in_(grids))
    bases = select(GridRow.base_id).where(GridRow.id.in_(grids))
    elsewhere = exists().where(GridModelRow.model_id == ModelRow.id, GridModelRow.grid_id.not_in(grids))
    is_base = exists().where(GridRow.base_id == ModelRow.id, GridRow.id.not_in(grids))
    query = select(ModelRow.id, ModelRow.identity).where(
        or_(ModelRow.id.in_(of_grids), ModelRow.id.in_(bases)), ~elsewhere, ~is_base
    )
    found = {row.id: row.identity for row in connection.execute(query)}
    # cells that a grid of before had, or a child of another grid, keep a model
    left = _left_cells(connection, grids, list(found))
    going = {number for number in found if number not in left}
    children = _children(connection, going)
    while needed := {parent for parent, child in children if parent in going and child not in going}:
        going -= needed
    parents = {parent for parent, _ in children}
    return [found[number] for number in sorted(going, key=lambda number: (number in parents, number))]


def _left_cells(connection: Connection, grids: Sequence[int], models: Sequence[int]) -> set[int]:
    """Those of some models that have a cell outside some grids."""
    inside = tuple_(CellRow.condition_id, CellRow.pair_id).in_(
        select(GridPairRow.condition_id, GridPairRow.pair_id).where(GridPairRow.grid_id.in_(grids))
    )
    query = select(CellRow.model_id).where(CellRow.model_id.in_(models), ~inside).distinct()
    return set(connection.execute(query).scalars())


def _children(connection: Connection, models: set[int]) -> list[tuple[int, int]]:
    """Which model each of some models is the parent or the base of."""
    child = aliased(ModelRow)
    pairs: list[tuple[int, int]] = []
    for column in (child.parent_id, child.base_id):
        pairs += [
            (parent, number) for parent, number in connection.execute(select(column, child.id)) if parent in models
        ]
    return [(parent, number) for parent, number in pairs if parent != number]


def _is_cell_of(grids: Sequence[int]) -> ColumnElement[bool]:
    """The SQL condition that a cell is of some grids."""
    return exists().where(GridModelRow.grid_id.in_(grids), GridPairRow.grid_id == GridModelRow.grid_id, is_member())


def _is_elsewhere(grids: Sequence[int]) -> ColumnElement[bool]:
    """The SQL condition that a cell is of another grid than some."""
    return exists().where(GridModelRow.grid_id.not_in(grids), GridPairRow.grid_id == GridModelRow.grid_id, is_member())


def _count(connection: Connection, which: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(CellRow).where(which)).scalar_one()


def _delete(connection: Connection, grid: int) -> None:
    """Delete a grid with its jobs, and the cells that are of no other grid."""
    models = list(connection.execute(select(GridModelRow.model_id).where(GridModelRow.grid_id == grid)).scalars())
    going = and_(_is_cell_of([grid]), ~_is_elsewhere([grid]))
    found = select(CellRow.model_id, CellRow.condition_id, CellRow.pair_id).where(going)
    pairs: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for model, condition, pair in connection.execute(found):
        pairs[model, condition].append(pair)
    for (model, condition), of_condition in pairs.items():
        for chunk in chunks(of_condition):
            _delete_judgements(connection, model, condition, chunk)
            for table in _tables("model_id", "condition_id", "pair_id"):
                columns = table.columns
                which = and_(columns.model_id == model, columns.condition_id == condition, columns.pair_id.in_(chunk))
                connection.execute(delete(table).where(which))
    jobs = select(JobRow.id).where(JobRow.grid_id == grid)
    connection.execute(delete(JobLineRow).where(JobLineRow.job_id.in_(jobs)))
    for table in _tables("grid_id"):
        connection.execute(delete(table).where(table.columns.grid_id == grid))
    connection.execute(delete(GridRow).where(GridRow.id == grid))
    aggregates.recount(connection, models)


def _delete_judgements(connection: Connection, model: int, condition: int, pairs: Sequence[int]) -> None:
    """Delete what people said of some cells."""
    judged = select(JudgementRow.id).join(CellRow, CellRow.identity == JudgementRow.cell)
    of_cells = judged.where(CellRow.model_id == model, CellRow.condition_id == condition, CellRow.pair_id.in_(pairs))
    connection.execute(delete(JudgementSpanRow).where(JudgementSpanRow.judgement_id.in_(of_cells)))
    connection.execute(delete(JudgementRow).where(JudgementRow.id.in_(of_cells)))


def _delete_model(connection: Connection, identity: str) -> None:
    number = connection.execute(select(ModelRow.id).where(ModelRow.identity == identity)).scalar_one()
    for table in _tables("model_id"):
        connection.execute(delete(table).where(table.columns.model_id == number))
    connection.execute(delete(ModelRow).where(ModelRow.id == number))


def _tables(*columns: str) -> list[Table]:
    """The tables whose rows are of a grid, a cell or a model, by these columns; those that refer to others first."""
    tables = reversed(ModelRow.metadata.sorted_tables)
    return [table for table in tables if {*columns} <= {*table.columns.keys()}]
