"""What a grid's scores say about one model: pair by pair, by partition, and seen against unseen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, exists, select

from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics.packing import unpack
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.keys import grid_number
from dragoman.store.ledger import Ledger
from dragoman.store.records import Record
from dragoman.store.resamples import Joint, bounds, metric_class, statistics_of
from dragoman.store.schema import PARTITIONS, GridMetricRow, MetricRow, PartitionSumRow, ScoreRow
from dragoman.store.scored import Sums, scored_cells, sums_by_scope, weights_by_scope
from dragoman.store.slice import Slice, grid_models, number_of

BASE = "base"
"""What a grid calls its base model."""

OFF_TARGET = "off_target"
"""The metric that stands beside every other."""


@dataclass(frozen=True, slots=True)  # not a pydantic model: there are tens of thousands of them at once
class PairScore:
    """One pair of a grid, with its score or the reason why there is none."""

    pair: Pair
    """The direction."""
    partition: Partition | None
    """How the pair stands to what the model was trained on; None where that is not known."""
    state: CellState
    """Where the cell stands; `unscorable` also where only this metric can't score it."""
    reason: str | None
    """Why it has no score."""
    value: float | None
    """The score."""
    low: float | None
    """Lower end of its 95% interval."""
    high: float | None
    """Upper end of it."""
    signature: str | None
    """The signature it was scored under."""
    base_value: float | None
    """The base model's score under the same signature."""


class PartitionRow(Record):
    """The pairs of one partition, or of `unseen`, `unknown` or `all`, taken together."""

    scope: str
    """The partition, `unknown` where the model's graph is, `unseen` (all but `seen`), or `all`."""
    done: int
    """Pairs with a score: k ..."""
    pairs: int
    """... of n planned."""
    mean: float | None
    """Mean score over the `done` pairs."""
    low: float | None = None
    """Lower end of its 95% interval."""
    high: float | None = None
    """Upper end of it."""
    base_mean: float | None = None
    """The base model's mean over the `gain_pairs`."""
    gain: float | None = None
    """Mean difference to the base model over the `gain_pairs`."""
    gain_low: float | None = None
    """Lower end of its 95% interval."""
    gain_high: float | None = None
    """Upper end of it."""
    gain_pairs: int = 0
    """Pairs that both models have a score for."""
    off_target: float | None = None
    """Mean off-target rate over the pairs that have one, in percent."""
    off_target_reference: float | None = None
    """How often the detector calls the references of those pairs off-target, in percent."""


class Gap(Record):
    """How much better a model is on one partition than on another."""

    value: float
    """Mean over the one minus mean over the other."""
    low: float | None = None
    """Lower end of its 95% interval."""
    high: float | None = None
    """Upper end of it."""


def model_names(store: Ledger, grid: str) -> list[str]:
    """Names of a grid's models, `base` first where it is evaluated.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        return list(grid_models(connection, grid_number(connection, grid)))


def metric_names(store: Ledger, grid: str) -> list[str]:
    """Names of the metrics a grid asks for, then of others it has been scored with since.

    Raises:
        StoreError: there is no such grid.
    """
    with store.database.reading() as connection:
        grid_id = grid_number(connection, grid)
        asked = select(MetricRow.name).join(GridMetricRow).where(GridMetricRow.grid_id == grid_id)
        # for each metric a look into the index: the sums of a large grid are hundreds of thousands
        scored = select(MetricRow.name).where(
            exists().where(PartitionSumRow.grid_id == grid_id, PartitionSumRow.metric_id == MetricRow.id)
        )
        names = connection.execute(asked.order_by(GridMetricRow.position)).scalars().all()
        return list(dict.fromkeys([*names, *connection.execute(scored.order_by(MetricRow.name)).scalars()]))


def pair_scores(
    store: Ledger, grid: str, model_name: str, metric: str, signature: str | None = None, prompt: str | None = None
) -> list[PairScore]:
    """Every planned pair of a grid under one model, sorted.

    Args:
        store: the store.
        grid: name of the grid.
        model_name: the model's name in the grid.
        metric: name of the metric.
        signature: text that the signatures hold, where the metric has several.
        prompt: name of the prompt, or text it holds; the grid's first by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with store.database.reading() as connection:
        part = Slice.of(connection, grid, metric, [model_name], signature, prompt=prompt)
        cells = scored_cells(part, number_of(grid, part.models, model_name), part.base_id)
        return [_pair_score(row) for row in connection.execute(cells)]


def unscored(
    store: Ledger, grid: str, model_name: str, metric: str, signature: str | None = None, prompt: str | None = None
) -> list[PairScore]:
    """The planned pairs that have no score, with the reasons; arguments and errors as for `pair_scores`."""
    with store.database.reading() as connection:
        part = Slice.of(connection, grid, metric, [model_name], signature, prompt=prompt)
        cells = scored_cells(part, number_of(grid, part.models, model_name), part.base_id)
        return [_pair_score(row) for row in connection.execute(cells.where(ScoreRow.value.is_(None)))]


def _pair_score(row: Row[*tuple[Any, ...]]) -> PairScore:
    return PairScore(
        pair=Pair(row.source, row.target),
        partition=PARTITIONS[row.partition_id],
        state=CellState.UNSCORABLE if row.unscorable else CellState(row.state),
        reason=row.unscorable or row.reason,
        value=row.value, low=row.low, high=row.high, signature=row.signature, base_value=row.other_value,
    )  # fmt: skip


def partition_table(
    store: Ledger, grid: str, model_name: str, metric: str, signature: str | None = None, micro: bool = False,
    prompt: str | None = None,
) -> list[PartitionRow]:  # fmt: skip
    """The partitions that occur, then `unseen` and `all`, of a grid under one model.

    Args:
        store: the store.
        grid: name of the grid.
        model_name: the model's name in the grid.
        metric: name of the metric.
        signature: text that the signatures hold, where the metric has several.
        micro: weigh each pair by its segments; by default all pairs count alike.
        prompt: name of the prompt, or text it holds; the grid's first by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with store.database.reading() as connection:
        part = Slice.of(connection, grid, metric, [model_name], signature, prompt=prompt)
        model_id = number_of(grid, part.models, model_name)
        sums = sums_by_scope(connection, part, model_id, part.base_id, micro)
        joint = Joint.read(connection, part, model_id, part.base_id, micro)
        rates = {} if metric == OFF_TARGET else _off_target(connection, grid, part, model_id, micro)
    rows = []
    for scope, found in sums.items():
        low, high = bounds(joint.mean(scope))
        off_target, reference = rates.get(scope, (None, None))
        row = PartitionRow(
            scope=scope, done=found.done, pairs=found.pairs, mean=found.mean, low=low, high=high,
            off_target=off_target, off_target_reference=reference,
        )  # fmt: skip
        if model_id != part.base_id:
            gain = bounds(joint.gain(scope))
            row = row.model_copy(
                update={"base_mean": found.other_mean, "gain": found.gain, "gain_low": gain.low, "gain_high": gain.high,
                        "gain_pairs": found.both}
            )  # fmt: skip
        rows.append(row)
    return rows


def partition_gap(
    store: Ledger, grid: str, model_name: str, metric: str, better: str, worse: str, signature: str | None = None,
    prompt: str | None = None,
) -> Gap | None:  # fmt: skip
    """How much better a model is on one partition (or `unseen`, `all`) than on another: the difference of the means.

    Returns:
        The gap; None where either has no score.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with store.database.reading() as connection:
        part = Slice.of(connection, grid, metric, [model_name], signature, prompt=prompt)
        model_id = number_of(grid, part.models, model_name)
        sums = sums_by_scope(connection, part, model_id)
        joint = Joint.read(connection, part, model_id, part.base_id)
    over, under = (sums.get(scope, Sums()).mean for scope in (better, worse))
    if over is None or under is None:
        return None
    low, high = bounds(joint.gap(better, worse))
    return Gap(value=over - under, low=low, high=high)


def _off_target(
    connection: Connection, grid: str, part: Slice, model_id: int, micro: bool
) -> dict[str, tuple[float | None, float | None]]:
    """By scope, the mean off-target rate and the detector's on the references; nothing where signatures are mixed."""
    try:
        part = part.with_metric(connection, grid, OFF_TARGET, [model_id])
    except StoreError:
        return {}
    rates = {scope: found.mean for scope, found in sums_by_scope(connection, part, model_id, micro=micro).items()}
    kind, found = metric_class(OFF_TARGET), statistics_of(connection, part, model_id).items()
    if kind is None or not found:
        return {scope: (rate, None) for scope, rate in rates.items()}
    references = {pair: kind(pair).details(unpack(packed))["reference_off_target"] for pair, packed in found}
    weights, _ = weights_by_scope(connection, part, model_id, part.base_id, micro)
    return {scope: (rate, _mean(references, weights.get(scope, {}))) for scope, rate in rates.items()}


def _mean(values: Mapping[Pair, float], weights: Mapping[Pair, float]) -> float | None:
    if not weights or not weights.keys() <= values.keys():
        return None
    return sum(values[pair] * weight for pair, weight in weights.items()) / sum(weights.values())
