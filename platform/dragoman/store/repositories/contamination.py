"""Repository of contamination: test sentences found in the training text of models."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, delete, func, select

from dragoman.pair import Pair
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import add_pairs, chunks, grid_number, model_number, number
from dragoman.store.records import ContaminationRecord, now
from dragoman.store.repositories.base import Repository
from dragoman.store.schema import ConditionRow, ContaminationRow, GridModelRow, GridPairRow, ModelRow, TestSetRow


class ContaminationRepository(Repository):
    """Contamination records of models and test sets."""

    def record(self, model_id: str, test_set_id: str, found: Iterable[ContaminationRecord]) -> None:
        """Write a model's contamination with a test set; replaces earlier records of the two."""
        records = list(found)
        with self._database.writing() as connection:
            key = {
                "model_id": model_number(connection, model_id),
                "test_set_id": number(connection, TestSetRow.identity, test_set_id, "test set"),
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

    def measured(self) -> dict[tuple[str, str], int]:
        """The version of the search in each model's training text for a test set's sentences, by their identities."""
        query = (
            select(ModelRow.identity, TestSetRow.identity, func.min(ContaminationRow.search))
            .join(ContaminationRow, ContaminationRow.model_id == ModelRow.id)
            .join(TestSetRow, TestSetRow.id == ContaminationRow.test_set_id)
            .group_by(ModelRow.identity, TestSetRow.identity)
        )
        with self._database.reading() as connection:
            return {(model, test_set): search for model, test_set, search in connection.execute(query)}

    def of_grid(self, grid: str, model_id: str | None = None) -> list[ContaminationRecord]:
        """The contamination of a grid's models with the grid's test sets, by model, pair and side.

        A pair and side that was searched and is clean has a record with zeros; one without a record wasn't searched.

        Args:
            grid: name of the grid.
            model_id: only this model's; all of the grid's by default.

        Raises:
            StoreError: there is no such grid or model.
        """
        with self._database.reading() as connection:
            query = _of_grid(grid_number(connection, grid))
            if model_id is not None:
                query = query.where(ModelRow.id == model_number(connection, model_id))
            return [
                ContaminationRecord(**{**row._asdict(), "pair": Pair(row.source, row.target)})
                for row in connection.execute(query)
            ]


def _of_grid(grid_id: int) -> Select[*tuple[Any, ...]]:
    tested = select(ConditionRow.test_set_id).join(GridPairRow, GridPairRow.condition_id == ConditionRow.id)
    return (
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
