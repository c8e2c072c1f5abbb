"""Means over pairs by scope, summed in SQL: of grids that are too large to be read pair by pair for a table.

They are those of `aggregation.means_by_scope` but for the rounding of sums, in a tenth of the time.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, SQLColumnExpression, case, func, select
from sqlalchemy.orm import aliased

from dragoman.analysis.aggregation import SCOPES, ScopeMeans, scopes_of
from dragoman.analysis.score_slice import Slice, cell_of_score, same_cell
from dragoman.store.schema import PARTITIONS, CellRow, ScoreRow

_OWN, _BOTH = 3, 6
"""Sums of the model's scores alone, and of those that the other has too."""


def summed_by_scope(
    connection: Connection, part: Slice, *, model_id: int, other_id: int | None = None, micro: bool = False
) -> dict[str, ScopeMeans]:
    """Means over the partitions that occur, then over `unknown`, `unseen` and `all` where there are such pairs.

    Args:
        connection: a reading transaction.
        part: the slice.
        model_id: number of the model.
        other_id: number of the other that it stands beside, if any.
        micro: weigh each pair by its segments; by default all pairs count alike.
    """
    planned = select(CellRow.partition_id, func.count()).where(CellRow.model_id == model_id, part.holds(CellRow))
    pairs = {partition: count for partition, count in connection.execute(planned.group_by(CellRow.partition_id))}  # noqa: C416
    found = _sums(connection, part, model_id, other_id, micro)
    sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0] * (1 + _OWN + _BOTH))
    for partition, count in sorted(pairs.items()):
        values = [count, *(value or 0 for value in found.get(partition, ()))]
        for scope in scopes_of(PARTITIONS[partition]):
            for place, value in enumerate(values):
                sums[scope][place] += value
    return {scope: _means(*sums[scope]) for scope in SCOPES if scope in sums}


def _sums(
    connection: Connection, part: Slice, model_id: int, other_id: int | None, micro: bool
) -> dict[int, Sequence[Any]]:
    """By partition: the model's scores, their weight and sum; then of those that the other has the same.

    Of these there are both sums, and on how many the model's score is higher, and lower.
    """
    value, other = ScoreRow.value, aliased(ScoreRow)
    weight = CellRow.segments if micro else None

    def total(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
        return func.sum(column if weight is None else weight * column)

    def weighed(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
        return func.count(column) if weight is None else func.sum(case((column.is_not(None), weight)))

    columns = [func.count(value), weighed(value), total(value)]
    if other_id is not None:
        columns += [
            func.count(other.value),
            weighed(other.value),
            total(case((other.value.is_not(None), value))),
            total(other.value),
            func.count(case((value > other.value, 1))),
            func.count(case((value < other.value, 1))),
        ]
    query = select(ScoreRow.partition_id, *columns).where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
    if other_id is not None:
        query = query.outerjoin(other, same_cell(other, other_id, part.facing))
    if micro:
        query = query.join(CellRow, cell_of_score())
    return {row[0]: row[1:] for row in connection.execute(query.group_by(ScoreRow.partition_id))}


def _means(
    pairs: float,
    done: float,
    weight: float,
    total: float,
    both: float,
    both_weight: float,
    own_total: float,
    other_total: float,
    above: float,
    below: float,
) -> ScopeMeans:
    return ScopeMeans(
        pairs=int(pairs),
        done=int(done),
        mean=total / weight if weight else None,
        both=int(both),
        both_mean=own_total / both_weight if both_weight else None,
        other_mean=other_total / both_weight if both_weight else None,
        gain=(own_total - other_total) / both_weight if both_weight else None,
        above=int(above),
        below=int(below),
    )
