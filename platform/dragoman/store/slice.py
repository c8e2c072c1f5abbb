"""A slice of the store: one metric on one grid, with all that must be equal for scores to be compared."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple, Self

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute

from dragoman.errors import StoreError, nearest
from dragoman.store.keys import grid_number
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    DecodingRow,
    GridModelRow,
    GridPairRow,
    GridRow,
    MetricRow,
    PromptRow,
    ScoreRow,
    ScoreSumRow,
    SignatureRow,
    TestSetRow,
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
    """Whether the models looked at have no cell under these conditions outside the grid: nothing need be looked up."""

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
            test_set: text that the test set's revision or identity must hold, where there are several.
            prompt: likewise of the prompt's template or identity.
            decoding: likewise of the decoding's identity.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        grid_id = grid_number(connection, grid)
        base_id = connection.execute(select(GridRow.base_id).where(GridRow.id == grid_id)).scalar_one()
        named = grid_models(connection, grid_id)
        chosen = [number_of(grid, named, name) for name in models] or list(named.values())
        metric_id = connection.execute(select(MetricRow.id).where(MetricRow.name == metric)).scalar() or 0
        conditions = _conditions(
            connection, grid, grid_id, {"test_set": test_set, "prompt": prompt, "decoding": decoding}
        )
        signatures = _signatures(
            connection, grid, grid_id, metric, metric_id, conditions, {*chosen, base_id}, signature
        )
        pairs = connection.execute(
            select(func.count()).where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id.in_(conditions))
        ).scalar_one()
        cells = connection.execute(
            select(func.count()).where(CellRow.model_id.in_(chosen), CellRow.condition_id.in_(conditions))
        ).scalar_one()
        # each of the models has every cell of the grid, so equal numbers are equal cells
        whole = cells == pairs * len(chosen)
        return cls(grid_id, base_id, named, metric, metric_id, conditions, signatures, pairs, whole)

    def with_metric(self, connection: Connection, grid: str, metric: str, models: Iterable[int]) -> Self:
        """The same cells under another metric.

        Raises:
            StoreError: its scores would be mixed.
        """
        metric_id = connection.execute(select(MetricRow.id).where(MetricRow.name == metric)).scalar() or 0
        signatures = _signatures(connection, grid, self.grid_id, metric, metric_id, self.conditions, {*models}, None)
        return self._replace(metric=metric, metric_id=metric_id, signatures=signatures)

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


_PARTS: dict[str, tuple[InstrumentedAttribute[int], type, list[InstrumentedAttribute[str]]]] = {
    "test_set": (ConditionRow.test_set_id, TestSetRow, [TestSetRow.revision, TestSetRow.identity]),
    "prompt": (ConditionRow.prompt_id, PromptRow, [PromptRow.template, PromptRow.identity]),
    "decoding": (ConditionRow.decoding_id, DecodingRow, [DecodingRow.identity]),
}
"""The parts of a condition, and what a user can call each by."""


def _conditions(connection: Connection, grid: str, grid_id: int, wanted: dict[str, str | None]) -> tuple[int, ...]:
    """The grid's conditions that are wanted: of one test set, prompt and decoding."""
    query = (
        select(ConditionRow.id, *(names[0] for _, _, names in _PARTS.values()))
        .join(TestSetRow).join(PromptRow).join(DecodingRow)
        .where(
            exists().where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == ConditionRow.id)
        )
        .order_by(ConditionRow.id)
    )  # fmt: skip
    for part, (_, _, names) in _PARTS.items():
        text = wanted[part]
        if text is not None:
            either = names[0].contains(text, autoescape=True)
            for name in names[1:]:
                either = either | name.contains(text, autoescape=True)
            query = query.where(either)
    rows = connection.execute(query).all()
    if not rows and any(wanted.values()):
        asked = " and ".join(f"{part} '{text}'" for part, text in wanted.items() if text)
        raise StoreError(f"Grid '{grid}' has no cells with {asked}.")
    for index, part in enumerate(_PARTS, start=1):
        found = sorted({row[index] for row in rows})
        if len(found) > 1:
            noun = part.replace("_", " ")
            raise StoreError(
                f"Grid '{grid}' has cells of {len(found)} {noun}s ({'; '.join(map(repr, found))}), and scores of "
                f"different {noun}s are not comparable: choose one with {part}=TEXT."
            )
    return tuple(row[0] for row in rows)


def _signatures(
    connection: Connection, grid: str, grid_id: int, metric: str, metric_id: int, conditions: tuple[int, ...],
    models: set[int], wanted: str | None,
) -> tuple[int, ...]:  # fmt: skip
    """The signatures of a metric that are wanted: not more than one for each target language."""
    query = (
        select(ScoreSumRow.target, SignatureRow.id, SignatureRow.text, func.sum(ScoreSumRow.scores))
        .join(SignatureRow, SignatureRow.id == ScoreSumRow.signature_id)
        .where(
            ScoreSumRow.grid_id == grid_id, ScoreSumRow.metric_id == metric_id,
            ScoreSumRow.condition_id.in_(conditions), ScoreSumRow.model_id.in_(models),
        )
        .group_by(ScoreSumRow.target, SignatureRow.id, SignatureRow.text)
        .order_by(ScoreSumRow.target, SignatureRow.text)
    )  # fmt: skip
    rows = connection.execute(query).all()
    by_target: defaultdict[str, list[tuple[int, str, int]]] = defaultdict(list)
    for target, signature_id, text, scores in rows:
        if wanted is None or wanted in text:
            by_target[target].append((signature_id, text, scores))
    if rows and not by_target:
        raise StoreError(
            f"Grid '{grid}' has no {metric} scores whose signature holds '{wanted}'; one is '{rows[0][2]}'."
        )
    for target, found in by_target.items():
        if len(found) > 1:
            several = " and ".join(f"'{text}' ({scores} scores)" for _, text, scores in found)
            raise StoreError(
                f"Grid '{grid}' has {metric} scores into {target} under {len(found)} signatures, {several}, which are "
                "not comparable: choose one by a part of its text (--signature TEXT, in Python signature=TEXT)."
            )
    return tuple(sorted({signature_id for found in by_target.values() for signature_id, _, _ in found}))
