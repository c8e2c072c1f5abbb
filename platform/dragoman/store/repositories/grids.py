"""Repository of grids: their models, pairs, metrics and planned cells."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select

from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.store.database.connection import insert, once
from dragoman.store.database.ids import chunks, grid_number, metric_number, model_number, number, pair_numbers
from dragoman.store.records import CellRecord, GridRecord, now
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.annotations import refuse_former
from dragoman.store.repositories.base import Repository
from dragoman.store.repositories.conditions import ConditionNumbers
from dragoman.store.repositories.grid_metrics import asked_metrics
from dragoman.store.repositories.grid_spec import spec_of
from dragoman.store.repositories.partition_sql import partition_id
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    GridMetricRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    GridTestSetRow,
    ModelRow,
    PairRow,
    TestSetRow,
)

Task = tuple[int, int]
"""The cells of every model of a grid: a condition and a pair each."""

PromptAndDecoding = tuple[str, str]
"""A prompt and a decoding."""


class GridRepository(Repository):
    """Grids: their specifications, models, metrics and planned cells."""

    def add(self, grid: GridRecord, cells: Iterable[CellRecord]) -> None:
        """Add a grid with its cells, or replace what belongs to it; cells that are there keep their state.

        Args:
            grid: the grid; its models, test set, prompt and decoding come before it.
            cells: one cell for each model and pair.

        Raises:
            StoreError: something it refers to is not there, or a model lacks a cell that another has.
        """
        with self._database.writing(alone=True) as connection:
            _add(connection, grid, cells)

    def add_metric(self, grid: str, metric: str) -> None:
        """Add a metric to those of a grid.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.writing() as connection:
            _add_metric(connection, grid_number(connection, grid), metric)

    def names(self) -> list[str]:
        """The names of all grids, the latest first."""
        with self._database.reading() as connection:
            return _names(connection)

    def all(self) -> list[GridRecord]:
        """All grids, the latest first."""
        with self._database.reading() as connection:
            return [once(connection, ("grid", name), partial(_read, connection, name)) for name in _names(connection)]

    def get(self, name: str) -> GridRecord:
        """One grid.

        Raises:
            StoreError: there is none of that name.
        """
        with self._database.reading() as connection:
            return once(connection, ("grid", name), lambda: _read(connection, name))

    def pairs(self, name: str, test_set: str | None = None) -> list[Pair]:
        """The planned pairs of a grid, in the order of its languages, source by source.

        Args:
            name: name of the grid.
            test_set: only those that are evaluated on the test set of this id.

        Raises:
            StoreError: there is none of that name.
        """
        place = {tag: number for number, tag in enumerate(self.get(name).languages)}
        query = select(PairRow.source, PairRow.target).join(GridPairRow, GridPairRow.pair_id == PairRow.id)
        if test_set is not None:
            query = query.join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
            query = query.join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
            query = query.where(TestSetRow.identity == test_set)
        with self._database.reading() as connection:
            query = query.where(GridPairRow.grid_id == grid_number(connection, name)).distinct()
            found = [Pair(*sides) for sides in connection.execute(query)]
        return sorted(found, key=lambda pair: [place[tag] for tag in pair])


def _add(connection: Connection, grid: GridRecord, records: Iterable[CellRecord]) -> None:
    models = {identity: model_number(connection, identity) for identity in grid.models}
    refuse_former(connection, grid.name)
    tasks = _add_cells(connection, grid, models, records)
    row = {
        "spec": grid.spec,
        "spec_hash": grid.spec_hash,
        "base_id": model_number(connection, grid.base),
        "languages": list(grid.languages),
        "updated": now(),
    }
    statement = insert(connection, GridRow).values(name=grid.name, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=[GridRow.name], set_=row))
    grid_id = grid_number(connection, grid.name)
    for table in (*aggregates.TABLES, GridModelRow, GridMetricRow, GridPairRow, GridTestSetRow):
        connection.execute(delete(table).where(table.grid_id == grid_id))
    for position, (identity, name) in enumerate(_model_names(connection, grid).items()):
        member = {"grid_id": grid_id, "model_id": models[identity], "name": name, "position": position}
        connection.execute(insert(connection, GridModelRow).values(**member))
    for metric in grid.metrics:
        _add_metric(connection, grid_id, metric)
    for position, (identity, name) in enumerate(grid.test_sets.items()):
        test_set_id = number(connection, TestSetRow.identity, identity, "test set")
        member = {"grid_id": grid_id, "test_set_id": test_set_id, "name": name, "position": position}
        connection.execute(insert(connection, GridTestSetRow).values(**member))
    for chunk in chunks(sorted(tasks)):
        rows = [{"grid_id": grid_id, "condition_id": condition, "pair_id": pair} for condition, pair in chunk]
        connection.execute(insert(connection, GridPairRow), rows)
    aggregates.recompute(connection, grid_id)
    aggregates.recount(connection, models.values())


def _add_metric(connection: Connection, grid_id: int, metric: str) -> None:
    position = len(connection.execute(select(GridMetricRow).where(GridMetricRow.grid_id == grid_id)).all())
    row = {"grid_id": grid_id, "metric_id": metric_number(connection, metric), "position": position}
    connection.execute(insert(connection, GridMetricRow).values(**row).on_conflict_do_nothing())


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(GridRow.name).order_by(GridRow.updated.desc(), GridRow.name)).scalars())


def _read(connection: Connection, name: str) -> GridRecord:
    grid_id = grid_number(connection, name)
    grid = connection.execute(
        select(GridRow.name, GridRow.spec_hash, GridRow.languages, ModelRow.identity.label("base"))
        .join(ModelRow, ModelRow.id == GridRow.base_id)
        .where(GridRow.id == grid_id)
    ).one()
    members = connection.execute(
        select(ModelRow.identity, GridModelRow.name)
        .join(GridModelRow, GridModelRow.model_id == ModelRow.id)
        .where(GridModelRow.grid_id == grid_id)
        .order_by(GridModelRow.position)
    ).all()
    return GridRecord(
        name=grid.name,
        spec=spec_of(connection, grid_id),
        spec_hash=grid.spec_hash,
        models=tuple(row.identity for row in members),
        base=grid.base,
        metrics=tuple(asked_metrics(connection, grid_id)),
        languages=tuple(grid.languages),
        names={row.identity: row.name for row in members},
        test_sets=test_set_names(connection, grid_id),
    )


def test_set_names(connection: Connection, grid_id: int) -> dict[str, str]:
    """The names of a grid's test sets by identity, the first one first; none where its one test set has no name."""
    query = (
        select(TestSetRow.identity, GridTestSetRow.name)
        .join(TestSetRow, TestSetRow.id == GridTestSetRow.test_set_id)
        .where(GridTestSetRow.grid_id == grid_id)
        .order_by(GridTestSetRow.position)
    )
    return {row.identity: row.name for row in connection.execute(query)}


def is_member() -> ColumnElement[bool]:
    """The SQL condition that a cell is of a model (`GridModelRow`) and on a pair (`GridPairRow`) of a grid."""
    return and_(
        CellRow.model_id == GridModelRow.model_id,
        CellRow.condition_id == GridPairRow.condition_id,
        CellRow.pair_id == GridPairRow.pair_id,
    )


def _add_cells(
    connection: Connection, grid: GridRecord, models: dict[str, int], records: Iterable[CellRecord]
) -> set[Task]:
    conditions = ConditionNumbers(connection)
    tasks: set[Task] = set()
    counts: Counter[tuple[str, PromptAndDecoding]] = Counter()
    of_prompt: defaultdict[PromptAndDecoding, set[Task]] = defaultdict(set)
    pair_of: dict[Pair, int] = {}
    for chunk in chunks(records):
        pairs = {record.cell.pair for record in chunk}
        if not pairs <= pair_of.keys():
            pair_of = pair_numbers(connection, pairs)
        rows = []
        for record in chunk:
            cell = record.cell
            if cell.model not in models:
                raise StoreError(f"Grid '{grid.name}' has a cell of {cell.model}, which is not among its models.")
            task = conditions.of(record, pair_of[cell.pair]), pair_of[cell.pair]
            tasks.add(task)
            counts[cell.model, (cell.prompt, cell.decoding)] += 1
            of_prompt[cell.prompt, cell.decoding].add(task)
            rows.append(_row(record, models[cell.model], *task))
        conditions.write_tests()
        _insert_cells(connection, rows)
    for identity in models:
        found = {prompt: counts[identity, prompt] for prompt in of_prompt if counts[identity, prompt]}
        if (tasks and not found) or any(count != len(of_prompt[prompt]) for prompt, count in found.items()):
            raise StoreError(
                f"Grid '{grid.name}' has {sum(found.values())} cells of {identity} and {len(tasks)} pairs: "
                "give every model one cell for each pair, so that they can be compared."
            )
    return tasks


def _row(record: CellRecord, model_id: int, condition_id: int, pair_id: int) -> dict[str, Any]:
    plain = record.model_dump(exclude={"cell", "test"}, mode="json")
    if record.hypotheses is None:
        plain["segments"] = None  # the number of lines to translate is the test's
    key = {"model_id": model_id, "condition_id": condition_id, "pair_id": pair_id}
    pair = {"source_tag": record.cell.pair.source, "target_tag": record.cell.pair.target}
    return plain | key | pair | {"identity": record.cell.id, "updated": now(), "of_model": model_id}


def _insert_cells(connection: Connection, rows: list[dict[str, Any]]) -> None:
    # The partition is computed by the database on insert.
    partition = partition_id(
        bindparam("of_model", type_=CellRow.model_id.type), bindparam("source_tag"), bindparam("target_tag")
    )
    columns = [column.key for column in CellRow.__table__.columns if column.key not in ("partition_id", "worker")]
    values: dict[str, Any] = {column: bindparam(column) for column in columns}
    statement = insert(connection, CellRow).values(partition_id=partition, **values)
    connection.execute(statement.on_conflict_do_nothing(), rows)


def _model_names(connection: Connection, grid: GridRecord) -> dict[str, str]:
    rows = connection.execute(select(ModelRow.identity, ModelRow.name).where(ModelRow.identity.in_(grid.models)))
    own = {row.identity: row.name for row in rows} | {grid.base: "base"}
    called = {identity: grid.names.get(identity, own[identity]) for identity in grid.models}
    for identity, name in called.items():
        if list(called.values()).count(name) > 1:
            raise StoreError(f"Grid '{grid.name}' calls {identity} and another model '{name}': give each its own name.")
    return called


def grid_models(connection: Connection, grid_id: int) -> dict[str, int]:
    """The numbers of a grid's models by name, in its order."""
    query = select(GridModelRow.name, GridModelRow.model_id).where(GridModelRow.grid_id == grid_id)
    return {row.name: row.model_id for row in connection.execute(query.order_by(GridModelRow.position))}


def number_of(grid: str, models: dict[str, int], name: str) -> int:
    """The number of a model by its name in a grid.

    Raises:
        StoreError: the grid has no such model.
    """
    if name not in models:
        raise StoreError(f"Grid '{grid}' has no model '{name}': {nearest(name, models)}")
    return models[name]
