"""Reads and writes of scores with their statistics, and of the reasons why a metric has none."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select

from dragoman.cell import Unscorable
from dragoman.store.database.connection import insert, insert_of
from dragoman.store.database.ids import metric_number, signature_number
from dragoman.store.records import StoredScore
from dragoman.store.repositories import aggregates
from dragoman.store.schema import MetricRow, ScoreRow, SignatureRow, SpansRow, StatisticsRow, UnscorableRow


class CellKey(NamedTuple):
    """The primary key of a cell."""

    model_id: int
    condition_id: int
    pair_id: int


def bound(key: CellKey) -> dict[str, int]:
    """The key as the parameters that statements about one cell take it."""
    return {"of_model": key.model_id, "of_condition": key.condition_id, "of_pair": key.pair_id}


def read(connection: Connection, key: CellKey) -> list[StoredScore]:
    """The scores of a cell under every signature it was scored with."""
    query = (
        select(MetricRow.name, SignatureRow.text, ScoreRow.value, ScoreRow.low, ScoreRow.high)
        .add_columns(StatisticsRow.statistics, SpansRow.spans)
        .select_from(ScoreRow)
        .join(MetricRow, MetricRow.id == ScoreRow.metric_id)
        .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .outerjoin(StatisticsRow, is_of_score(StatisticsRow))
        .outerjoin(SpansRow, is_of_score(SpansRow))
        .where(
            ScoreRow.model_id == key.model_id,
            ScoreRow.condition_id == key.condition_id,
            ScoreRow.pair_id == key.pair_id,
        )
        .order_by(ScoreRow.metric_id, ScoreRow.signature_id)
    )
    fields = ("metric", "signature", "value", "low", "high", "statistics", "spans")
    return [StoredScore(**dict(zip(fields, row, strict=True))) for row in connection.execute(query)]


def is_of_score(row: type[StatisticsRow | SpansRow]) -> ColumnElement[bool]:
    """The SQL condition that statistics or spans are of a score."""
    columns = ("model_id", "condition_id", "metric_id", "pair_id", "signature_id")
    return and_(*(getattr(row, name) == getattr(ScoreRow, name) for name in columns))


def write(
    connection: Connection,
    cell: CellKey,
    partition_id: int,
    scores: Sequence[StoredScore],
    unscorable: Sequence[Unscorable],
) -> None:
    """Add scores of a cell, and the reasons of the metrics that have none; a signature that has a score keeps it."""
    rows, statistics, spans = [], [], []
    # Metrics and signatures come first: a new one is locked until the end, so nobody may wait for it while holding
    # the sums.
    reasons = [(metric_number(connection, metric), reason) for metric, reason in sorted(unscorable)]
    # Sorted, as everywhere rows are shared: writers lock them in the same order.
    for score in sorted(scores, key=lambda score: (score.metric, score.signature)):
        metric_id = metric_number(connection, score.metric)
        signature_id = signature_number(connection, metric_id, score.signature)
        key = cell._asdict() | {"metric_id": metric_id, "signature_id": signature_id}
        value = {"value": score.value, "low": score.low, "high": score.high}
        rows.append(key | {"partition_id": partition_id} | value)
        if score.statistics is not None:
            statistics.append(key | {"statistics": score.statistics})
        if score.spans is not None:
            spans.append(key | {"spans": score.spans})
    if rows:
        added = set(connection.execute(_adding_scores(connection.dialect.name), rows).scalars())
        for table, its in ((StatisticsRow, statistics), (SpansRow, spans)):
            if new := [row for row in its if row["signature_id"] in added]:
                connection.execute(insert(connection, table), new)
        new_scores = [
            (row["metric_id"], row["signature_id"], row["value"]) for row in rows if row["signature_id"] in added
        ]
        aggregates.add_cell(connection, cell, partition_id, new_scores)
    _note_unscorable(connection, cell, {row["metric_id"] for row in rows}, reasons)


def _note_unscorable(
    connection: Connection, key: CellKey, scored: Collection[int], reasons: Sequence[tuple[int, str]]
) -> None:
    connection.execute(_NOW_SCORED, {"scored": list(scored), **bound(key)})
    for metric_id, reason in reasons:
        row = key._asdict() | {"metric_id": metric_id, "reason": reason}
        statement = insert(connection, UnscorableRow).values(**row)
        connection.execute(
            statement.on_conflict_do_update(index_elements=UnscorableRow.__table__.primary_key, set_={"reason": reason})
        )


# Made once, as in `cells`.
_NOW_SCORED = (
    delete(UnscorableRow)
    .where(UnscorableRow.model_id == bindparam("of_model"), UnscorableRow.condition_id == bindparam("of_condition"))
    .where(UnscorableRow.pair_id == bindparam("of_pair"))
    .where(UnscorableRow.metric_id.in_(bindparam("scored", expanding=True)))
)


@cache
def _adding_scores(dialect: str) -> Any:
    return insert_of(dialect, ScoreRow).on_conflict_do_nothing().returning(ScoreRow.signature_id)
