"""Translations that a judge gave no readable answer on: they have no part in its means, which is said."""

from sqlalchemy import Connection

from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import has_too_many, statistics_of
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.serialization import unpack


def note_on_abstentions(connection: Connection, part: Slice, metric: str, *, model_id: int) -> str | None:
    """The share of a model's translations without a score, as a sentence; None where there are none.

    Args:
        connection: a reading transaction.
        part: the slice of the scores.
        metric: the metric, whose statistics end with 1, or 0 of a segment without a score.
        model_id: number of the model.

    Raises:
        MetricError: statistics are damaged.
    """
    kind = metric_class(metric)
    if kind is None or not kind.abstains or has_too_many(connection, part, model_id):
        return None
    stored = [own.packed for own, _ in statistics_of(connection, part, model_id, model_id).values()]
    held = [unpack(packed)[:, -1] for packed in stored if packed is not None]
    total, scored = sum(map(len, held)), sum(int(each.sum()) for each in held)
    if (lacking := total - scored) == 0:
        return None
    return (
        f"{metric} has no score of {lacking:,} of {total:,} translations ({lacking / total:.1%}), as no answer could "
        "be read: they have no part in the means."
    )
