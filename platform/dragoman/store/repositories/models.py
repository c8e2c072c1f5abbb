"""Models in the store: lineage, training graphs and the partitions that follow from them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.orm import aliased

from dragoman.pair import Pair
from dragoman.partition import Evidence, TrainingGraph
from dragoman.store.database.connection import insert
from dragoman.store.database.ids import add_pairs, chunks, model_number
from dragoman.store.records import ModelRecord, now
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.partition_sql import partition_id
from dragoman.store.schema import (
    CellRow,
    ModelRow,
    PairRow,
    ScoreRow,
    TrainingPairRow,
    TrainingRow,
)


def add(connection: Connection, model: ModelRecord) -> None:
    """Add a model; one that is there stays as it is."""
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


def read(connection: Connection, model_ids: Sequence[int]) -> list[ModelRecord]:
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
            graph=graph(connection, row.id),
        )
        for row in connection.execute(query)
    }
    return [found[model_id] for model_id in model_ids]


def graph(connection: Connection, model_id: int) -> TrainingGraph:
    """Everything a model has seen, its ancestors' pairs included."""
    rows = connection.execute(
        select(TrainingPairRow.source, TrainingPairRow.target, TrainingPairRow.examples)
        .where(TrainingPairRow.model_id == model_id)
        .order_by(TrainingPairRow.source, TrainingPairRow.target)
    )
    examples = {Pair(source, target): count for source, target, count in rows}
    evidence = connection.execute(select(ModelRow.evidence).where(ModelRow.id == model_id)).scalar_one()
    return TrainingGraph(examples=examples, evidence=Evidence(evidence))


def own_graph(connection: Connection, model_id: int) -> TrainingGraph:
    """What a model's own training read, without what it inherits."""
    count = TrainingPairRow.examples - TrainingPairRow.inherited
    rows = connection.execute(
        select(TrainingPairRow.source, TrainingPairRow.target, count).where(
            TrainingPairRow.model_id == model_id, count > 0
        )
    )
    examples = {Pair(source, target): own for source, target, own in rows}
    evidence = connection.execute(select(ModelRow.own_evidence).where(ModelRow.id == model_id)).scalar_one()
    return TrainingGraph(examples=examples, evidence=Evidence(evidence))


def record_graph(connection: Connection, identity: str, own: TrainingGraph) -> None:
    """Write a model's own training graph; it and its descendants inherit along the lineage.

    Their cells' partitions follow, and the sums by partition; no other writer may run.
    """
    model_id = model_number(connection, identity)
    own = TrainingGraph(examples={pair: own.examples[pair] for pair in own.pairs}, evidence=own.evidence)
    if own_graph(connection, model_id) == own:
        return
    connection.execute(update(ModelRow).where(ModelRow.id == model_id).values(own_evidence=own.evidence.value))
    add_pairs(connection, own.pairs)
    parent = connection.execute(select(ModelRow.parent_id).where(ModelRow.id == model_id)).scalar()
    _write(connection, model_id, own, None if parent is None else graph(connection, parent))


def add_training(connection: Connection, identity: str, record: dict[str, Any]) -> None:
    """Keep what a finetuning reported; a later report replaces it."""
    row = {"record": record, "recorded": now()}
    statement = insert(connection, TrainingRow).values(model_id=model_number(connection, identity), **row)
    connection.execute(statement.on_conflict_do_update(index_elements=[TrainingRow.model_id], set_=row))


def training(connection: Connection, identity: str) -> dict[str, Any] | None:
    """What a finetuning reported; None for a model not trained here, or not yet."""
    query = select(TrainingRow.record).where(TrainingRow.model_id == model_number(connection, identity))
    return connection.execute(query).scalar()


def _write(connection: Connection, model_id: int, own: TrainingGraph, parent: TrainingGraph | None) -> None:
    # Nothing is known of a model whose own training is unknown, however well its parent is.
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
        _write(connection, child, own_graph(connection, child), whole)


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
