"""Selection of comparable scores: one signature for each target, equal in all that does not follow from the target."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from dragoman.analysis.systems import chosen_prompt
from dragoman.analysis.test_sets import chosen_test_set
from dragoman.errors import StoreError
from dragoman.identity import canonical_json
from dragoman.metrics.lookup import metric_class
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman.store.repositories.grid_spec import spec_of
from dragoman.store.schema import (
    CellRow,
    ConditionRow,
    DecodingRow,
    GridPairRow,
    PairRow,
    PromptRow,
    ScoreSumRow,
    SignatureRow,
    TestSetRow,
)
from dragoman.store.signatures import is_quoted_signature

_USUALLY_VARYING = frozenset({"tok"})
"""Signature fields that follow from the target, for metrics that are not installed here."""


class MixedSignaturesError(StoreError):
    """Scores under several signatures where one has to be chosen."""


class Looked(NamedTuple):
    """Scores that are compared with others."""

    grid: str
    """Name of the grid."""
    grid_id: int
    """Its number."""
    conditions: Collection[int]
    """The conditions."""
    models: Collection[int]
    """The models."""
    base: int = 0
    """The base among them, which is looked up for gains; 0 where it is a model like any other."""


def comparable_signatures(
    connection: Connection, metric: str, metric_id: int, looked: Sequence[Looked], wanted: str | None
) -> tuple[int, ...]:
    """The signatures of a metric that match: for each target language one, and no two that can't be compared.

    They may differ only in the fields that the metric declares to follow from the pair (`Metric.varying`). Quoted
    scores are never taken together with computed ones: they are found where all models but the base are quoted.

    Args:
        connection: a reading transaction.
        metric: name of the metric.
        metric_id: its number.
        looked: the scores that are compared.
        wanted: text that the signatures must hold.

    Raises:
        StoreError: there are none, or several that can't be mixed.
    """
    of_question = and_(ScoreSumRow.metric_id == metric_id, or_(*map(_is_of, looked)))
    query = select(ScoreSumRow.target, ScoreSumRow.signature_id).where(of_question).distinct()
    used = connection.execute(query).all()
    texts = select(SignatureRow.id, SignatureRow.text).where(SignatureRow.id.in_({row.signature_id for row in used}))
    held = {row.id: row.text for row in connection.execute(texts.order_by(SignatureRow.text))}
    held = _of_one_kind(connection, looked, of_question, held)
    # the text chooses among computed scores: quoted ones have what their source says of them
    if wanted is not None and held and not all(map(is_quoted_signature, held.values())):
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


def _of_one_kind(
    connection: Connection, looked: Sequence[Looked], of_question: ColumnElement[bool], texts: Mapping[int, str]
) -> dict[int, str]:
    """The signatures of quoted scores alone where all models but a base are quoted; otherwise those of the others."""
    quoted = {number for number, text in texts.items() if is_quoted_signature(text)}
    if not quoted:
        return dict(texts)
    query = select(ScoreSumRow.model_id).where(of_question, ScoreSumRow.signature_id.in_(quoted)).distinct()
    without_text = set(connection.execute(query).scalars())
    others = {model for each in looked for model in each.models if model != each.base} - without_text
    return {number: text for number, text in texts.items() if (number in quoted) is not bool(others)}


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


class _Condition(NamedTuple):
    """A condition of a grid, with the names that each of its parts can be selected by."""

    id: int
    test_set: str
    prompt: str
    decoding: str


def comparable_conditions(
    connection: Connection, grid: str, grid_id: int, wanted: Mapping[str, str | None], models: Collection[int] = ()
) -> tuple[int, ...]:
    """The conditions of a grid that are wanted: of one test set, prompt and decoding, and with one text for each pair.

    Args:
        connection: a reading transaction.
        grid: name of the grid.
        grid_id: its number.
        wanted: text that the `test_set`, `prompt` and `decoding` must hold, or the name of a test set or prompt; None
            takes any if there is one, and the first of the test sets and prompts that the grid's specification lists.
        models: numbers of the models compared: where baselines are decoded in their own way, only these count;
            without models it is the decoding of the specification.

    Raises:
        StoreError: there are none, or several that can't be mixed.
    """
    conditions = _all_conditions(connection, grid_id)
    wanted = {**wanted, "test_set": chosen_test_set(connection, grid, grid_id, wanted.get("test_set"))}
    if wanted.get("prompt") or len({condition.prompt for condition in conditions}) > 1:
        wanted = {**wanted, "prompt": chosen_prompt(connection, grid_id, wanted.get("prompt"))}
    found = [
        condition
        for condition in conditions
        if all(text is None or text in getattr(condition, part) for part, text in wanted.items())
    ]
    if not found and any(wanted.values()):
        asked = " and ".join(f"{part.replace('_', ' ')} '{text}'" for part, text in wanted.items() if text)
        raise StoreError(f"Grid '{grid}' has no cells with {asked}.")
    if wanted.get("decoding") is None and len({condition.decoding for condition in found}) > 1:
        found = _of_models(connection, found, models) if models else _of_spec(connection, grid_id, found)
    for part in wanted:
        names = sorted({getattr(condition, part) for condition in found})
        if len(names) > 1:
            noun = part.replace("_", " ")
            raise StoreError(
                f"Grid '{grid}' has cells of {len(names)} {noun}s ({'; '.join(names)}), and scores of different "
                f"{noun}s are not comparable: ask for one by a part of its text, as in scores(..., {part}=TEXT)."
            )
    ids = tuple(condition.id for condition in found)
    if len(ids) > 1:
        twice = (
            select(PairRow.source, PairRow.target)
            .join(GridPairRow, GridPairRow.pair_id == PairRow.id)
            .where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id.in_(ids))
            .group_by(PairRow.source, PairRow.target)
            .having(func.count() > 1)
            .limit(1)
        )
        if (pair := connection.execute(twice).one_or_none()) is not None:
            raise StoreError(
                f"Grid '{grid}' has {Pair(*pair)} with two texts of one test set: the corpus changed without a new "
                "revision. Scores on different texts are not comparable: run the grid again under a new name."
            )
    return ids


def decoded_alike(connection: Connection, grid_id: int) -> bool:
    """Whether all models of a grid are decoded in the same way."""
    return len({condition.decoding for condition in _all_conditions(connection, grid_id)}) == 1


def facing_conditions(
    connection: Connection, conditions: Collection[int], others: Collection[int]
) -> tuple[tuple[int, int], ...]:
    """Match conditions with those of another slice on the same text, whatever the prompt and the decoding.

    Raises:
        StoreError: they have no test set in common.
    """
    query = select(ConditionRow.id, ConditionRow.test_set_id, ConditionRow.edition)
    text = {row.id: row[1:] for row in connection.execute(query.where(ConditionRow.id.in_({*conditions, *others})))}
    by_text = {text[number]: number for number in others}
    found = tuple((number, by_text[text[number]]) for number in conditions if text[number] in by_text)
    if conditions and others and not found:
        raise StoreError("The two were tested on different text, so their scores are not comparable: run them on one.")
    return found


def ways_apart(connection: Connection, facing: Collection[tuple[int, int]]) -> list[str]:
    """What matched conditions differ in: `prompts`, `decodings`, or nothing."""
    query = select(ConditionRow.id, ConditionRow.prompt_id, ConditionRow.decoding_id)
    numbers = {number for both in facing for number in both}
    found = {row.id: row[1:] for row in connection.execute(query.where(ConditionRow.id.in_(numbers)))}
    ways = ("prompts", "decodings")
    return [way for place, way in enumerate(ways) if any(found[one][place] != found[two][place] for one, two in facing)]


def _of_models(connection: Connection, found: list[_Condition], models: Collection[int]) -> list[_Condition]:
    """The conditions under which some models have cells."""
    used = select(ConditionRow.id).where(
        ConditionRow.id.in_([condition.id for condition in found]),
        exists().where(CellRow.condition_id == ConditionRow.id, CellRow.model_id.in_(models)),
    )
    ids = set(connection.execute(used).scalars())
    return [condition for condition in found if condition.id in ids]


def _of_spec(connection: Connection, grid_id: int, found: list[_Condition]) -> list[_Condition]:
    """The conditions of the decoding that the grid's specification names; all where it names none of them."""
    spec = spec_of(connection, grid_id)
    written = (spec.get("evaluation") or {}).get("decoding")
    own = Decoding.model_validate(written).id if written else ""
    return [condition for condition in found if own and own in condition.decoding] or found


def _all_conditions(connection: Connection, grid_id: int) -> list[_Condition]:
    query = (
        select(
            ConditionRow.id,
            TestSetRow.corpus,
            TestSetRow.split,
            TestSetRow.revision,
            TestSetRow.identity.label("test_set"),
            PromptRow.template,
            PromptRow.identity.label("prompt"),
            DecodingRow.settings,
            DecodingRow.identity.label("decoding"),
        )
        .join(TestSetRow, TestSetRow.id == ConditionRow.test_set_id)
        .join(PromptRow, PromptRow.id == ConditionRow.prompt_id)
        .join(DecodingRow, DecodingRow.id == ConditionRow.decoding_id)
        .where(exists().where(GridPairRow.grid_id == grid_id, GridPairRow.condition_id == ConditionRow.id))
        .order_by(ConditionRow.id)
    )
    return [
        _Condition(
            id=row.id,
            test_set=f"{row.corpus} {row.split} {row.revision} ({row.test_set})",
            prompt=f"{row.template!r} ({row.prompt})",
            decoding=f"{canonical_json(row.settings)} ({row.decoding})",
        )
        for row in connection.execute(query)
    ]
