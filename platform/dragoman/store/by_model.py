"""One model's scores on the lines they were made on, whichever grid asked for them."""

from collections.abc import Iterable

from sqlalchemy import and_, select

from dragoman.pair import Pair
from dragoman.store.records import Record
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    DecodingRow,
    MetricRow,
    ModelRow,
    PairRow,
    PromptRow,
    ScoreRow,
    SignatureRow,
    TestRow,
)
from dragoman.store.store import Store


class LinesScore(Record):
    """A model's scores on the test lines of one pair."""

    pair: Pair
    """The direction."""
    content: str
    """Hash of the source and reference lines."""
    values: dict[str, float]
    """Its score by signature; none where it has none under the metric."""


def scores_by_lines(
    store: Store, model: str, metric: str, prompt: str | None = None, decoding: str | None = None
) -> list[LinesScore]:
    """Every pair and text a model was planned on, with its scores.

    Args:
        store: the store.
        model: identity of the model.
        metric: name of the metric.
        prompt: identity of the prompt; any by default.
        decoding: identity of the decoding; any by default.
    """
    query = (
        select(PairRow.source, PairRow.target, TestRow.content, ScoreRow.value, SignatureRow.text)
        .select_from(CellRow)
        .join(ModelRow, ModelRow.id == CellRow.model_id)
        .join(PairRow, PairRow.id == CellRow.pair_id)
        .join(ConditionRow, ConditionRow.id == CellRow.condition_id)
        .join(PromptRow, PromptRow.id == ConditionRow.prompt_id)
        .join(DecodingRow, DecodingRow.id == ConditionRow.decoding_id)
        .join(
            TestRow,
            and_(
                TestRow.test_set_id == ConditionRow.test_set_id,
                TestRow.edition == ConditionRow.edition,
                TestRow.pair_id == CellRow.pair_id,
            ),
        )
        .outerjoin(MetricRow, MetricRow.name == metric)
        .outerjoin(
            ScoreRow,
            and_(
                ScoreRow.model_id == CellRow.model_id,
                ScoreRow.condition_id == CellRow.condition_id,
                ScoreRow.pair_id == CellRow.pair_id,
                ScoreRow.metric_id == MetricRow.id,
            ),
        )
        .outerjoin(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .where(ModelRow.identity == model, TestRow.content != "")
        .order_by(PairRow.source, PairRow.target, CellRow.condition_id)
    )
    for column, wanted in ((PromptRow.identity, prompt), (DecodingRow.identity, decoding)):
        if wanted is not None:
            query = query.where(column == wanted)
    with store.database.reading() as connection:
        rows = connection.execute(query).all()
    return _gather((Pair(row.source, row.target), row.content, row.text, row.value) for row in rows)


def _gather(rows: Iterable[tuple[Pair, str, str | None, float | None]]) -> list[LinesScore]:
    found: dict[tuple[Pair, str], dict[str, float]] = {}
    for pair, content, signature, value in rows:
        values = found.setdefault((pair, content), {})
        if signature is not None and value is not None:
            values[signature] = value
    return [LinesScore(pair=pair, content=content, values=values) for (pair, content), values in found.items()]
