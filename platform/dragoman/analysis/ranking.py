"""Ranking of a grid's models: the best into each target language."""

from sqlalchemy import ColumnElement, Connection, collate, func, select

from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.store.records import Record
from dragoman.store.schema import GridModelRow, GridPairRow, PairRow, ScoreSumRow
from dragoman.store.store import Store


class BestModel(Record):
    """The best model into one target language."""

    target: str
    """The target language."""
    model: str
    """Name of the model."""
    mean: float
    """Its mean score over the pairs into the target."""
    done: int
    """Pairs with a score: k ..."""
    pairs: int
    """... of n planned."""


def best_models(store: Store, question: ScoreQuestion) -> list[BestModel]:
    """For each target language, the model with the best mean over its pairs; the earlier added where two are equal.

    Only models that have the most pairs into a target are compared: a mean over fewer may be of the easier ones.

    Args:
        store: the store.
        question: the query; each pair counts alike.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with reading(store, question) as connection:
        part = Slice.of(connection, question)
        done = func.sum(ScoreSumRow.scores).label("done")
        mean = (func.sum(ScoreSumRow.total) / func.sum(ScoreSumRow.scores)).label("mean")
        of_model = (
            select(ScoreSumRow.target, ScoreSumRow.model_id, done, mean)
            .where(
                ScoreSumRow.grid_id == part.grid_id,
                ScoreSumRow.metric_id == part.metric_id,
                ScoreSumRow.condition_id.in_(part.conditions),
                ScoreSumRow.signature_id.in_(part.signatures),
            )
            # by the key, so no sorting; a target has one signature (Slice.of)
            .group_by(ScoreSumRow.model_id, ScoreSumRow.signature_id, ScoreSumRow.target)
            .subquery()
        )
        better = of_model.c.mean.desc() if higher_is_better(question.metric) else of_model.c.mean
        place = func.row_number().over(
            partition_by=_quickly_sorted(connection, of_model.c.target),
            order_by=[of_model.c.done.desc(), better, of_model.c.model_id],
        )
        ranked = select(of_model, place.label("place")).subquery().c
        best = (
            select(ranked.target, GridModelRow.name, ranked.mean, ranked.done)
            .join(GridModelRow, (GridModelRow.model_id == ranked.model_id) & (GridModelRow.grid_id == part.grid_id))
            .where(ranked.place == 1)
            .order_by(ranked.target)
        )
        rows = connection.execute(best).all()
        pairs = {row.target: row.done for row in rows}
        if sum(pairs.values()) != part.pairs:
            planned = (
                select(PairRow.target, func.count().label("pairs"))
                .join(GridPairRow, GridPairRow.pair_id == PairRow.id)
                .where(GridPairRow.grid_id == part.grid_id, GridPairRow.condition_id.in_(part.conditions))
                .group_by(PairRow.target)
            )
            pairs = {row.target: row.pairs for row in connection.execute(planned)}
    return [
        BestModel(target=row.target, model=row.name, mean=row.mean, done=row.done, pairs=pairs[row.target])
        for row in rows
    ]


def _quickly_sorted(connection: Connection, tag: ColumnElement[str]) -> ColumnElement[str]:
    """A tag collated by its bytes, as in SQLite anyway: PostgreSQL takes three times as long by a locale."""
    return collate(tag, "C") if connection.dialect.name == "postgresql" else tag
