"""Quoted scores beside others, where that is asked for: differences without a test, and means without a rank."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import fsum

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.aggregation import means_by_scope
from dragoman.analysis.caption import captions_of_both
from dragoman.analysis.comparability import facing_conditions
from dragoman.analysis.comparison import Comparison, scopes_of_means
from dragoman.analysis.pair_differences import PairDifference, systems_meant
from dragoman.analysis.pair_scores import PairColumns, Scored, read_columns
from dragoman.analysis.pair_tests import ModelTests
from dragoman.analysis.ranking_records import QuotedMean
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.systems import System, quotations
from dragoman.metrics.significance import Correction, Test
from dragoman.pair import Pair
from dragoman.store.repositories.grids import number_of
from dragoman.store.schema import PARTITIONS
from dragoman.store.store import Store


def compare_quoted(store: Store, question: ScoreQuestion, *, a: str, b: str) -> Comparison | None:
    """Set two systems side by side of which one or both are quoted: differences without intervals or p-values.

    Args:
        store: the store.
        question: the question.
        a: name of the baseline, as for `compare`.
        b: name of the other.

    Returns:
        The comparison, none of whose differences is tested; None where neither is quoted.

    Raises:
        StoreError: something named is not there, or they are of different test sets.
    """
    with store.database.reading() as connection:
        (one, a_id), (two, b_id) = systems_meant(connection, question, a, b)
        quoted = quotations(connection, {a_id, b_id})
        if not quoted:
            return None
        other, part = (_slice(connection, question, each) for each in (one, two))
        facing_conditions(connection, part.conditions, other.conditions)
        theirs = read_columns(connection, other, model_id=a_id)
        columns = _beside(read_columns(connection, part, model_id=b_id), theirs)
        captions = captions_of_both(connection, part, a_id, b_id)
        captions = captions[0].model_copy(update={"signatures": other.signature_texts(connection)}), captions[1]
    scopes = scopes_of_means(means_by_scope(columns, micro=question.micro), question, ModelTests(None), Correction.NONE)
    named = " and ".join(
        f"{name} is {quoted[number].phrase}" for name, number in ((a, a_id), (b, b_id)) if number in quoted
    )
    return Comparison(
        a=a,
        b=b,
        metric=question.metric,
        test=Test.RANDOMIZATION,
        correction=Correction.NONE,
        alpha=0.0,
        samples=None,
        signatures=tuple(dict.fromkeys([*theirs.signatures, *columns.signatures])),
        micro=question.micro,
        caption_a=captions[0],
        caption_b=captions[1],
        scopes=tuple(scopes),
        pairs=tuple(_differences(columns, theirs)),
        note=f"Not tested: {named}. Nothing shows that it was scored on these sentences, or in this way; a difference "
        "may be of that alone.",
        is_quoted=True,
    )


def quoted_means(
    connection: Connection, question: ScoreQuestion, systems: Iterable[System], pairs: Mapping[Pair, float]
) -> tuple[QuotedMean, ...]:
    """The means of quoted systems over some pairs, with their weights."""
    found = []
    for system in systems:
        if system.quoted is None:
            continue
        part = _slice(connection, question, system)
        columns = read_columns(connection, part, model_id=number_of(system.grid, part.models, system.model))
        values = {
            pair: value
            for pair, value in zip(columns.pairs, columns.own.values.tolist(), strict=True)
            if pair in pairs and value == value  # not NaN
        }
        total = fsum(pairs[pair] for pair in values)
        found.append(
            QuotedMean(
                system=system.model,
                source=system.quoted.source,
                signature=system.quoted.signature,
                done=len(values),
                pairs=len(pairs),
                mean=fsum(pairs[pair] * value for pair, value in values.items()) / total if values else None,
            )
        )
    return tuple(found)


def _slice(connection: Connection, question: ScoreQuestion, system: System) -> Slice:
    return Slice.of(connection, replace(question, grid=system.grid, prompt=system.prompt), [system.model])


def _beside(columns: PairColumns, theirs: PairColumns) -> PairColumns:
    """A model's pairs with another's scores of them, whatever the signatures."""
    others = np.full((3, len(columns.ids)), np.nan)
    if len(theirs.ids):
        places = np.minimum(np.searchsorted(theirs.ids, columns.ids), len(theirs.ids) - 1)
        held = theirs.ids[places] == columns.ids
        others[:, held] = np.stack(theirs.own)[:, places[held]]
    return columns._replace(other=Scored(*others))


def _differences(columns: PairColumns, theirs: PairColumns) -> list[PairDifference]:
    their_partitions = dict(zip(theirs.pairs, theirs.partitions.tolist(), strict=True))
    rows = zip(
        columns.pairs,
        columns.partitions.tolist(),
        columns.other.values.tolist(),
        columns.own.values.tolist(),
        strict=True,
    )
    found = [
        PairDifference(pair, PARTITIONS[their_partitions[pair]], PARTITIONS[own], a, b, b - a)
        for pair, own, a, b in rows
        if a == a and b == b  # not NaN
    ]
    return sorted(found, key=lambda each: each.pair)
