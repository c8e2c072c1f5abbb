"""The pairs behind one partition's name: those that several models share.

A partition is a model's own, as it follows from what the model was trained on: `unseen` of two models may be other
pairs, whose means say nothing of the one against the other.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dragoman.analysis.aggregation import SCOPES, masks_by_scope
from dragoman.analysis.line_slice import reading
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.systems import System
from dragoman.store.database.connection import fetched
from dragoman.store.repositories.grids import number_of
from dragoman.store.schema import ScoreRow
from dragoman.store.store import Store

ScopePairs = Mapping[str, NDArray[np.int64]]
"""The numbers of the scored pairs of each scope of a model, sorted."""


class Shared(NamedTuple):
    """The pairs of one scope under the models that have it."""

    pairs: int
    """Pairs that have a score and are in the scope under each of them."""
    of: int
    """Pairs that are so under one of them at least."""


def pairs_by_scope(store: Store, question: ScoreQuestion, systems: Iterable[System]) -> dict[System, ScopePairs]:
    """The scored pairs of each scope of some systems of a grid; those of one without a score are not among them.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found = {}
    with reading(store, question) as connection:
        for system in systems:
            part = Slice.of(connection, replace(question, prompt=system.prompt), [system.model])
            pairs = _scored(connection, part, number_of(question.grid, part.models, system.model))
            if pairs:
                found[system] = pairs
    return found


def _scored(connection: Connection, part: Slice, model_id: int) -> ScopePairs:
    query = select(ScoreRow.pair_id, ScoreRow.partition_id).where(ScoreRow.model_id == model_id, part.holds(ScoreRow))
    rows = fetched(connection, query.order_by(ScoreRow.pair_id))
    pairs, partitions = np.array(rows, np.int64).reshape(-1, 2).T
    return {scope: pairs[held] for scope, held in masks_by_scope(partitions.astype(np.int8)).items()}


def shared_pairs(found: Collection[ScopePairs]) -> dict[str, Shared]:
    """The pairs of each scope that several models have in common; of a single one, its own."""
    shared = {}
    for scope in SCOPES:
        if sets := [pairs[scope] for pairs in found if scope in pairs]:
            shared[scope] = Shared(len(reduce(np.intersect1d, sets)), len(reduce(np.union1d, sets)))
    return shared


def note_on_pairs(shared: Mapping[str, Shared], scopes: Iterable[str] = SCOPES) -> str | None:
    """The sentence about scopes that are not the same pairs under every model; None where all of them are.

    Args:
        shared: the pairs in common.
        scopes: the scopes that are shown.
    """
    apart = [
        f"{scope} ({found.pairs} of {found.of} pairs in common)"
        for scope in scopes
        if (found := shared.get(scope)) is not None and found.pairs < found.of
    ]
    if not apart:
        return None
    return (
        f"Not the same pairs for every model: {', '.join(apart)}. Means over other pairs don't compare models; "
        "`dragoman compare` does, on the pairs both have."
    )
