"""Reads and writes of scores with their statistics, and of the reasons why a metric has none."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, select

from dragoman.cell import Unscorable
from dragoman.store.database.connection import insert, insert_of
from dragoman.store.database.ids import metric_number, signature_number
from dragoman.store.records import StoredScore
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.aggregates import NewScore
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


class CellScores:
    """Scores to write of one cell, and the reasons of the metrics that have none."""

    def __init__(self, identity: str, key: CellKey, partition_id: int, *, has_reasons: bool) -> None:
        """Begin with nothing to write.

        Args:
            identity: the cell's id.
            key: its primary key.
            partition_id: its partition.
            has_reasons: whether the store has reasons of metrics that can't score it.
        """
        self.identity, self.key, self.partition_id, self.has_reasons = identity, key, partition_id, has_reasons
        self.scores: dict[tuple[str, str], StoredScore] = {}
        """By metric and signature."""
        self.reasons: dict[str, str] = {}
        """By metric."""

    def add(self, scores: Sequence[StoredScore], unscorable: Sequence[Unscorable]) -> None:
        """Add to them; a signature that has a score keeps it."""
        for score in scores:
            self.scores.setdefault((score.metric, score.signature), score)
            self.reasons.pop(score.metric, None)
        self.reasons.update(unscorable)


def write(connection: Connection, cells: Sequence[CellScores]) -> None:
    """Add scores of cells, and reasons of metrics that have none; a signature that has a score keeps it.

    Args:
        connection: a writing transaction.
        cells: the scores of each.
    """
    cells = sorted((cell for cell in cells if cell.scores or cell.reasons), key=lambda cell: cell.key)
    if not cells:
        return
    # Metrics and signatures come first: a new one is locked until the end, so nobody may wait for it while holding
    # the sums.
    numbers = _Numbers(connection, cells)
    rows, statistics, spans = [], [], []
    partitions = {cell.key: cell.partition_id for cell in cells}
    # Sorted, as everywhere rows are shared: writers lock them in the same order.
    for cell in cells:
        for (metric, signature), score in sorted(cell.scores.items(), key=lambda item: item[0]):
            signature_id = numbers.signatures[metric, signature]
            key = cell.key._asdict() | {"metric_id": numbers.metrics[metric], "signature_id": signature_id}
            value = {"value": score.value, "low": score.low, "high": score.high}
            rows.append(key | {"partition_id": cell.partition_id} | value)
            if score.statistics is not None:
                statistics.append(key | {"statistics": score.statistics})
            if score.spans is not None:
                spans.append(key | {"spans": score.spans})
    if rows:
        added = {tuple(row) for row in connection.execute(_adding_scores(connection.dialect.name), rows)}

        def is_new(row: dict[str, Any]) -> bool:
            return (row["model_id"], row["condition_id"], row["pair_id"], row["signature_id"]) in added

        for table, its in ((StatisticsRow, statistics), (SpansRow, spans)):
            if new := [row for row in its if is_new(row)]:
                connection.execute(insert(connection, table), new)
        new_scores = []
        for row in filter(is_new, rows):
            key = CellKey(row["model_id"], row["condition_id"], row["pair_id"])
            new_scores.append(NewScore(key, partitions[key], row["metric_id"], row["signature_id"], row["value"]))
        aggregates.add_cells(connection, [cell.identity for cell in cells if cell.scores], new_scores)
    _write_reasons(connection, cells, numbers.metrics)


class _Numbers:
    """The numbers of metrics and of their signatures; those that the store lacks are added."""

    def __init__(self, connection: Connection, cells: Iterable[CellScores]) -> None:
        wanted = {key for cell in cells for key in cell.scores}
        names = {metric for metric, _ in wanted} | {metric for cell in cells for metric in cell.reasons}
        self.metrics: dict[str, int] = {}
        """By name."""
        self.signatures: dict[tuple[str, str], int] = {}
        """By the name of the metric, and their text."""
        known = {"names": sorted(names), "texts": sorted({text for _, text in wanted})}
        for name, metric_id, text, signature_id in connection.execute(_KNOWN, known):
            self.metrics[name] = metric_id
            self.signatures[name, text] = signature_id
        for name in sorted(names - self.metrics.keys()):
            self.metrics[name] = metric_number(connection, name)
        for name, text in sorted(wanted - self.signatures.keys()):
            self.signatures[name, text] = signature_number(connection, self.metrics[name], text)


def _write_reasons(connection: Connection, cells: Iterable[CellScores], metrics: Mapping[str, int]) -> None:
    scored = [
        {"of_metric": metrics[metric], **bound(cell.key)}
        for cell in cells
        if cell.has_reasons
        for metric in sorted({metric for metric, _ in cell.scores})
    ]
    if scored:
        connection.execute(_NOW_SCORED, scored)
    reasons = [
        cell.key._asdict() | {"metric_id": metrics[metric], "reason": reason}
        for cell in cells
        for metric, reason in sorted(cell.reasons.items())
    ]
    if reasons:
        connection.execute(_noting(connection.dialect.name), reasons)


# Made once, as in `cell_updates`.
_KNOWN = (
    select(MetricRow.name, MetricRow.id, SignatureRow.text, SignatureRow.id)
    .outerjoin(
        SignatureRow,
        (SignatureRow.metric_id == MetricRow.id) & SignatureRow.text.in_(bindparam("texts", expanding=True)),
    )
    .where(MetricRow.name.in_(bindparam("names", expanding=True)))
)
_NOW_SCORED = (
    delete(UnscorableRow)
    .where(UnscorableRow.model_id == bindparam("of_model"), UnscorableRow.condition_id == bindparam("of_condition"))
    .where(UnscorableRow.pair_id == bindparam("of_pair"), UnscorableRow.metric_id == bindparam("of_metric"))
)


@cache
def _adding_scores(dialect: str) -> Any:
    inserted = insert_of(dialect, ScoreRow).on_conflict_do_nothing()
    return inserted.returning(ScoreRow.model_id, ScoreRow.condition_id, ScoreRow.pair_id, ScoreRow.signature_id)


@cache
def _noting(dialect: str) -> Any:
    statement = insert_of(dialect, UnscorableRow)
    return statement.on_conflict_do_update(
        index_elements=UnscorableRow.__table__.primary_key, set_={"reason": statement.excluded.reason}
    )
