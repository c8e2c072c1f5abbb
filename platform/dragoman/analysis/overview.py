"""The overview of a grid: every system with its means by partition, which are best, and which is the champion."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import NamedTuple

import numpy as np

from dragoman.analysis.aggregation import ALL, SCOPES, UNKNOWN, UNSEEN, masks_by_scope, mean
from dragoman.analysis.champions import aliases_of_trail
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import higher_is_better
from dragoman.analysis.pair_scores import PairColumns, read_columns
from dragoman.analysis.partition_table import PartitionRow
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.systems import System
from dragoman.partition import Partition
from dragoman.store.repositories.grids import number_of
from dragoman.store.store import Store

ORDER = (Partition.SEEN, UNSEEN, ALL, *(each for each in SCOPES if each not in (Partition.SEEN, UNSEEN, ALL)))
"""Scopes in the order of an overview's columns: what is looked at first stands first."""

_ROUNDING = 1e-9
"""Means that differ by less are equal."""


class SystemOverview(NamedTuple):
    """One system of an overview."""

    system: System
    """The system."""
    rows: Mapping[str, PartitionRow]
    """The rows of its partition table by scope, but for those that another scope says already."""
    same_as: Mapping[str, str]
    """The scopes that are the same pairs as another one of its, with that."""
    aliases: tuple[str, ...]
    """The aliases of the model registry under which it stands, as `NAME@ALIAS`."""


class Overview(NamedTuple):
    """What an overview says."""

    systems: tuple[SystemOverview, ...]
    """The systems, in the order of the grid."""
    scopes: tuple[str, ...]
    """The scopes that have a column."""
    merged: Mapping[str, str]
    """The scopes that occur and have none, as every system's pairs are those of another one, with that."""
    best: Mapping[str, frozenset[System]]
    """The best systems of each scope, on the pairs that all of those that have the scope have in common."""
    incomparable: tuple[str, ...]
    """The scopes in which no system is best, as those that have it have no scored pair in common."""


def overview(
    store: Store, question: ScoreQuestion, tables: Mapping[System, Sequence[PartitionRow]], *, is_large: bool = False
) -> Overview:
    """The overview of some systems of a grid.

    The best of a scope is found on the pairs that all systems in it share, as means over other pairs don't compare
    models; quoted scores are never best. In a large grid only the scope of every pair has a best one, where all of
    its systems are complete.

    Args:
        store: the store.
        question: the question; its prompt is that of each system.
        tables: the partition table of each system.
        is_large: whether there are too many cells for pairs to be read one by one.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with store.database.reading() as connection:
        aliases = aliases_of_trail(connection)
    identities = {name: identity for identity, name in store.grids.get(question.grid).names.items()}
    systems = []
    for system, rows in tables.items():
        same_as = equal_scopes(rows)
        kept = {row.scope: row for row in rows if row.scope not in same_as}
        systems.append(SystemOverview(system, kept, same_as, aliases.get(identities[system.model], ())))
    scopes = tuple(scope for scope in ORDER if any(scope in each.rows for each in systems))
    merged = {
        scope: each.same_as[scope]
        for each in systems
        for scope in ORDER
        if scope in each.same_as and scope not in scopes
    }
    best, incomparable = _best(store, question, systems, scopes, is_large)
    return Overview(tuple(systems), scopes, merged, best, incomparable)


def equal_scopes(rows: Sequence[PartitionRow]) -> dict[str, str]:
    """The scopes of a partition table that are the same pairs as a wider one, with the widest that they are."""
    counts = {row.scope: row.pairs for row in rows}
    found = {}
    for scope, pairs in counts.items():
        if scope == ALL:
            continue
        wider = [ALL, *([UNSEEN] if scope not in (Partition.SEEN, UNSEEN, UNKNOWN) else [])]
        same = next((each for each in wider if counts.get(each) == pairs), None)
        if same is not None:
            found[scope] = same
    return found


def _best(
    store: Store, question: ScoreQuestion, systems: Sequence[SystemOverview], scopes: Sequence[str], is_large: bool
) -> tuple[dict[str, frozenset[System]], tuple[str, ...]]:
    """The best systems of each scope, and the scopes that can have none."""
    sign = 1 if higher_is_better(question.metric) else -1
    means = _means_of_all(systems, scopes) if is_large else _means_in_common(store, question, systems, scopes)
    best, incomparable = {}, []
    for scope, values in means.items():
        if not values:
            incomparable.append(scope)
            continue
        top = max(sign * value for value in values.values())
        best[scope] = frozenset(system for system, value in values.items() if sign * value >= top - _ROUNDING)
    return best, tuple(incomparable)


def _compared(systems: Sequence[SystemOverview], scope: str) -> dict[System, PartitionRow]:
    """The rows of the systems that may be the best of a scope; none where there is only one."""
    rows = {each.system: each.rows[scope] for each in systems if scope in each.rows and each.system.quoted is None}
    scored = {system: row for system, row in rows.items() if row.mean is not None}
    return scored if len(scored) > 1 else {}


def _means_of_all(systems: Sequence[SystemOverview], scopes: Sequence[str]) -> dict[str, dict[System, float]]:
    """The means of the scopes that are every pair of the grid, for all of their systems; empty for other scopes."""
    means = {}
    for scope in scopes:
        if rows := _compared(systems, scope):
            is_same = scope == ALL and all(row.done == row.pairs for row in rows.values())
            means[scope] = {each: row.mean for each, row in rows.items() if row.mean is not None} if is_same else {}
    return means


def _means_in_common(
    store: Store, question: ScoreQuestion, systems: Sequence[SystemOverview], scopes: Sequence[str]
) -> dict[str, dict[System, float]]:
    """The systems' means over the pairs of each scope that all of them share; empty where there are none."""
    compared = {scope: rows for scope in scopes if (rows := _compared(systems, scope))}
    wanted = dict.fromkeys(system for rows in compared.values() for system in rows)
    columns = dict[System, PairColumns]()
    with reading(store, question) as connection:
        for system in wanted:
            part = Slice.of(connection, replace(question, prompt=system.prompt), [system.model])
            number = number_of(question.grid, part.models, system.model)
            columns[system] = read_columns(connection, part, model_id=number)
    return {scope: _common(columns, rows, scope, question.micro) for scope, rows in compared.items()}


def _common(
    columns: Mapping[System, PairColumns], systems: Collection[System], scope: str, micro: bool
) -> dict[System, float]:
    held = {}
    for system in systems:
        own = columns[system]
        held[system] = masks_by_scope(own.partitions)[scope] & ~np.isnan(own.own.values)
    shared = reduce(np.intersect1d, (columns[system].ids[mask] for system, mask in held.items()))
    means = {}
    for system in systems:
        own = columns[system]
        places = np.searchsorted(own.ids, shared)
        found = mean(own.own.values[places].tolist(), own.weights(micro)[places].tolist())
        if found is not None:
            means[system] = found
    return means
