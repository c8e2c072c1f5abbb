"""Which signatures of a metric may stand in one table: one for each target, alike in all that isn't the target's."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from dragoman.errors import StoreError
from dragoman.metrics.lookup import metric_class
from dragoman.store.schema import ScoreSumRow, SignatureRow

_USUALLY_VARYING = frozenset({"tok"})
"""What is taken for the target's own in signatures of metrics that are not installed here."""


class MixedSignaturesError(StoreError):
    """Scores under several signatures where one has to be chosen."""


class Looked(NamedTuple):
    """Scores that are looked at together with others."""

    grid: str
    """Name of the grid."""
    grid_id: int
    """Its number."""
    conditions: Collection[int]
    """The conditions."""
    models: Collection[int]
    """The models."""


def comparable_signatures(
    connection: Connection, metric: str, metric_id: int, looked: Sequence[Looked], wanted: str | None
) -> tuple[int, ...]:
    """The signatures of a metric that are wanted: for each target language one, and no two that can't be compared.

    They may differ only in what the metric says follows from the pair (`Metric.varying`).

    Args:
        connection: a reading transaction.
        metric: name of the metric.
        metric_id: its number.
        looked: the scores looked at.
        wanted: text that the signatures must hold.

    Raises:
        StoreError: there are none, or several that can't be mixed.
    """
    of_question = and_(ScoreSumRow.metric_id == metric_id, or_(*map(_is_of, looked)))
    query = select(ScoreSumRow.target, ScoreSumRow.signature_id).where(of_question).distinct()
    used = connection.execute(query).all()
    texts = select(SignatureRow.id, SignatureRow.text).where(SignatureRow.id.in_({row.signature_id for row in used}))
    held = {row.id: row.text for row in connection.execute(texts.order_by(SignatureRow.text))}
    if wanted is not None and held:
        example = next(iter(held.values()))
        held = {number: text for number, text in held.items() if wanted in text}
        if not held:
            raise StoreError(
                f"{_named(looked)} no {metric} scores whose signature holds '{wanted}'; one is '{example}'."
            )
    counts = Counter(row.target for row in used if row.signature_id in held)
    target = min((target for target, count in counts.items() if count > 1), default=None)
    if target is not None:
        several = _counted(connection, and_(of_question, ScoreSumRow.target == target), held)
        raise MixedSignaturesError(_refusal(looked, f"{metric} scores into {target}", several))
    if len(alike := _alike(metric, held)) > 1:
        several = _counted(connection, of_question, held)
        # of each kind its most frequent one
        examples = {
            number: several[number] for kind in alike for number in [max(kind, key=lambda each: several[each][1])]
        }
        raise MixedSignaturesError(_refusal(looked, f"{metric} scores into different languages", examples))
    return tuple(sorted(held))


def _is_of(looked: Looked) -> ColumnElement[bool]:
    return and_(
        ScoreSumRow.grid_id == looked.grid_id,
        ScoreSumRow.condition_id.in_(looked.conditions),
        ScoreSumRow.model_id.in_(looked.models),
    )


def _alike(metric: str, texts: Mapping[int, str]) -> list[list[int]]:
    """The signatures in groups that differ in nothing but what follows from the pair."""
    kind = metric_class(metric)
    varying = _USUALLY_VARYING if kind is None else kind.varying
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, text in texts.items():
        fixed = tuple(part for part in text.split("|") if part.partition(":")[0] not in varying)
        groups[fixed].append(number)
    return list(groups.values())


def _counted(
    connection: Connection, of_question: ColumnElement[bool], texts: Mapping[int, str]
) -> dict[int, tuple[str, int]]:
    """The text of each signature that occurs, and how many scores it has."""
    query = (
        select(ScoreSumRow.signature_id, func.sum(ScoreSumRow.scores))
        .where(of_question, ScoreSumRow.signature_id.in_(texts))
        .group_by(ScoreSumRow.signature_id)
    )
    return {number: (texts[number], scores) for number, scores in connection.execute(query)}


def _refusal(looked: Sequence[Looked], what: str, several: Mapping[int, tuple[str, int]]) -> str:
    named = " and ".join(sorted(f"'{text}' ({scores} scores)" for text, scores in several.values()))
    return (
        f"{_named(looked)} {what} under {len(several)} signatures, {named}, which are not comparable: choose one by a "
        "part of its text (--signature TEXT, in Python signature=TEXT)."
    )


def _named(looked: Sequence[Looked]) -> str:
    grids = list(dict.fromkeys(f"'{each.grid}'" for each in looked))
    return f"Grid {grids[0]} has" if len(grids) == 1 else f"Grids {' and '.join(grids)} have"
