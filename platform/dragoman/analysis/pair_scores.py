"""The pair matrix as NumPy columns: one model's scores beside another's, for charts of tens of thousands of pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, func, select

from dragoman.analysis.line_labels import moment_of_labels
from dragoman.analysis.line_slice import reading
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice, scored_cells
from dragoman.analysis.significance_plan import ALPHA
from dragoman.cell import CellState
from dragoman.metrics.significance import Correction, interval_tests
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.database.connection import fetched
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grids import grid_models, number_of
from dragoman.store.schema import (
    PARTITIONS,
    CellRow,
    GridRow,
    PairRow,
    PartitionSumRow,
    ScoreRow,
    SignatureRow,
    UnscorableRow,
)
from dragoman.store.store import Store

BASE = "base"
"""What a grid calls its base model."""
OFF_TARGET = "off_target"
"""The metric that tables show beside every other."""

STATES = tuple(CellState)
"""Cell states by their number in `PairColumns.states`."""

Numbers = NDArray[np.float64]


class Scored(NamedTuple):
    """One model's scores, an array element for each pair; NaN where there is none."""

    values: Numbers
    """The scores."""
    lows: Numbers
    """Lower ends of their 95% intervals."""
    highs: Numbers
    """Upper ends of them."""

    @property
    def widths(self) -> Numbers:
        """How wide the intervals are."""
        return self.highs - self.lows


class PairColumns(NamedTuple):
    """Every planned pair of a grid under one model, as columns; equal indices are one pair."""

    ids: NDArray[np.int64]
    """Numbers of the pairs in the store, sorted."""
    sources: NDArray[np.str_]
    """Source languages."""
    targets: NDArray[np.str_]
    """Target languages."""
    partitions: NDArray[np.int8]
    """Partitions, by their number in the store (`schema.PARTITIONS`; 0 is unknown)."""
    states: NDArray[np.int8]
    """States, by their index in `STATES`; `unscorable` also where only this metric can't score the pair."""
    segments: Numbers
    """Segments of each cell; NaN where it has none yet."""
    own: Scored
    """The model's scores."""
    other: Scored
    """The other model's scores on the same pairs, under the same signatures."""
    reasons: Mapping[int, str]
    """Why a pair has no score, by its index."""
    signatures: tuple[str, ...]
    """The signatures of the model's scores."""

    @property
    def gains(self) -> Numbers:
        """The model's scores minus the other's; NaN where one of them has none."""
        return self.own.values - self.other.values

    @property
    def pairs(self) -> list[Pair]:
        """The directions."""
        return [Pair(*sides) for sides in zip(self.sources.tolist(), self.targets.tolist(), strict=True)]

    def weights(self, micro: bool) -> Numbers:
        """The weight of each pair in a mean: its segments, or all alike."""
        return np.where(np.isnan(self.segments) | (not micro), 1.0, self.segments)


def pair_columns(store: Store, question: ScoreQuestion, *, model: str, against: str = BASE) -> PairColumns:
    """The content of `pair_scores` as columns, in a tenth of the time: 0.2 seconds for 39,800 pairs.

    Args:
        store: the store.
        question: the query.
        model: the model's name in the grid.
        against: the model compared with; by default the grid's base, evaluated in it or not.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with reading(store, question) as connection:
        part = Slice.of(connection, question, _named(model, against))
        number, other = number_of(question.grid, part.models, model), _other(question.grid, part, against)
        return read_columns(connection, part, model_id=number, other_id=other)


def read_columns(connection: Connection, part: Slice, *, model_id: int, other_id: int | None = None) -> PairColumns:
    """The planned pairs of one model in a slice, beside another's scores of the same text and signatures, or none.

    Args:
        connection: a reading transaction.
        part: the slice.
        model_id: number of the model.
        other_id: number of the other.
    """
    cells = fetched(
        connection,
        select(
            CellRow.pair_id,
            CellRow.condition_id,
            CellRow.partition_id,
            CellRow.state,
            CellRow.reason,
            CellRow.segments,
        )
        .where(CellRow.model_id == model_id, part.holds(CellRow))
        .order_by(CellRow.pair_id),
    )
    ids, conditions, partitions, names, reasons, segments = zip(*cells, strict=True) if cells else ((),) * 6
    pairs, asked = np.array(ids, np.int64), np.array(conditions, np.int64)
    known = fetched(connection, _pairs(pairs))
    own, used = _scored(connection, part, model_id, pairs, asked)
    facing = dict(part.facing) or {number: number for number in part.conditions}
    faced = np.array([facing.get(number, 0) for number in conditions], np.int64)
    others, their = _scored(connection, part, other_id, pairs, faced)
    unscorable = {pair: reason for pair, reason in connection.execute(_unscorable(part, model_id))}  # noqa: C416
    texts = select(SignatureRow.text).where(SignatureRow.id.in_(np.unique(used[used > 0]).tolist()))
    signatures = tuple(sorted(connection.execute(texts).scalars()))
    is_other = used != their
    for column in others:
        column[is_other] = np.nan
    place_of = {state.value: place for place, state in enumerate(STATES)}
    states = np.array([place_of[name] for name in names], np.int8)
    why = {place: reason for place, reason in enumerate(reasons) if reason}
    for pair, reason in unscorable.items():
        place = int(np.searchsorted(pairs, pair))
        if place < len(pairs) and pairs[place] == pair:
            states[place], why[place] = place_of[CellState.UNSCORABLE.value], reason
    tags = {pair: (source, target) for pair, source, target in known}
    sides = np.array([tags[pair] for pair in ids], np.str_).reshape(-1, 2)
    return PairColumns(
        ids=pairs,
        sources=sides[:, 0],
        targets=sides[:, 1],
        partitions=np.array(partitions, np.int8),
        states=states,
        segments=np.array(segments, np.float64),
        own=own,
        other=others,
        reasons=why,
        signatures=signatures,
    )


def version(store: Store, question: ScoreQuestion, *, model: str, against: str = BASE) -> str:
    """A version that changes whenever `pair_columns` of the same arguments may: for ETags and caches.

    Raises:
        StoreError: there is no such grid or model.
    """
    with store.database.reading() as connection:
        grid_id = grid_number(connection, question.grid)
        models = grid_models(connection, grid_id)
        base, changed = connection.execute(select(GridRow.base_id, GridRow.updated).where(GridRow.id == grid_id)).one()
        numbers = [base, *(number_of(question.grid, models, name) for name in _named(model, against))]
        cells = select(func.max(CellRow.updated), func.count(), func.count(CellRow.reason))
        sums = select(
            func.sum(PartitionSumRow.scores),
            func.sum(PartitionSumRow.scores * PartitionSumRow.partition_id),
            func.sum(PartitionSumRow.total),
            func.max(PartitionSumRow.signature_id),
        ).where(PartitionSumRow.grid_id == grid_id, PartitionSumRow.model_id.in_(numbers))
        refused = select(func.count()).where(UnscorableRow.model_id.in_(numbers))
        parts = (cells.where(CellRow.model_id.in_(numbers)), sums, refused)
        found = [tuple(connection.execute(part).one()) for part in parts]
        labels = moment_of_labels(connection, [grid_id]) if question.lines else ()
    asked = (question.grid, question.metric, question.lines)
    return repr((store.database.shown, *asked, changed, numbers, labels, found))


def differing(
    own: Scored, other: Scored, correction: Correction = Correction.HOLM, alpha: float = ALPHA
) -> NDArray[np.bool_]:
    """The pairs on which two models differ by more than their intervals explain, adjusted for the number of tests.

    It is the test by intervals (`significance.interval_tests`) that `comparison.compare` falls back to, and takes
    milliseconds; pairs that have no intervals are not found.
    """
    tests = interval_tests(own.values - other.values, own.widths, other.widths)
    return tests.adjusted(correction) <= alpha


def _named(model: str, against: str) -> list[str]:
    return list(dict.fromkeys(name for name in (model, against) if name != BASE)) or [model]


def _other(grid: str, part: Slice, against: str) -> int:
    return part.base_id if against == BASE else number_of(grid, part.models, against)


def _pairs(pairs: NDArray[np.int64]) -> Select[int, str, str]:
    query = select(PairRow.id, PairRow.source, PairRow.target)
    return query.where(PairRow.id.between(int(pairs[0]), int(pairs[-1]))) if len(pairs) else query.limit(0)


def _scored(
    connection: Connection, part: Slice, model: int | None, pairs: NDArray[np.int64], conditions: NDArray[np.int64]
) -> tuple[Scored, NDArray[np.int64]]:
    """A model's scores, aligned with some sorted pairs, and the signature of each; 0 where there is none.

    Args:
        connection: a reading transaction.
        part: the slice.
        model: number of the model; None has no scores.
        pairs: numbers of the pairs.
        conditions: the condition that each pair's score is to be of.
    """
    columns = np.full((3, len(pairs)), np.nan)
    signatures = np.zeros(len(pairs), np.int64)
    query = select(
        ScoreRow.pair_id, ScoreRow.condition_id, ScoreRow.signature_id, ScoreRow.value, ScoreRow.low, ScoreRow.high
    ).where(
        ScoreRow.model_id == model,
        ScoreRow.metric_id == part.metric_id,
        ScoreRow.signature_id.in_(part.signatures),
        ScoreRow.condition_id.in_(np.unique(conditions).tolist()),
    )
    rows = [] if model is None else fetched(connection, query)
    if rows and len(pairs):
        # row by row, NumPy would look up each row's keys
        ids, asked, used, *figures = (np.array(column, np.float64) for column in zip(*rows, strict=True))
        places = np.minimum(np.searchsorted(pairs, ids), len(pairs) - 1)
        held = (pairs[places] == ids) & (conditions[places] == asked)
        signatures[places[held]] = used[held]
        columns[:, places[held]] = np.stack(figures)[:, held]
    return Scored(*columns), signatures


def _unscorable(part: Slice, model: int) -> Select[int, str]:
    return select(UnscorableRow.pair_id, UnscorableRow.reason).where(
        UnscorableRow.model_id == model,
        UnscorableRow.metric_id == part.metric_id,
        UnscorableRow.condition_id.in_(part.conditions),
    )


@dataclass(frozen=True, slots=True)  # not a pydantic model: there are tens of thousands of them at once
class PairScore:
    """One pair of a grid, with its score or the reason why there is none."""

    pair: Pair
    """The direction."""
    partition: Partition | None
    """The pair's partition under the model's training graph; None where that is unknown."""
    state: CellState
    """The cell's state; `unscorable` also where only this metric can't score it."""
    reason: str | None
    """Why it has no score."""
    value: float | None
    """The score."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""
    signature: str | None
    """The signature it was scored under."""
    base_value: float | None
    """The base model's score under the same signature."""


def pair_scores(store: Store, question: ScoreQuestion, *, model: str) -> list[PairScore]:
    """Every planned pair of a grid under one model, sorted.

    Args:
        store: the store.
        question: the query.
        model: the model's name in the grid.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with reading(store, question) as connection:
        part = Slice.of(connection, question, [model])
        cells = scored_cells(part, number_of(question.grid, part.models, model), part.base_id)
        return [_pair_score(row) for row in connection.execute(cells)]


def unscored(store: Store, question: ScoreQuestion, *, model: str) -> list[PairScore]:
    """The planned pairs that have no score, with the reasons; arguments and errors as for `pair_scores`."""
    with reading(store, question) as connection:
        part = Slice.of(connection, question, [model])
        cells = scored_cells(part, number_of(question.grid, part.models, model), part.base_id)
        return [_pair_score(row) for row in connection.execute(cells.where(ScoreRow.value.is_(None)))]


def _pair_score(row: Row[*tuple[Any, ...]]) -> PairScore:
    return PairScore(
        pair=Pair(row.source, row.target),
        partition=PARTITIONS[row.partition_id],
        state=CellState.UNSCORABLE if row.unscorable else CellState(row.state),
        reason=row.unscorable or row.reason,
        value=row.value,
        low=row.low,
        high=row.high,
        signature=row.signature,
        base_value=row.other_value,
    )
