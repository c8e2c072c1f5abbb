"""Partition tables of all systems of a large grid at once, from the sums that the store keeps: milliseconds each.

They have means and off-target rates, each pair alike, and no gains: these take a tenth of a second a system
(`summed_scopes`). Means are those of `partition_table` but for the rounding of sums.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlalchemy import Connection, func, select

from dragoman.analysis.aggregation import SCOPES, scopes_of
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_scores import OFF_TARGET
from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.systems import System
from dragoman.errors import StoreError
from dragoman.store.schema import PARTITIONS, CellRow, PartitionSumRow
from dragoman.store.store import Store

Sums = Mapping[int, tuple[tuple[int, int, float], ...]]
"""Of each model by its number: the partitions, with how many scores there are and their sum."""


def sums_of_slice(connection: Connection, part: Slice) -> Sums:
    """The sums of every model of a slice."""
    query = (
        select(
            PartitionSumRow.model_id,
            PartitionSumRow.partition_id,
            func.sum(PartitionSumRow.scores),
            func.sum(PartitionSumRow.total),
        )
        .where(
            PartitionSumRow.grid_id == part.grid_id,
            PartitionSumRow.metric_id == part.metric_id,
            PartitionSumRow.condition_id.in_(part.conditions),
            PartitionSumRow.signature_id.in_(part.signatures),
        )
        .group_by(PartitionSumRow.model_id, PartitionSumRow.partition_id)
        .order_by(PartitionSumRow.model_id, PartitionSumRow.partition_id)
    )
    found: defaultdict[int, list[tuple[int, int, float]]] = defaultdict(list)
    for model, partition, scores, total in connection.execute(query):
        found[model].append((int(partition), int(scores), float(total)))
    return {model: tuple(sums) for model, sums in found.items()}


def summed_tables(store: Store, question: ScoreQuestion, systems: Iterable[System]) -> dict[System, list[PartitionRow]]:
    """The partition tables of some systems without intervals and gains.

    The planned pairs of a system that lacks scores are counted, which takes ten milliseconds for 39,800 pairs.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    listed, tables = list(systems), dict[System, list[PartitionRow]]()
    for prompt in dict.fromkeys(each.prompt for each in listed):
        with reading(store, replace(question, prompt=prompt)) as connection:
            part = Slice.of(connection, replace(question, prompt=prompt))
            sums, rates = sums_of_slice(connection, part), _rates(connection, question, part)
            for system in (each for each in listed if each.prompt == prompt):
                number = part.models[system.model]
                own = sums.get(number, ())
                is_complete = sum(scores for _, scores, _ in own) == part.pairs
                planned = [each[:2] for each in own] if is_complete else _planned(connection, part, number)
                tables[system] = _rows(own, rates.get(number, ()), planned)
    return {system: tables[system] for system in listed}


def _planned(connection: Connection, part: Slice, model_id: int) -> list[tuple[int, int]]:
    """The planned pairs of a model on each partition."""
    query = select(CellRow.partition_id, func.count()).where(CellRow.model_id == model_id, part.holds(CellRow))
    return [
        (int(partition), int(count)) for partition, count in connection.execute(query.group_by(CellRow.partition_id))
    ]


def _rates(connection: Connection, question: ScoreQuestion, part: Slice) -> Sums:
    """The sums of off-target rates; none where they would be mixed."""
    if question.metric == OFF_TARGET:
        return {}
    try:
        other = part.with_metric(connection, question.grid, OFF_TARGET, part.models.values())
    except StoreError:
        return {}
    return sums_of_slice(connection, other)


def _rows(
    sums: Iterable[tuple[int, int, float]],
    rates: Iterable[tuple[int, int, float]],
    planned: Iterable[tuple[int, int]],
) -> list[PartitionRow]:
    own, off_target = _by_scope(sums), _by_scope(rates)
    pairs = _by_scope((partition, count, 0.0) for partition, count in planned)
    rows = []
    for scope in SCOPES:
        if scope not in pairs:
            continue
        count, total = own.get(scope, (0, 0.0))
        rated, rate = off_target.get(scope, (0, 0.0))
        rows.append(
            PartitionRow(
                scope=scope,
                done=count,
                pairs=pairs[scope][0],
                mean=total / count if count else None,
                off_target=rate / rated if rated else None,
                off_target_pairs=rated,
            )
        )
    return rows


def _by_scope(sums: Iterable[tuple[int, int, float]]) -> dict[str, tuple[int, float]]:
    found = dict[str, tuple[int, float]]()
    for partition, scores, total in sums:
        for scope in scopes_of(PARTITIONS[partition]):
            count, sofar = found.get(scope, (0, 0.0))
            found[scope] = (count + scores, sofar + total)
    return found
