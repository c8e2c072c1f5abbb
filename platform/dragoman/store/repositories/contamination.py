"""Contamination in the store: what a model's training text has of the test sets it is judged on."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from dragoman.pair import Pair
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import add_pairs, chunks, grid_number, model_number, number, numbers
from dragoman.store.records import ContaminationRecord, now
from dragoman.store.schema import ConditionRow, ContaminationRow, GridModelRow, GridPairRow, ModelRow, TestSetRow


def write(connection: Connection, model: str, test_set: str, found: Iterable[ContaminationRecord]) -> None:
    """Write what was found of a test set in a model's training text; an earlier look at the same is replaced."""
    records = list(found)
    key = {
        "model_id": model_number(connection, model),
        "test_set_id": number(connection, TestSetRow.identity, test_set, "test set"),
    }
    connection.execute(delete(ContaminationRow).filter_by(**key))
    add_pairs(connection, {record.pair for record in records})
    moment = now()
    for chunk in chunks(records):
        rows = [
            record.model_dump(exclude={"model", "test_set", "pair"})
            | key
            | {"source": record.pair.source, "target": record.pair.target, "measured": moment}
            for record in chunk
        ]
        connection.execute(insert(connection, ContaminationRow), rows)


def looked(connection: Connection) -> set[tuple[str, str]]:
    """The models, with the test sets, that were looked at; by identity."""
    query = (
        select(ModelRow.identity, TestSetRow.identity)
        .join(ContaminationRow, ContaminationRow.model_id == ModelRow.id)
        .join(TestSetRow, TestSetRow.id == ContaminationRow.test_set_id)
        .distinct()
    )
    return {(model, test_set) for model, test_set in connection.execute(query)}


def read(connection: Connection, grid: str, models: Iterable[str]) -> list[ContaminationRecord]:
    """What is known of some models of a grid, by identity, and the test sets the grid has; by pair and side."""
    grid_id = grid_number(connection, grid)
    tested = select(ConditionRow.test_set_id).join(GridPairRow, GridPairRow.condition_id == ConditionRow.id)
    query = (
        select(ContaminationRow, ModelRow.identity.label("model"), TestSetRow.identity.label("test_set"))
        .join(ModelRow, ModelRow.id == ContaminationRow.model_id)
        .join(TestSetRow, TestSetRow.id == ContaminationRow.test_set_id)
        .join(GridModelRow, GridModelRow.model_id == ContaminationRow.model_id)
        .where(
            GridModelRow.grid_id == grid_id,
            ContaminationRow.test_set_id.in_(tested.where(GridPairRow.grid_id == grid_id)),
        )
        .order_by(GridModelRow.position, TestSetRow.identity)
        .order_by(ContaminationRow.source, ContaminationRow.target, ContaminationRow.side)
    )
    if wanted := numbers(connection, ModelRow.identity, models, "model"):
        query = query.where(ModelRow.id.in_(wanted.values()))
    return [
        ContaminationRecord(**{**row._asdict(), "pair": Pair(row.source, row.target)})
        for row in connection.execute(query)
    ]
