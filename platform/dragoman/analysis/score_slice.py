"""A slice of the store: a `ScoreQuestion` resolved to database keys, with the SQL conditions that select its rows."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, select
from sqlalchemy.orm import aliased

from dragoman.analysis.comparability import Looked, comparable_conditions, comparable_signatures
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories import aggregates
from dragoman.store.repositories.conditions import is_text
from dragoman.store.repositories.grid_metrics import require_metric
from dragoman.store.repositories.grids import grid_models, number_of
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    GridPairRow,
    GridRow,
    MetricRow,
    PairRow,
    PartitionSumRow,
    ScoreRow,
    SignatureRow,
    TestRow,
    UnscorableRow,
)


class Slice(NamedTuple):
    """Numbers of the rows that a question about a grid is limited to."""

    grid_id: int
    """The grid."""
    base_id: int
    """Its base model."""
    models: dict[str, int]
    """The grid's models by name, in its order."""
    metric: str
    """Name of the metric."""
    metric_id: int
    """The metric; 0 where nothing was ever scored with it."""
    conditions: tuple[int, ...]
    """Conditions of one test set, prompt and decoding."""
    signatures: tuple[int, ...]
    """Signatures of the metric: one for each target language."""
    pairs: int
    """Planned pairs."""
    whole: bool
    """Whether the models named are known to have no cell under these conditions outside the grid: it saves look-ups."""
    facing: tuple[tuple[int, int], ...] = ()
    """Each condition with that of the same text under which the other model was run, where the two differ."""
    lines: str | None = None
    """The filter of the test lines that scores are of; None is all."""

    @classmethod
    def of(cls, connection: Connection, question: ScoreQuestion, models: Iterable[str] = ()) -> Self:
        """Find what a question names, and refuse to mix what can't be compared.

        Args:
            connection: a reading transaction.
            question: the query.
            models: names of the models that are read, besides the base; all by default.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        require_sliced(connection, question.lines)
        grid, metric = question.grid, question.metric
        grid_id = grid_number(connection, grid)
        require_metric(connection, grid, grid_id, metric)
        base_id = connection.execute(select(GridRow.base_id).where(GridRow.id == grid_id)).scalar_one()
        named = grid_models(connection, grid_id)
        chosen = [number_of(grid, named, name) for name in models]
        metric_id = connection.execute(select(MetricRow.id).where(MetricRow.name == metric)).scalar() or 0
        wanted = {"test_set": question.test_set, "prompt": question.prompt, "decoding": question.decoding}
        conditions = comparable_conditions(connection, grid, grid_id, wanted, chosen)
        looked = Looked(grid, grid_id, conditions, {*(chosen or named.values()), base_id}, base_id)
        signatures = comparable_signatures(connection, metric, metric_id, [looked], question.signature)
        pairs = connection.execute(
            select(func.count()).where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id.in_(conditions))
        ).scalar_one()
        whole = aggregates.none_elsewhere(connection, grid_id, chosen or list(named.values()), conditions, pairs)
        return cls(
            grid_id, base_id, named, metric, metric_id, conditions, signatures, pairs, whole, lines=question.lines
        )

    def with_metric(self, connection: Connection, grid: str, metric: str, models: Iterable[int]) -> Self:
        """The same cells under another metric.

        Raises:
            StoreError: its scores would be mixed.
        """
        metric_id = connection.execute(select(MetricRow.id).where(MetricRow.name == metric)).scalar() or 0
        looked = Looked(grid, self.grid_id, self.conditions, {*models})
        signatures = comparable_signatures(connection, metric, metric_id, [looked], None)
        return self._replace(metric=metric, metric_id=metric_id, signatures=signatures)

    def signature_texts(self, connection: Connection) -> tuple[str, ...]:
        """The signatures in words, sorted."""
        texts = select(SignatureRow.text).where(SignatureRow.id.in_(self.signatures))
        return tuple(sorted(connection.execute(texts).scalars()))

    def test_lines(self, connection: Connection) -> dict[Pair, str]:
        """The blob addresses of the stored test lines of the pairs, in the order of these."""
        query = (
            select(PairRow.source, PairRow.target, TestRow.lines)
            .select_from(GridPairRow)
            .join(ConditionRow, ConditionRow.id == GridPairRow.condition_id)
            .join(PairRow, PairRow.id == GridPairRow.pair_id)
            .join(TestRow, is_text(TestRow))
            .where(GridPairRow.grid_id == self.grid_id, GridPairRow.condition_id.in_(self.conditions))
            .where(TestRow.lines.is_not(None))
            .order_by(PairRow.source, PairRow.target)
        )
        return {Pair(source, target): str(address) for source, target, address in connection.execute(query)}

    def sums(self, model_id: int) -> ColumnElement[bool]:
        """The SQL condition that sums by partition (`PartitionSumRow`) are of one of the grid's models in the slice."""
        return and_(
            PartitionSumRow.grid_id == self.grid_id,
            PartitionSumRow.metric_id == self.metric_id,
            PartitionSumRow.condition_id.in_(self.conditions),
            PartitionSumRow.model_id == model_id,
            PartitionSumRow.signature_id.in_(self.signatures),
        )

    def holds(self, row: type[CellRow] | type[ScoreRow]) -> ColumnElement[bool]:
        """The SQL condition that a cell, or a score, of one of the grid's models is in the slice."""
        rules: list[ColumnElement[bool]] = [row.condition_id.in_(self.conditions)]
        if row is ScoreRow:
            rules += [ScoreRow.metric_id == self.metric_id, ScoreRow.signature_id.in_(self.signatures)]
        if not self.whole:
            rules.append(
                exists().where(
                    GridPairRow.grid_id == self.grid_id,
                    GridPairRow.condition_id == row.condition_id,
                    GridPairRow.pair_id == row.pair_id,
                )
            )
        return and_(*rules)


SLICED = "sliced"
"""Execution option of a connection to a slice: the filter of the test lines that its scores are of."""


def require_sliced(connection: Connection, lines: str | None) -> None:
    """Refuse to answer for some test lines from the scores of others.

    Raises:
        RuntimeError: the connection is not to that slice (`line_slice.reading`).
    """
    if connection.get_execution_options().get(SLICED) != lines:
        raise RuntimeError(f"A question about {lines or 'all lines'} was asked of the scores of other lines.")


def scored_cells(part: Slice, model_id: int, other_id: int) -> Select[*tuple[Any, ...]]:
    """Every planned pair of a slice under one model: its state, its score and another model's of that signature."""
    score = and_(
        ScoreRow.model_id == CellRow.model_id,
        ScoreRow.condition_id == CellRow.condition_id,
        ScoreRow.metric_id == part.metric_id,
        ScoreRow.pair_id == CellRow.pair_id,
        ScoreRow.signature_id.in_(part.signatures),
    )
    other = aliased(ScoreRow)
    unscorable = and_(
        UnscorableRow.model_id == CellRow.model_id,
        UnscorableRow.condition_id == CellRow.condition_id,
        UnscorableRow.pair_id == CellRow.pair_id,
        UnscorableRow.metric_id == part.metric_id,
    )
    return (
        select(
            PairRow.source,
            PairRow.target,
            CellRow.partition_id,
            CellRow.state,
            CellRow.reason,
            ScoreRow.value,
            ScoreRow.low,
            ScoreRow.high,
            SignatureRow.text.label("signature"),
            other.value.label("other_value"),
            UnscorableRow.reason.label("unscorable"),
        )
        .select_from(CellRow)
        .join(PairRow, PairRow.id == CellRow.pair_id)
        .outerjoin(ScoreRow, score)
        .outerjoin(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .outerjoin(other, same_cell(other, other_id))
        .outerjoin(UnscorableRow, unscorable)
        .where(CellRow.model_id == model_id, part.holds(CellRow))
        .order_by(PairRow.source, PairRow.target)
    )


def same_cell(other: type[ScoreRow], other_id: int, facing: Sequence[tuple[int, int]] = ()) -> ColumnElement[bool]:
    """The SQL condition that another model's score is of the same pair and signature, under the matching condition."""
    condition: Any = case(dict(facing), value=ScoreRow.condition_id) if facing else ScoreRow.condition_id
    return and_(
        other.model_id == other_id,
        other.condition_id == condition,
        other.metric_id == ScoreRow.metric_id,
        other.pair_id == ScoreRow.pair_id,
        other.signature_id == ScoreRow.signature_id,
    )


def cell_of_score() -> ColumnElement[bool]:
    """The SQL condition that joins a score to its cell."""
    return and_(
        CellRow.model_id == ScoreRow.model_id,
        CellRow.condition_id == ScoreRow.condition_id,
        CellRow.pair_id == ScoreRow.pair_id,
    )
