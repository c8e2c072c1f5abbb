"""Cells in the store: how far they have come, and their scores."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.store.database.connection import insert, insert_of
from dragoman.store.database.ids import CHUNK, metric_number, signature_number
from dragoman.store.records import StoredScore, Translation, now
from dragoman.store.repositories import aggregates
from dragoman.store.schema import CellRow, MetricRow, ScoreRow, SignatureRow, StatisticsRow, UnscorableRow

TRANSLATED = (CellState.DONE, CellState.UNSCORABLE)
"""States in which a cell has hypotheses."""


class CellKey(NamedTuple):
    """The primary key of a cell."""

    model_id: int
    condition_id: int
    pair_id: int


class _Found(NamedTuple):
    key: CellKey
    partition_id: int
    state: CellState
    worker: str | None


def start(connection: Connection, cell_id: str, worker: str) -> bool:
    """A worker begins; a cell that is translated, or that another one works at, stays as it is: returns False."""
    cell = _find(connection, cell_id)
    if cell.state in TRANSLATED or (cell.state is CellState.RUNNING and cell.worker != worker):
        return False
    connection.execute(_STARTING, {"worker_now": worker, "now": now(), **_found_as(cell.key)})
    _count(connection, cell, CellState.RUNNING)
    return True


def commit(
    connection: Connection,
    translation: Translation,
    scores: Sequence[StoredScore],
    unscorable: Sequence[tuple[str, str]],
) -> None:
    """A cell is translated and scored; a translated cell stays as it is."""
    cell = _find(connection, translation.cell_id)
    if cell.state in TRANSLATED:
        return
    state = CellState.DONE if scores or not unscorable else CellState.UNSCORABLE
    reason = None if state is CellState.DONE else "; ".join(f"{metric}: {why}" for metric, why in unscorable)
    _change(connection, cell.key, state=state, reason=reason, **translation.model_dump(exclude={"cell_id"}))
    _score(connection, cell, scores, unscorable)
    _count(connection, cell, state)


def add_scores(
    connection: Connection, cell_id: str, scores: Sequence[StoredScore], unscorable: Sequence[tuple[str, str]]
) -> None:
    """Add scores of a translated cell; those it has stay as they are.

    Raises:
        StoreError: the cell is not translated.
    """
    cell = _find(connection, cell_id)
    if cell.state not in TRANSLATED:
        raise StoreError(f"Cell {cell_id} is {cell.state} and has no translation to score: run its grid first.")
    _score(connection, cell, scores, unscorable)
    if cell.state is CellState.UNSCORABLE and scores:
        _change(connection, cell.key, state=CellState.DONE, reason=None)
        _count(connection, cell, CellState.DONE)


def fail(connection: Connection, cell_id: str, reason: str) -> None:
    """A cell failed; a translated cell stays as it is."""
    _end_without_text(connection, cell_id, CellState.FAILED, reason)


def lack(connection: Connection, cell_id: str, reason: str) -> None:
    """A cell's pair turned out to be one that the model can't translate; a translated cell stays as it is."""
    _end_without_text(connection, cell_id, CellState.MISSING, reason)


def _end_without_text(connection: Connection, cell_id: str, state: CellState, reason: str) -> None:
    cell = _find(connection, cell_id)
    if cell.state not in TRANSLATED:
        _change(connection, cell.key, state=state, reason=reason)
        _count(connection, cell, state)


def reset(connection: Connection, cell_ids: Collection[str]) -> int:
    """Plan running cells again, and return how many there were."""
    ids = list(cell_ids)
    parts = (ids[begin : begin + CHUNK] for begin in range(0, len(ids), CHUNK))
    return plan_again(connection, CellState.RUNNING, [CellRow.identity.in_(part) for part in parts])


def plan_again(connection: Connection, state: CellState, which: Iterable[ColumnElement[bool]]) -> int:
    """Plan the cells of one state again that are among some, and return how many there were."""
    changed: Counter[tuple[int, int]] = Counter()
    for these in which:
        statement = (
            update(CellRow)
            .where(CellRow.state == state.value, these)
            .values(state=CellState.PLANNED.value, reason=None, worker=None, updated=now())
            .returning(CellRow.model_id, CellRow.condition_id)
        )
        changed.update((row.model_id, row.condition_id) for row in connection.execute(statement))
    aggregates.move(connection, changed, state, CellState.PLANNED)
    return changed.total()


def scores(connection: Connection, cell_id: str) -> list[StoredScore]:
    """The scores of a cell under every signature it was scored with."""
    key = _find(connection, cell_id, to_change=False).key
    query = (
        select(MetricRow.name, SignatureRow.text, ScoreRow.value, ScoreRow.low, ScoreRow.high, StatisticsRow.statistics)
        .join(MetricRow, MetricRow.id == ScoreRow.metric_id)
        .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .outerjoin(
            StatisticsRow,
            (StatisticsRow.model_id == ScoreRow.model_id)
            & (StatisticsRow.condition_id == ScoreRow.condition_id)
            & (StatisticsRow.metric_id == ScoreRow.metric_id)
            & (StatisticsRow.pair_id == ScoreRow.pair_id)
            & (StatisticsRow.signature_id == ScoreRow.signature_id),
        )
        .where(
            ScoreRow.model_id == key.model_id,
            ScoreRow.condition_id == key.condition_id,
            ScoreRow.pair_id == key.pair_id,
        )
        .order_by(ScoreRow.metric_id, ScoreRow.signature_id)
    )
    fields = ("metric", "signature", "value", "low", "high", "statistics")
    return [StoredScore(**dict(zip(fields, row, strict=True))) for row in connection.execute(query)]


def _find(connection: Connection, cell_id: str, to_change: bool = True) -> _Found:
    row = connection.execute(_TO_CHANGE if to_change else _TO_READ, {"identity": cell_id}).one_or_none()
    if row is None:
        raise StoreError(f"The store has no cell {cell_id}: add its grid first.")
    key = CellKey(row.model_id, row.condition_id, row.pair_id)
    return _Found(key, row.partition_id, CellState(row.state), row.worker)


def _change(connection: Connection, key: CellKey, **values: object) -> None:
    plain = {name: value.value if isinstance(value, CellState) else value for name, value in values.items()}
    connection.execute(_CHANGING, {**plain, "updated": now(), **_found_as(key)})


def _count(connection: Connection, cell: _Found, state: CellState) -> None:
    aggregates.move(connection, {cell.key[:2]: 1}, cell.state, state)


def _found_as(key: CellKey) -> dict[str, int]:
    """The key as the statements below take it."""
    return {"of_model": key.model_id, "of_condition": key.condition_id, "of_pair": key.pair_id}


# Made once: to make a statement takes several times as long as to run it.
_TO_READ = select(
    CellRow.model_id, CellRow.condition_id, CellRow.pair_id, CellRow.partition_id, CellRow.state, CellRow.worker
).where(CellRow.identity == bindparam("identity"))
_TO_CHANGE = _TO_READ.with_for_update()  # two drivers at the same cell take turns
_CHANGING = (
    update(CellRow)
    .where(CellRow.model_id == bindparam("of_model"))
    .where(CellRow.condition_id == bindparam("of_condition"), CellRow.pair_id == bindparam("of_pair"))
)
_STARTING = _CHANGING.values(
    state=CellState.RUNNING.value, attempts=CellRow.attempts + 1, worker=bindparam("worker_now"), reason=None,
    updated=bindparam("now"),
)  # fmt: skip

_NOW_SCORED = (
    delete(UnscorableRow)
    .where(UnscorableRow.model_id == bindparam("of_model"), UnscorableRow.condition_id == bindparam("of_condition"))
    .where(UnscorableRow.pair_id == bindparam("of_pair"))
    .where(UnscorableRow.metric_id.in_(bindparam("scored", expanding=True)))
)


@cache
def _adding_scores(dialect: str) -> Any:
    return insert_of(dialect, ScoreRow).on_conflict_do_nothing().returning(ScoreRow.signature_id)


def _score(
    connection: Connection, cell: _Found, scores: Sequence[StoredScore], unscorable: Sequence[tuple[str, str]]
) -> None:
    rows, statistics = [], []
    # Numbers come first: a new metric or signature is locked until the end, and so must not be asked for by who holds
    # sums already.
    reasons = [(metric_number(connection, metric), reason) for metric, reason in sorted(unscorable)]
    # Sorted, as everywhere rows are shared: writers lock them in the same order.
    for score in sorted(scores, key=lambda score: (score.metric, score.signature)):
        metric_id = metric_number(connection, score.metric)
        signature_id = signature_number(connection, metric_id, score.signature)
        key = cell.key._asdict() | {"metric_id": metric_id, "signature_id": signature_id}
        value = {"value": score.value, "low": score.low, "high": score.high}
        rows.append(key | {"partition_id": cell.partition_id} | value)
        if score.statistics is not None:
            statistics.append(key | {"statistics": score.statistics})
    if rows:
        added = set(connection.execute(_adding_scores(connection.dialect.name), rows).scalars())
        if new := [row for row in statistics if row["signature_id"] in added]:
            connection.execute(insert(connection, StatisticsRow), new)
        new_scores = [
            (row["metric_id"], row["signature_id"], row["value"]) for row in rows if row["signature_id"] in added
        ]
        aggregates.add_cell(connection, cell.key, cell.partition_id, new_scores)
    _note_unscorable(connection, cell.key, {row["metric_id"] for row in rows}, reasons)


def _note_unscorable(
    connection: Connection, key: CellKey, scored: Collection[int], reasons: Sequence[tuple[int, str]]
) -> None:
    connection.execute(_NOW_SCORED, {"scored": list(scored), **_found_as(key)})
    for metric_id, reason in reasons:
        row = key._asdict() | {"metric_id": metric_id, "reason": reason}
        statement = insert(connection, UnscorableRow).values(**row)
        connection.execute(
            statement.on_conflict_do_update(index_elements=UnscorableRow.__table__.primary_key, set_={"reason": reason})
        )
