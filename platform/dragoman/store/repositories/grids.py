"""Grids in the store: who belongs to them, and their planned cells."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select

from dragoman.cell import Cell, CellState
from dragoman.errors import StoreError, nearest
from dragoman.pair import Pair
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import chunks, grid_number, metric_number, model_number, pair_numbers
from dragoman.store.records import CellRecord, GridRecord, now
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.conditions import Conditions
from dragoman.store.repositories.grid_metrics import asked_metrics
from dragoman.store.repositories.partition_sql import partition_id
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    DecodingRow,
    GridMetricRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    ModelRow,
    PairRow,
    PromptRow,
    TestRow,
    TestSetRow,
)

Task = tuple[int, int]
"""What every model of a grid does: a condition and a pair."""

Asked = tuple[str, str]
"""A prompt and a decoding."""


def add(connection: Connection, grid: GridRecord, records: Iterable[CellRecord]) -> None:
    """Add a grid with its cells, or replace what belongs to it; cells that are there keep their state.

    No other writer may run.

    Raises:
        StoreError: a model, test set, prompt or decoding was not added before, or the models' cells of a prompt differ.
    """
    models = {identity: model_number(connection, identity) for identity in grid.models}
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
    for table in (*aggregates.TABLES, GridModelRow, GridMetricRow, GridPairRow):
        connection.execute(delete(table).where(table.grid_id == grid_id))
    for position, (identity, name) in enumerate(_names(connection, grid).items()):
        member = {"grid_id": grid_id, "model_id": models[identity], "name": name, "position": position}
        connection.execute(insert(connection, GridModelRow).values(**member))
    for metric in grid.metrics:
        add_metric(connection, grid.name, metric)
    for chunk in chunks(sorted(tasks)):
        rows = [{"grid_id": grid_id, "condition_id": condition, "pair_id": pair} for condition, pair in chunk]
        connection.execute(insert(connection, GridPairRow), rows)
    aggregates.recompute(connection, grid_id)
    aggregates.recount(connection, models.values())


def add_metric(connection: Connection, name: str, metric: str) -> None:
    """Add a metric to a grid's tables."""
    grid_id = grid_number(connection, name)
    position = len(connection.execute(select(GridMetricRow).where(GridMetricRow.grid_id == grid_id)).all())
    row = {"grid_id": grid_id, "metric_id": metric_number(connection, metric), "position": position}
    connection.execute(insert(connection, GridMetricRow).values(**row).on_conflict_do_nothing())


def names(connection: Connection) -> list[str]:
    """The names of all grids, the latest first."""
    return list(connection.execute(select(GridRow.name).order_by(GridRow.updated.desc(), GridRow.name)).scalars())


def read(connection: Connection, name: str) -> GridRecord:
    """One grid.

    Raises:
        StoreError: there is none of that name.
    """
    grid_id = grid_number(connection, name)
    grid = connection.execute(
        select(GridRow, ModelRow.identity.label("base"))
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
        spec=grid.spec,
        spec_hash=grid.spec_hash,
        models=tuple(row.identity for row in members),
        base=grid.base,
        metrics=tuple(asked_metrics(connection, grid_id)),
        languages=tuple(grid.languages),
        names={row.identity: row.name for row in members},
    )


def model_numbers(connection: Connection, name: str) -> dict[int, str]:
    """The numbers of a grid's models in the order of its tables, with the names it calls them by."""
    query = select(GridModelRow.model_id, GridModelRow.name).where(
        GridModelRow.grid_id == grid_number(connection, name)
    )
    return {row.model_id: row.name for row in connection.execute(query.order_by(GridModelRow.position))}


def cells(
    connection: Connection, name: str, pair: Pair | None = None, model: str | None = None,
    state: CellState | None = None,
) -> Iterator[CellRecord]:  # fmt: skip
    """A grid's cells, one after another: arguments, order and errors are those of `Store.cells`."""
    query = (
        select(
            CellRow,
            TestRow.content,
            TestRow.lines,
            TestRow.segments.label("lines_count"),
            PairRow.source,
            PairRow.target,
            ModelRow.identity.label("model"),
            TestSetRow.identity.label("test_set"),
            PromptRow.identity.label("prompt"),
            DecodingRow.identity.label("decoding"),
        )
        .select_from(GridModelRow)
        .join(GridPairRow, GridPairRow.grid_id == GridModelRow.grid_id)
        .join(CellRow, is_member())
        # both are said, as SQLite does not infer one from the other: of one pair it would look through all
        .join(PairRow, (PairRow.id == CellRow.pair_id) & (PairRow.id == GridPairRow.pair_id))
        .join(ModelRow, ModelRow.id == CellRow.model_id)
        .join(ConditionRow, ConditionRow.id == CellRow.condition_id)
        .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
        .join(PromptRow, PromptRow.id == ConditionRow.prompt_id)
        .join(DecodingRow, DecodingRow.id == ConditionRow.decoding_id)
        .join(
            TestRow,
            (TestRow.test_set_id == ConditionRow.test_set_id)
            & (TestRow.pair_id == CellRow.pair_id)
            & (TestRow.edition == ConditionRow.edition),
        )
        .where(GridModelRow.grid_id == grid_number(connection, name))
        .order_by(GridModelRow.position, PairRow.source, PairRow.target, CellRow.condition_id)
    )
    if pair is not None:
        query = query.where(PairRow.source == pair.source, PairRow.target == pair.target)
    if model is not None:
        query = query.where(ModelRow.identity == model)
    if state is not None:
        query = query.where(CellRow.state == state.value)
    for row in connection.execute(query):
        yield CellRecord(
            cell=Cell(
                model=row.model,
                test_set=row.test_set,
                content=row.content,
                pair=Pair(row.source, row.target),
                prompt=row.prompt,
                decoding=row.decoding,
            ),
            state=CellState(row.state),
            reason=row.reason,
            hypotheses=row.hypotheses,
            test=row.lines,
            segments=row.lines_count if row.segments is None else row.segments,
            engine=row.engine,
            seconds=row.seconds,
            tokens=row.tokens,
            cut=row.cut,
            attempts=row.attempts,
        )


def is_member() -> ColumnElement[bool]:
    """That a cell is of a grid's model (`GridModelRow`), and on a pair of the grid (`GridPairRow`)."""
    return and_(
        CellRow.model_id == GridModelRow.model_id,
        CellRow.condition_id == GridPairRow.condition_id,
        CellRow.pair_id == GridPairRow.pair_id,
    )


def _add_cells(
    connection: Connection, grid: GridRecord, models: dict[str, int], records: Iterable[CellRecord]
) -> set[Task]:
    conditions = Conditions(connection)
    tasks: set[Task] = set()
    counts: Counter[tuple[str, Asked]] = Counter()
    of_prompt: defaultdict[Asked, set[Task]] = defaultdict(set)
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
    # The partition is worked out by the database as the row goes in.
    partition = partition_id(
        bindparam("of_model", type_=CellRow.model_id.type), bindparam("source_tag"), bindparam("target_tag")
    )
    columns = [column.key for column in CellRow.__table__.columns if column.key not in ("partition_id", "worker")]
    values: dict[str, Any] = {column: bindparam(column) for column in columns}
    statement = insert(connection, CellRow).values(partition_id=partition, **values)
    connection.execute(statement.on_conflict_do_nothing(), rows)


def _names(connection: Connection, grid: GridRecord) -> dict[str, str]:
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
