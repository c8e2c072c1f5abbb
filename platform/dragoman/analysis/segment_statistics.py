"""Stored segment statistics, read with their scores and checked against them, as a metric's code may have changed."""

from collections.abc import Collection, Iterable
from math import isclose
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, select
from sqlalchemy.orm import aliased

from dragoman.analysis.score_slice import Slice, same_cell
from dragoman.metrics.base import Metric, Statistics
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair
from dragoman.store.schema import ConditionRow, PairRow, PartitionSumRow, ScoreRow, SignatureRow, StatisticsRow

MOST_PAIRS = 2000
"""Pairs above which statistics are not read: to resample them all would take long."""

_TOLERANCE = 1e-6
"""Relative tolerance between a score and the score of its statistics."""

_NAMED = 5
"""Pairs named in a sentence before the rest is counted."""


class Stored(NamedTuple):
    """A score with its statistics."""

    value: float
    """The score."""
    packed: bytes | None
    """Its packed statistics; None where none are stored."""


class Beside(NamedTuple):
    """A model's score of a pair, and another model's of the same pair and signature."""

    own: Stored
    """The model's."""
    other: Stored | None
    """The other's; None where it has none."""


def statistics_of(
    connection: Connection, part: Slice, model_id: int, other_id: int, shared: bool = False
) -> dict[Pair, Beside]:
    """A model's scores in a slice with their statistics, beside another model's.

    Args:
        connection: a reading transaction.
        part: the slice.
        model_id: the model.
        other_id: the other.
        shared: only pairs that both have a score for.
    """
    other, theirs = aliased(ScoreRow), aliased(StatisticsRow)
    query = (
        select(PairRow.source, PairRow.target, ScoreRow.value, StatisticsRow.statistics, other.value, theirs.statistics)
        .select_from(ScoreRow)
        .join(PairRow, PairRow.id == ScoreRow.pair_id)
        .join(other, same_cell(other, other_id, part.facing), isouter=not shared)
        .outerjoin(StatisticsRow, _are_of(StatisticsRow, ScoreRow))
        .outerjoin(theirs, _are_of(theirs, other))
        .where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
    )
    return {
        Pair(source, target): Beside(Stored(value, packed), None if rival is None else Stored(rival, their_packed))
        for source, target, value, packed, rival, their_packed in connection.execute(query)
    }


class OfText(NamedTuple):
    """A score, and the test lines it is of."""

    text: tuple[int, int]
    """The test set and its edition: pairs of which these are equal were tested on the same lines."""
    signature: str
    """Its signature."""
    stored: Stored
    """The score with its statistics."""


def scores_of_texts(connection: Connection, part: Slice, model_id: int, pairs: Collection[Pair]) -> dict[Pair, OfText]:
    """A model's scores of some pairs in a slice with their statistics, each with the test lines it is of.

    Args:
        connection: a reading transaction.
        part: the slice.
        model_id: the model.
        pairs: the pairs.
    """
    query = (
        select(
            PairRow.source,
            PairRow.target,
            ConditionRow.test_set_id,
            ConditionRow.edition,
            SignatureRow.text,
            ScoreRow.value,
            StatisticsRow.statistics,
        )
        .select_from(ScoreRow)
        .join(PairRow, PairRow.id == ScoreRow.pair_id)
        .join(ConditionRow, ConditionRow.id == ScoreRow.condition_id)
        .join(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .outerjoin(StatisticsRow, _are_of(StatisticsRow, ScoreRow))
        .where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
    )
    return {
        pair: OfText((test_set, edition), signature, Stored(value, packed))
        for source, target, test_set, edition, signature, value, packed in connection.execute(query)
        if (pair := Pair(source, target)) in pairs
    }


def has_too_many(connection: Connection, part: Slice, model_id: int) -> bool:
    """Whether a model has more scores in a slice than are resampled."""
    scores = select(func.sum(PartitionSumRow.scores)).where(part.sums(model_id))
    return (connection.execute(scores).scalar() or 0) > MOST_PAIRS


def rows_of(metric: Metric, stored: Stored) -> Statistics | None:
    """The statistics of a score, segments × k; None where they don't reproduce the score.

    Raises:
        MetricError: they are damaged, or there are none.
    """
    rows = unpack(stored.packed or b"")
    return rows if agrees(float(metric.aggregate(rows.sum(axis=0))), stored.value) else None


def agrees(given: float, score: float) -> bool:
    """Whether the score computed from statistics is the one that is stored with them."""
    return isclose(given, score, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE**2)


def disagreement(metric: str, pairs: Iterable[Pair]) -> str:
    """The sentence about pairs whose statistics don't give their scores."""
    ordered = sorted(pairs)
    names = " ".join(map(str, ordered[:_NAMED]))
    rest = f" and {len(ordered) - _NAMED} more" if len(ordered) > _NAMED else ""
    return f"The stored statistics of {names}{rest} don't give the stored scores by the {metric} that is installed here"


def _are_of(statistics: type[StatisticsRow], score: type[ScoreRow]) -> ColumnElement[bool]:
    columns = ("model_id", "condition_id", "metric_id", "pair_id", "signature_id")
    rules: list[Any] = [getattr(statistics, name) == getattr(score, name) for name in columns]
    return and_(*rules)
