"""Two models pair by pair: where they differ, and most."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.orm import aliased

from dragoman.errors import StoreError
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.comparable import decoded_alike, facing_conditions
from dragoman.store.database import fetched
from dragoman.store.keys import grid_number
from dragoman.store.ledger import Ledger
from dragoman.store.prompts import named_row
from dragoman.store.resamples import metric_class
from dragoman.store.schema import PARTITION_IDS, PARTITIONS, PairRow, ScoreRow
from dragoman.store.scored import same_cell
from dragoman.store.slice import Slice, grid_models, number_of

_UNSEEN = [PARTITION_IDS[partition] for partition in Partition if partition.is_unseen]


@dataclass(frozen=True, slots=True)  # not a pydantic model: there are tens of thousands of them at once
class PairDifference:
    """One pair that both models have a score for."""

    pair: Pair
    """The direction."""
    partition_a: Partition | None
    """How the pair stands to what model a was trained on; None where that is not known."""
    partition_b: Partition | None
    """Likewise of model b."""
    a: float
    """Score of model a."""
    b: float
    """Score of model b."""
    delta: float
    """b minus a."""
    low: float | None = None
    """Lower end of the 95% interval of `delta`."""
    high: float | None = None
    """Upper end of it."""
    p_value: float | None = None
    """P-value of the paired test; None without stored statistics."""
    adjusted: float | None = None
    """The p-value adjusted for all pairs of the comparison."""
    significant: bool | None = None
    """Whether the adjusted p-value is at most alpha."""


def regressions(
    store: Ledger, grid: str, a: str, b: str, metric: str, signature: str | None = None, limit: int = 50,
    prompt: str | None = None,
) -> list[PairDifference]:  # fmt: skip
    """The pairs on which b is worst against a, worst first; arguments and errors as for `compare`."""
    with store.database.reading() as connection:
        part, a_id, b_id, _ = two_models(connection, grid, metric, a, b, signature, prompt)
        query = _differences(part, a_id, b_id)
        delta = query.selected_columns.delta
        order = delta if higher_is_better(metric) else delta.desc()
        return _read(connection, query.order_by(order, PairRow.source, PairRow.target).limit(limit))


def unseen_differences(
    store: Ledger, grid: str, a: str, b: str, metric: str, signature: str | None = None, limit: int | None = None
) -> list[PairDifference]:
    """The pairs unseen for both models whose scores differ by more than their stored intervals explain, largest first.

    The difference of two independent scores has an interval whose half-width is the root of the sum of their squared
    half-widths. A paired test (`compare`) takes both models' errors on the same segments into account and finds more:
    this is the screen for grids too large for it. Arguments and errors as for `compare`.
    """
    with store.database.reading() as connection:
        part, a_id, b_id, _ = two_models(connection, grid, metric, a, b, signature)
        query = _differences(part, a_id, b_id, screened=True)
        largest = func.abs(query.selected_columns.delta).desc()
        return _read(connection, query.order_by(largest, PairRow.source, PairRow.target).limit(limit))


class Facing(NamedTuple):
    """Two models to be compared."""

    part: Slice
    """Where model b has its scores, and those of model a that face them."""
    a_id: int
    """Number of model a."""
    b_id: int
    """Number of model b."""
    note: str | None = None
    """What else differs between the two than the model, as a sentence."""


def two_models(
    connection: Connection, grid: str, metric: str, a: str, b: str, signature: str | None, prompt: str | None = None
) -> Facing:
    """The slice in which two models are compared, and their numbers.

    They may have been asked with different prompts, or decoded in different ways: baselines often are. Their test set
    and signatures are the same.

    Raises:
        StoreError: something named is not there, is the same twice, or would be mixed.
    """
    grid_id = grid_number(connection, grid)
    models = grid_models(connection, grid_id)
    row_a, row_b = (named_row(connection, grid_id, models, name, prompt) for name in (a, b))
    if row_a == row_b:
        raise StoreError(f"'{a}' can't be compared with itself: name two models of grid '{grid}'.")
    a_id, b_id = (number_of(grid, models, row.model) for row in (row_a, row_b))
    if row_a.prompt == row_b.prompt and decoded_alike(connection, grid_id):
        both = [row_b.model, row_a.model]
        return Facing(Slice.of(connection, grid, metric, both, signature, prompt=row_b.prompt), a_id, b_id)
    other, part = (
        Slice.of(connection, grid, metric, [row.model], signature, prompt=row.prompt) for row in (row_a, row_b)
    )
    if other.conditions == part.conditions:
        return Facing(part._replace(whole=False), a_id, b_id)
    facing = facing_conditions(connection, part.conditions, other.conditions)
    how = " and ".join(f"{name} is {row.model} asked with {row.prompt}" for name, row in ((a, row_a), (b, row_b)))
    ways = "prompts" if row_a.prompt != row_b.prompt else "decodings"
    note = f"Two systems, not two models alone: their {ways} differ ({how})."
    return Facing(part._replace(facing=facing), a_id, b_id, note)


def pair_differences(connection: Connection, part: Slice, a_id: int, b_id: int) -> list[PairDifference]:
    """Every pair both have a score for, sorted, not tested."""
    return _read(connection, _differences(part, a_id, b_id).order_by(PairRow.source, PairRow.target))


def _differences(part: Slice, a_id: int, b_id: int, screened: bool = False) -> Select[*tuple[Any, ...]]:
    other = aliased(ScoreRow)
    delta = ScoreRow.value - other.value
    query = (
        select(
            PairRow.source, PairRow.target, other.partition_id.label("partition_a"),
            ScoreRow.partition_id.label("partition_b"), other.value.label("a"), ScoreRow.value.label("b"),
            delta.label("delta"),
        )
        .join(other, same_cell(other, a_id, part.facing))
        .join(PairRow, PairRow.id == ScoreRow.pair_id)
        .where(ScoreRow.model_id == b_id, part.holds(ScoreRow))
    )  # fmt: skip
    if screened:
        widths = [row.high - row.low for row in (ScoreRow, other)]
        unseen = [row.partition_id.in_(_UNSEEN) for row in (ScoreRow, other)]
        query = query.where(*unseen, 4 * delta * delta > widths[0] * widths[0] + widths[1] * widths[1])
    return query


def _read(connection: Connection, query: Select[*tuple[Any, ...]]) -> list[PairDifference]:
    return [
        PairDifference(Pair(source, target), PARTITIONS[of_a], PARTITIONS[of_b], a, b, delta)
        for source, target, of_a, of_b, a, b, delta in fetched(connection, query)
    ]


def higher_is_better(metric: str) -> bool:
    """Whether a model is better the higher its score; taken for granted of a metric that is not installed."""
    kind = metric_class(metric)
    return kind is None or kind.higher_is_better
