"""A slice of the store: one metric on one grid, with all that must be equal for scores to be compared."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select

from dragoman.analysis.comparability import Looked, comparable_signatures
from dragoman.errors import StoreError, nearest
from dragoman.store import counts
from dragoman.store.comparable import comparable_conditions
from dragoman.store.database.ids import grid_number
from dragoman.store.schema import (
    CellRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    MetricRow,
    PartitionSumRow,
    ScoreRow,
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
    """Each condition with that of the same text in which the model compared with was asked, where that is another."""

    @classmethod
    def of(
        cls, connection: Connection, grid: str, metric: str, models: Iterable[str] = (), signature: str | None = None,
        test_set: str | None = None, prompt: str | None = None, decoding: str | None = None,
    ) -> Self:  # fmt: skip
        """Find what a question names, and refuse to mix what can't be compared.

        Args:
            connection: a reading transaction.
            grid: name of the grid.
            metric: name of the metric.
            models: names of the models that are looked at, besides the base; all by default.
            signature: text that the signatures must hold; needed where a metric has several.
            test_set: text that the test set's corpus, revision or identity must hold, where there are several.
            prompt: likewise of the prompt's template or identity.
            decoding: likewise of the decoding's settings or identity.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        grid_id = grid_number(connection, grid)
        base_id = connection.execute(select(GridRow.base_id).where(GridRow.id == grid_id)).scalar_one()
        named = grid_models(connection, grid_id)
        chosen = [number_of(grid, named, name) for name in models]
        metric_id = connection.execute(select(MetricRow.id).where(MetricRow.name == metric)).scalar() or 0
        conditions = comparable_conditions(
            connection, grid, grid_id, {"test_set": test_set, "prompt": prompt, "decoding": decoding}, chosen
        )
        looked = Looked(grid, grid_id, conditions, {*(chosen or named.values()), base_id})
        signatures = comparable_signatures(connection, metric, metric_id, [looked], signature)
        pairs = connection.execute(
            select(func.count()).where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id.in_(conditions))
        ).scalar_one()
        whole = counts.none_elsewhere(connection, grid_id, chosen or list(named.values()), conditions, pairs)
        return cls(grid_id, base_id, named, metric, metric_id, conditions, signatures, pairs, whole)

    def with_metric(self, connection: Connection, grid: str, metric: str, models: Iterable[int]) -> Self:
        """The same cells under another metric.

        Raises:
            StoreError: its scores would be mixed.
        """
        metric_id = connection.execute(select(MetricRow.id).where(MetricRow.name == metric)).scalar() or 0
        looked = Looked(grid, self.grid_id, self.conditions, {*models})
        signatures = comparable_signatures(connection, metric, metric_id, [looked], None)
        return self._replace(metric=metric, metric_id=metric_id, signatures=signatures)

    def sums(self, model_id: int) -> ColumnElement[bool]:
        """That sums by partition (`PartitionSumRow`) are of one of the grid's models in the slice."""
        return and_(
            PartitionSumRow.grid_id == self.grid_id, PartitionSumRow.metric_id == self.metric_id,
            PartitionSumRow.condition_id.in_(self.conditions), PartitionSumRow.model_id == model_id,
            PartitionSumRow.signature_id.in_(self.signatures),
        )  # fmt: skip

    def holds(self, row: type[CellRow] | type[ScoreRow]) -> ColumnElement[bool]:
        """That a cell, or a score, of one of the grid's models is in the slice."""
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


def grid_models(connection: Connection, grid_id: int) -> dict[str, int]:
    """The numbers of a grid's models by name, in its order."""
    query = select(GridModelRow.name, GridModelRow.model_id).where(GridModelRow.grid_id == grid_id)
    return {row.name: row.model_id for row in connection.execute(query.order_by(GridModelRow.position))}


def number_of(grid: str, models: dict[str, int], name: str) -> int:
    """The number of a model by its name in a grid.

    Raises:
        StoreError: the grid has no such model.
    """
    if name not in models:
        raise StoreError(f"Grid '{grid}' has no model '{name}': {nearest(name, models)}")
    return models[name]
