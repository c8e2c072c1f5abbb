"""Query builder for grouped scores: `scores(store, "chrf++", model="m1").by("target").against("base")`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Double, Row, Select, and_, case, cast, func, literal, null, select
from sqlalchemy.orm import aliased

from dragoman.analysis.dimensions import Axes, Dimension
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import BASE
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice, cell_of_score, same_cell
from dragoman.analysis.systems import quotations
from dragoman.errors import StoreError
from dragoman.store.database.ids import grid_number
from dragoman.store.records import Record
from dragoman.store.repositories.grids import grid_models, number_of
from dragoman.store.schema import CellRow, GridRow, PairRow, ScoreRow
from dragoman.store.store import Store

if TYPE_CHECKING:
    import pandas as pd


class Group(Record):
    """The cells of one group taken together."""

    group: dict[str, str]
    """Their common value of each dimension."""
    done: int
    """Cells with a score: k ..."""
    pairs: int
    """... of n planned."""
    mean: float | None
    """Mean score over the `done` cells."""
    median: float | None
    """Median score over them."""
    both: int = 0
    """Cells that the other model has a score for too."""
    other_mean: float | None = None
    """The other model's mean over them."""
    delta: float | None = None
    """Mean difference to the other model over them."""
    wins: int = 0
    """Of those, the cells on which the model is better."""
    losses: int = 0
    """On which it is worse."""
    ties: int = 0
    """On which both are equal."""


@dataclass(frozen=True, repr=False)
class Selection:
    """Scores of one metric on one grid: each method narrows, groups or compares, and gives a new selection.

    Evaluated lazily: iterate, or call `rows` or `frame`. Cells that are missing,
    failed or unscorable are in no mean and count in `pairs`; scores that can't be compared are refused.
    """

    store: Store
    """The store that is queried."""
    question: ScoreQuestion
    """The metric, grid and conditions."""
    models: tuple[str, ...] = ()
    """Names of the models; all of the grid by default."""
    dimensions: tuple[Dimension, ...] = ()
    """Dimensions that are grouped by."""
    filters: tuple[tuple[Dimension, tuple[str, ...]], ...] = ()
    """Allowed values of some dimensions."""
    other: str | None = None
    """The model compared with."""

    def by(self, *dimensions: str) -> "Selection":
        """Group by these dimensions, in that order.

        Raises:
            StoreError: there is no such dimension.
        """
        return replace(self, dimensions=(*self.dimensions, *map(Dimension.named, dimensions)))

    def where(self, **wanted: str | Sequence[str]) -> "Selection":
        """Only cells whose dimension has this value, or one of these: ``where(partition="seen", target=["de", "fr"])``.

        Raises:
            StoreError: there is no such dimension.
        """
        added = [
            (Dimension.named(name), (value,) if isinstance(value, str) else tuple(value))
            for name, value in wanted.items()
        ]
        return replace(self, filters=(*self.filters, *added))

    def against(self, model: str = BASE) -> "Selection":
        """Compare with another model of the grid on the cells that both have a score for."""
        return replace(self, other=model)

    def micro(self) -> "Selection":
        """Weigh each pair by its segments; otherwise all pairs count alike."""
        return replace(self, question=replace(self.question, micro=True))

    def rows(self) -> list[Group]:
        """The groups, sorted by their dimensions; several models are never taken together, each is its own group.

        Raises:
            StoreError: something named is not there, or scores would be mixed that can't be compared.
        """
        with reading(self.store, self.question) as connection:
            grid_id = grid_number(connection, self.question.grid)
            models = grid_models(connection, grid_id)
            others = [self.other] if self.other in models else []
            names = [*self.models, *others] if self.models else []
            part = Slice.of(connection, self.question, dict.fromkeys(names))
            # each group is of one model, so that quoted scores are in none with others
            part = part._replace(signatures=self._with_quoted(connection, part, self.models or models))
            languages = connection.execute(select(GridRow.languages).where(GridRow.id == grid_id)).scalar_one()
            axes = Axes(models, languages)
            dimensions = list(dict.fromkeys(self.dimensions))
            if len(self.models or models) > 1 and Dimension.MODEL not in dimensions:
                dimensions.insert(0, Dimension.MODEL)
            rows = connection.execute(self._query(part, axes, dimensions)).all()
        groups = [self._group(row, axes, dimensions) for row in rows]
        return sorted(groups, key=lambda group: [axes.rank(Dimension(name), group.group[name]) for name in group.group])

    def _with_quoted(self, connection: Connection, part: Slice, names: Iterable[str]) -> tuple[int, ...]:
        """The signatures, with those of the models whose scores are quoted."""
        quoted = quotations(connection, [part.models[name] for name in names])
        own = [
            Slice.of(connection, self.question, [name]).signatures
            for name, number in part.models.items()
            if number in quoted
        ]
        return tuple(sorted({*part.signatures, *(number for each in own for number in each)}))

    def frame(self) -> "pd.DataFrame":
        """The rows as a pandas frame: a column for each dimension, then the figures.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame([group.group | group.model_dump(exclude={"group"}) for group in self.rows()])

    def __iter__(self) -> Iterator[Group]:
        return iter(self.rows())

    def __repr__(self) -> str:
        by = f" by {', '.join(self.dimensions)}" if self.dimensions else ""
        against = f" against {self.other}" if self.other else ""
        return f"<Scores of {self.question.grid} in {self.question.metric}{by}{against}>"

    def _repr_html_(self) -> str:
        found: str = self.frame().to_html(index=False, max_rows=40, notebook=True)
        return found

    def _query(self, part: Slice, axes: Axes, dimensions: Sequence[Dimension]) -> Select[*tuple[Any, ...]]:
        other, value = aliased(ScoreRow), ScoreRow.value
        other_value = cast(null(), Double) if self.other is None else other.value
        groups: list[ColumnElement[Any]] = [axes.column(dimension).label(f"by_{dimension}") for dimension in dimensions]
        cells = (
            select(
                *groups,
                value,
                other_value.label("other"),
                (CellRow.segments if self.question.micro else literal(1)).label("weight"),
                func.row_number().over(partition_by=[*groups, value.is_(None)], order_by=value).label("place"),
                func.count(value).over(partition_by=groups).label("scored"),
            )
            .select_from(CellRow)
            .join(PairRow, PairRow.id == CellRow.pair_id)
            .outerjoin(
                ScoreRow,
                and_(cell_of_score(), ScoreRow.metric_id == part.metric_id, ScoreRow.signature_id.in_(part.signatures)),
            )
            .where(
                CellRow.model_id.in_([part.models[name] for name in self.models or part.models]),
                part.holds(CellRow),
                *(axes.allowed(dimension, wanted) for dimension, wanted in self.filters),
            )
        )
        if self.other is not None:
            other_id = part.base_id if self.other == BASE else number_of(self.question.grid, part.models, self.other)
            cells = cells.outerjoin(other, same_cell(other, other_id))
        cells = axes.joined(cells, [*dimensions, *(dimension for dimension, _ in self.filters)])
        cell = cells.subquery().c
        scored, both = (case((column.is_not(None), cell.weight)) for column in (cell.value, cell.other))
        # the middle one of an odd number of values, the mean of the middle two of an even number
        middle = and_(cell.value.is_not(None), 2 * cell.place >= cell.scored, 2 * cell.place <= cell.scored + 2)
        by = [cell[f"by_{dimension}"] for dimension in dimensions]
        return select(
            *by,
            func.count().label("pairs"),
            func.count(cell.value).label("done"),
            (func.sum(scored * cell.value) / func.sum(1.0 * scored)).label("mean"),
            func.avg(case((middle, cell.value))).label("median"),
            func.count(cell.other).label("both"),
            (func.sum(both * cell.other) / func.sum(1.0 * both)).label("other_mean"),
            (func.sum(both * (cell.value - cell.other)) / func.sum(1.0 * both)).label("delta"),
            func.count(case((cell.value > cell.other, 1))).label("above"),
            func.count(case((cell.value < cell.other, 1))).label("below"),
        ).group_by(*by)

    def _group(self, row: Row[*tuple[Any, ...]], axes: Axes, dimensions: Sequence[Dimension]) -> Group:
        wins, losses = (row.above, row.below) if higher_is_better(self.question.metric) else (row.below, row.above)
        return Group(
            group={name.value: axes.name(name, value) for name, value in zip(dimensions, row, strict=False)},
            done=row.done,
            pairs=row.pairs,
            mean=row.mean,
            median=row.median,
            both=row.both,
            other_mean=row.other_mean,
            delta=row.delta,
            wins=wins,
            losses=losses,
            ties=row.both - wins - losses,
        )


def scores(
    store: Store,
    metric: str,
    *,
    model: str | Sequence[str] = (),
    grid: str | None = None,
    signature: str | None = None,
    test_set: str | None = None,
    prompt: str | None = None,
    decoding: str | None = None,
    lines: str | None = None,
) -> Selection:
    """Scores to narrow, group and compare: ``scores(store, "bleu", model="m1").by("partition").against("base")``.

    Args:
        store: the results store.
        metric: name of the metric.
        model: name of a model, or several; all of the grid by default.
        grid: name of the grid; may be left out where only one has these models.
        signature: text that the signatures hold, where the metric has several.
        test_set: name of the test set, or text that its revision holds; the grid's first by default.
        prompt: text that the prompt holds, where the grid has several.
        decoding: text that the decoding's identity holds, where the grid has several.
        lines: only test lines with these labels, as in `domain=news`.

    Raises:
        StoreError: several grids have these models, or none has.
    """
    names = (model,) if isinstance(model, str) else tuple(model)
    question = ScoreQuestion(
        grid or only_grid(store, names),
        metric,
        signature=signature,
        prompt=prompt,
        test_set=test_set,
        decoding=decoding,
        lines=lines,
    )
    return Selection(store, question, names)


def only_grid(store: Store, models: Sequence[str]) -> str:
    """The one grid that has these models.

    Raises:
        StoreError: there is none, or there are several.
    """
    with store.database.reading() as connection:
        grids = connection.execute(select(GridRow.id, GridRow.name).order_by(GridRow.name)).all()
        found = [grid.name for grid in grids if set(models) <= grid_models(connection, grid.id).keys()]
    if len(found) == 1:
        return str(found[0])
    wanted = f" with the model{'s' if len(models) > 1 else ''} {', '.join(models)}" if models else ""
    if not found:
        raise StoreError(f"The store has no grid{wanted}.")
    raise StoreError(f"The store has {len(found)} grids{wanted} ({', '.join(found)}): choose one with grid=NAME.")
