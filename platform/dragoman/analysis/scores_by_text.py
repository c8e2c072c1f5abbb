"""One model's scores by the hash of the test lines they were made on, from any grid."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, select

from dragoman.analysis.sliced_scores import sliced
from dragoman.metrics.lookup import metric_class
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
    StatisticsRow,
    TestRow,
)
from dragoman.store.store import Store

Lines = tuple[Pair, str]
"""A pair, and the hash of its source and reference lines."""


Held = Mapping[Lines, NDArray[np.bool_]]
"""The lines of each text that a slice is of, as a mask."""


class LinesScore(Record):
    """A model's scores on the test lines of one pair."""

    values: dict[str, float]
    """The score under each signature; none where there is none under the metric."""
    statistics: dict[str, bytes]
    """Its packed statistics under each signature, where requested and stored."""


def scores_by_lines(
    store: Store,
    model: str,
    metric: str,
    prompt: str | None = None,
    decoding: str | None = None,
    with_statistics: bool = False,
    *,
    held: Held | None = None,
) -> dict[Lines, LinesScore]:
    """The test lines of every pair that a model was planned on, with its scores there.

    Args:
        store: the store.
        model: identity of the model.
        metric: name of the metric.
        prompt: identity of the prompt; any by default.
        decoding: identity of the decoding; any by default.
        with_statistics: read the statistics too, which paired tests take.
        held: the lines that scores are of, computed from the statistics; all by default. Texts without any have none.
    """
    query = _scores(metric, with_statistics or held is not None).where(ModelRow.identity == model)
    for column, wanted in ((PromptRow.identity, prompt), (DecodingRow.identity, decoding)):
        if wanted is not None:
            query = query.where(column == wanted)
    values: dict[Lines, dict[str, float]] = {}
    statistics: dict[Lines, dict[str, bytes]] = {}
    with store.database.reading() as connection:
        for row in connection.execute(query).mappings():
            lines = (Pair(row["source"], row["target"]), row["content"])
            values.setdefault(lines, {})
            if row["text"] is not None:
                values[lines][row["text"]] = row["value"]
                if row.get("statistics") is not None:
                    statistics.setdefault(lines, {})[row["text"]] = row["statistics"]
    found = {lines: LinesScore(values=its, statistics=statistics.get(lines, {})) for lines, its in values.items()}
    return found if held is None else _of_slice(metric, found, held)


def _of_slice(metric: str, scores: Mapping[Lines, LinesScore], held: Held) -> dict[Lines, LinesScore]:
    """The scores of some lines of each text."""
    kind = metric_class(metric)
    found = {}
    for lines, score in scores.items():
        if kind is None or (mask := held.get(lines)) is None or not mask.any():
            continue
        its = {
            signature: made
            for signature, value in score.values.items()
            if not isinstance(made := sliced(kind(lines[0]), value, score.statistics.get(signature), mask), str)
        }
        found[lines] = LinesScore(
            values={signature: made.values["value"] for signature, made in its.items()},
            statistics={signature: made.statistics for signature, made in its.items()},
        )
    return found


def _scores(metric: str, with_statistics: bool) -> Select[Any]:
    columns: list[Any] = [PairRow.source, PairRow.target, TestRow.content, ScoreRow.value, SignatureRow.text]
    if with_statistics:
        columns.append(StatisticsRow.statistics)
    query = (
        select(*columns)
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
        .outerjoin(ScoreRow, and_(_same_cell(ScoreRow, CellRow), ScoreRow.metric_id == MetricRow.id))
        .outerjoin(SignatureRow, SignatureRow.id == ScoreRow.signature_id)
        .where(TestRow.content != "")
        .order_by(PairRow.source, PairRow.target, CellRow.condition_id)
    )
    if with_statistics:
        same = and_(
            _same_cell(StatisticsRow, ScoreRow),
            StatisticsRow.metric_id == ScoreRow.metric_id,
            StatisticsRow.signature_id == ScoreRow.signature_id,
        )
        query = query.outerjoin(StatisticsRow, same)
    return query


def _same_cell(one: Any, other: Any) -> Any:
    return and_(one.model_id == other.model_id, one.condition_id == other.condition_id, one.pair_id == other.pair_id)
