"""Repository of models: lineage, training graphs and the partitions that follow from them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.orm import aliased

from dragoman.pair import Pair
from dragoman.partition import Evidence, TrainingGraph
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import add_pairs, chunks, grid_number, model_number
from dragoman.store.records import UNKNOWN_GRAPH, ModelRecord, now
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.base import Repository
from dragoman.store.repositories.grids import grid_models
from dragoman.store.repositories.partition_sql import partition_id
from dragoman.store.schema import (
    CellRow,
    GridRow,
    ModelRow,
    PairRow,
    ScoreRow,
    TrainingPairRow,
    TrainingRow,
)


class ModelRepository(Repository):
    """Models with their lineage, training graphs and finetuning reports."""

    def add(self, model: ModelRecord) -> None:
        """Add a model, its parent and base before it; one that is there stays as it is.

        Raises:
            StoreError: its parent or base is not there.
        """
        with self._database.writing() as connection:
            row = {
                "identity": model.id,
                "name": model.name,
                "parent_id": model_number(connection, model.parent) if model.parent else None,
                "base_id": model_number(connection, model.base) if model.base and model.base != model.id else None,
                "recipe": model.recipe,
                "seed": model.seed,
                "created": now(),
            }
            connection.execute(insert(connection, ModelRow).values(**row).on_conflict_do_nothing())

    def record_graph(self, model_id: str, graph: TrainingGraph) -> None:
        """Write a model's own training graph; it and its descendants inherit along the lineage.

        The partitions of all their cells follow, and the sums by partition.

        Raises:
            StoreError: there is no such model.
        """
        with self._database.writing(alone=True) as connection:
            _record_graph(connection, model_number(connection, model_id), graph)

    def add_training(self, model_id: str, record: dict[str, Any]) -> None:
        """Write a finetuning's report: losses, examples, seconds, the checkpoint's folder.

        A later report replaces it.
        """
        row = {"record": record, "recorded": now()}
        with self._database.writing() as connection:
            statement = insert(connection, TrainingRow).values(model_id=model_number(connection, model_id), **row)
            connection.execute(statement.on_conflict_do_update(index_elements=[TrainingRow.model_id], set_=row))

    def get(self, model_id: str) -> ModelRecord:
        """One model, with everything it has seen.

        Raises:
            StoreError: there is none of that id.
        """
        with self._database.reading() as connection:
            return _read(connection, [model_number(connection, model_id)])[0]

    def of_grid(self, grid: str) -> list[ModelRecord]:
        """The models of a grid, under the names they have there, the base first.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            called = {number: name for name, number in grid_models(connection, grid_number(connection, grid)).items()}
            found = _read(connection, list(called))
            return [model.model_copy(update={"name": name}) for model, name in zip(found, called.values(), strict=True)]

    def lineage(self, grid: str) -> list[ModelRecord]:
        """A grid's models and base with all their ancestors, each after those it refers to.

        Raises:
            StoreError: there is no such grid.
        """
        with self._database.reading() as connection:
            grid_id = grid_number(connection, grid)
            base = connection.execute(select(GridRow.base_id).where(GridRow.id == grid_id)).scalar_one()
            earlier = {row.id: (row.parent_id, row.base_id) for row in connection.execute(select(ModelRow))}
            ordered: dict[int, None] = {}

            def visit(model_id: int | None) -> None:
                if model_id is not None and model_id not in ordered:
                    for other in earlier[model_id]:
                        visit(other)
                    ordered[model_id] = None

            for model_id in (base, *grid_models(connection, grid_id).values()):
                visit(model_id)
            return _read(connection, list(ordered))

    def own_graph(self, model_id: str) -> TrainingGraph:
        """A model's own training graph, without what it inherits; unknown for a model that is not there."""
        with self._database.reading() as connection:
            number = connection.execute(select(ModelRow.id).where(ModelRow.identity == model_id)).scalar()
            return UNKNOWN_GRAPH if number is None else _own_graph(connection, number)

    def training(self, model_id: str) -> dict[str, Any] | None:
        """A model's finetuning report; None before there is one, and for a model not trained here.

        Raises:
            StoreError: there is no such model.
        """
        with self._database.reading() as connection:
            number = model_number(connection, model_id)
            return connection.execute(select(TrainingRow.record).where(TrainingRow.model_id == number)).scalar()


def _read(connection: Connection, model_ids: Sequence[int]) -> list[ModelRecord]:
    """Models by number, in that order."""
    parent, base = aliased(ModelRow), aliased(ModelRow)
    query = (
        select(ModelRow, parent.identity.label("parent"), base.identity.label("base"))
        .outerjoin(parent, parent.id == ModelRow.parent_id)
        .outerjoin(base, base.id == ModelRow.base_id)
        .where(ModelRow.id.in_(model_ids))
    )
    found = {
        row.id: ModelRecord(
            id=row.identity,
            name=row.name,
            parent=row.parent,
            base=row.base,
            recipe=row.recipe,
            seed=row.seed,
            graph=_graph(connection, row.id),
        )
        for row in connection.execute(query)
    }
    return [found[model_id] for model_id in model_ids]


def _graph(connection: Connection, model_id: int) -> TrainingGraph:
    """Everything a model has seen, its ancestors' pairs included."""
    rows = connection.execute(
        select(TrainingPairRow.source, TrainingPairRow.target, TrainingPairRow.examples)
        .where(TrainingPairRow.model_id == model_id)
        .order_by(TrainingPairRow.source, TrainingPairRow.target)
    )
    examples = {Pair(source, target): count for source, target, count in rows}
    evidence = connection.execute(select(ModelRow.evidence).where(ModelRow.id == model_id)).scalar_one()
    return TrainingGraph(examples=examples, evidence=Evidence(evidence))


def _own_graph(connection: Connection, model_id: int) -> TrainingGraph:
    """A model's own training graph, without what it inherits."""
    count = TrainingPairRow.examples - TrainingPairRow.inherited
    rows = connection.execute(
        select(TrainingPairRow.source, TrainingPairRow.target, count).where(
            TrainingPairRow.model_id == model_id, count > 0
        )
    )
    examples = {Pair(source, target): own for source, target, own in rows}
    evidence = connection.execute(select(ModelRow.own_evidence).where(ModelRow.id == model_id)).scalar_one()
    return TrainingGraph(examples=examples, evidence=Evidence(evidence))


def _record_graph(connection: Connection, model_id: int, own: TrainingGraph) -> None:
    own = TrainingGraph(examples={pair: own.examples[pair] for pair in own.pairs}, evidence=own.evidence)
    if _own_graph(connection, model_id) == own:
        return
    connection.execute(update(ModelRow).where(ModelRow.id == model_id).values(own_evidence=own.evidence.value))
    add_pairs(connection, own.pairs)
    parent = connection.execute(select(ModelRow.parent_id).where(ModelRow.id == model_id)).scalar()
    _write(connection, model_id, own, None if parent is None else _graph(connection, parent))


def _write(connection: Connection, model_id: int, own: TrainingGraph, parent: TrainingGraph | None) -> None:
    # The graph of a model whose own training is unknown is unknown, whatever its parent's is.
    whole = own if parent is None or own.evidence is Evidence.UNKNOWN else own.inherit(parent)
    connection.execute(delete(TrainingPairRow).where(TrainingPairRow.model_id == model_id))
    rows = [
        {
            "model_id": model_id,
            "source": pair.source,
            "target": pair.target,
            "examples": whole.examples[pair],
            "inherited": whole.examples[pair] - own.examples.get(pair, 0),
        }
        for pair in sorted(whole.pairs)
    ]
    for chunk in chunks(rows):
        connection.execute(insert(connection, TrainingPairRow), chunk)
    connection.execute(update(ModelRow).where(ModelRow.id == model_id).values(evidence=whole.evidence.value))
    _refresh_partitions(connection, model_id)
    for child in connection.execute(select(ModelRow.id).where(ModelRow.parent_id == model_id)).scalars().all():
        _write(connection, child, _own_graph(connection, child), whole)


def _refresh_partitions(connection: Connection, model_id: int) -> None:
    for refresh in _REFRESHES:
        connection.execute(refresh, {"of_model": model_id})
    aggregates.recompute_model(connection, model_id)


# Made once: to make them takes longer than to run them.
_REFRESHES = (
    update(CellRow)
    .where(CellRow.model_id == bindparam("of_model"))
    .values(
        partition_id=select(partition_id(CellRow.model_id, PairRow.source, PairRow.target))
        .where(PairRow.id == CellRow.pair_id)
        .correlate(CellRow)
        .scalar_subquery()
    ),
    update(ScoreRow)
    .where(ScoreRow.model_id == bindparam("of_model"))
    .values(
        partition_id=select(CellRow.partition_id)
        .where(
            CellRow.model_id == ScoreRow.model_id,
            CellRow.condition_id == ScoreRow.condition_id,
            CellRow.pair_id == ScoreRow.pair_id,
        )
        .correlate(ScoreRow)
        .scalar_subquery()
    ),
)
