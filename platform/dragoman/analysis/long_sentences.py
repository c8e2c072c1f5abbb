"""Sentences that a model had no room for, as notes on what they count as."""

from collections import Counter

from sqlalchemy import Connection, select

from dragoman.analysis.aggregation import scopes_of
from dragoman.analysis.score_slice import Slice
from dragoman.store.schema import PARTITIONS, CellRow, ConditionRow, DecodingRow

EMPTY, CUT = "count as empty translations", "are translated from their beginning"


def notes_on_long_sentences(connection: Connection, part: Slice, model_id: int) -> dict[str, str]:
    """By scope, a sentence on how many of a model's test sentences had no room in it; only where there are any.

    Args:
        connection: a reading transaction.
        part: the slice.
        model_id: number of the model.
    """
    query = (
        select(CellRow.partition_id, CellRow.too_long, DecodingRow.settings)
        .join(ConditionRow, ConditionRow.id == CellRow.condition_id)
        .join(DecodingRow, DecodingRow.id == ConditionRow.decoding_id)
        .where(CellRow.model_id == model_id, CellRow.too_long > 0, part.holds(CellRow))
    )
    counts: Counter[tuple[str, str]] = Counter()
    for partition, sentences, settings in connection.execute(query):
        fate = CUT if settings.get("too_long") == "cut" else EMPTY
        for scope in scopes_of(PARTITIONS[partition]):
            counts[scope, fate] += sentences
    return {
        scope: f"{count} sentence{'s' if count > 1 else ''} without room {fate}."
        for (scope, fate), count in counts.items()
    }
