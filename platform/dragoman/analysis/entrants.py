"""The systems that a ranking is of, with the pairs that all of them have in a scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import comb
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from dragoman.analysis.aggregation import ALL, SCOPES, UNKNOWN, masks_by_scope
from dragoman.analysis.comparability import Looked, comparable_signatures, facing_conditions, ways_apart
from dragoman.analysis.pair_scores import PairColumns, read_columns
from dragoman.analysis.quoted_comparison import quoted_means
from dragoman.analysis.ranking_records import QuotedMean
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.analysis.segment_statistics import (
    MOST_PAIRS,
    OfText,
    disagreement,
    has_too_many,
    rows_of,
    scores_of_texts,
)
from dragoman.analysis.systems import System, systems_of
from dragoman.errors import StoreError, nearest
from dragoman.metrics.base import Metric
from dragoman.metrics.lookup import metric_class
from dragoman.pair import Pair
from dragoman.partition import Partition
from dragoman.store.database.ids import grid_number
from dragoman.store.repositories.grids import grid_models
from dragoman.store.schema import PARTITIONS

MOST_SYSTEMS = 50
"""Systems that are ranked at once: the tests are of every two of them."""

MOST_DIFFERENCES = 200_000
"""Pairs of systems times language pairs that are tested at once: it takes two minutes for a thousand sentences."""


@dataclass(frozen=True)
class Entrant:
    """A system with its scores."""

    name: str
    """Its name: the model's, or `MODEL:PROMPT` where a model is asked with several."""
    model: str
    """The model's name in the grid."""
    model_id: int
    """Number of the model."""
    part: Slice
    """The slice of its scores."""
    columns: PairColumns
    """Every planned pair of it."""
    scores: Mapping[Pair, OfText] = field(default_factory=dict)
    """Its scores with their statistics, on the pairs of the ranking's scope."""

    @cached_property
    def partitions(self) -> dict[Pair, Partition | None]:
        """The partition of each pair under its training graph; None where that is unknown."""
        return dict(
            zip(self.columns.pairs, (PARTITIONS[each] for each in self.columns.partitions.tolist()), strict=True)
        )

    @property
    def is_scored(self) -> bool:
        """Whether it has a score."""
        return not np.isnan(self.columns.own.values).all()

    @property
    def is_trained(self) -> bool:
        """Whether it is known to be trained on a language of the grid, so that its pairs are in several partitions."""
        return bool({*self.partitions.values()} - {None, Partition.UNSEEN_BOTH})


class Entrants(NamedTuple):
    """The systems of a ranking."""

    systems: tuple[Entrant, ...]
    """The systems, in the order of the grid."""
    kind: type[Metric]
    """The metric."""
    pairs: Mapping[Pair, float]
    """The pairs that all of them have in the scope, with their weights."""
    planned: int
    """Pairs that are planned in the scope."""
    quoted: tuple[QuotedMean, ...]
    """Systems asked for whose scores are quoted, which can't be tested."""
    notes: tuple[str, ...]
    """What was left out, and how the scope was found, as sentences."""

    @property
    def signatures(self) -> tuple[str, ...]:
        """The signatures of their scores on these pairs."""
        return tuple(sorted({self.systems[0].scores[pair].signature for pair in self.pairs}))


def entrants(connection: Connection, question: ScoreQuestion, *, models: Sequence[str], over: str) -> Entrants:
    """Read the systems of a grid, and find the pairs that all have a score with statistics for.

    Args:
        connection: a reading transaction.
        question: the query; with a prompt only systems asked with that.
        models: models with all their prompts, or `MODEL:PROMPT`; all by default.
        over: the scope.

    Raises:
        StoreError: something named is not there, there are fewer than two systems or too many, they have no pair in
            common, or scores would be mixed that can't be compared.
        MetricError: statistics are damaged.
    """
    if over not in SCOPES:
        raise StoreError(f"'{over}' is no partition; {nearest(over, SCOPES)}")
    kind = metric_class(question.metric)
    if kind is None:
        raise StoreError(f"A ranking needs the metric {question.metric}, which is not installed here.")
    asked = _chosen(connection, question, models)
    chosen = [each for each in asked if each.quoted is None]
    found, notes = _read(connection, question, chosen)
    if without := [each.name for each in found if not each.is_scored]:
        notes.append(f"Left out, as there is no {question.metric} score: {_listed(without)}.")
        found = [each for each in found if each.is_scored]
    if len(found) < 2:
        raise StoreError(
            f"A ranking needs two systems, and {len(found)} of those asked for in grid '{question.grid}' "
            f"{'has' if len(found) == 1 else 'have'} {question.metric} scores."
        )
    scope, said = _scope(found, over)
    if (tests := comb(len(found), 2) * len(scope)) > MOST_DIFFERENCES:
        raise StoreError(
            f"{len(found)} systems on {len(scope):,} pairs differ in {tests:,} ways, and up to {MOST_DIFFERENCES:,} "
            "are tested at once: name the systems to rank with --model, or a partition with --over."
        )
    held = set(scope)
    found = [replace(each, scores=scores_of_texts(connection, each.part, each.model_id, held)) for each in found]
    shared = [pair for pair in scope if _is_shared([each.scores.get(pair) for each in found])]
    odd = [pair for pair in shared if not _agree(kind(pair), [each.scores[pair] for each in found])]
    weights = dict(zip(found[0].columns.pairs, found[0].columns.weights(question.micro).tolist(), strict=True))
    pairs = {pair: weights[pair] for pair in sorted(set(shared) - set(odd))}
    if not pairs:
        fewest = min(found, key=lambda each: len(each.scores))
        raise StoreError(
            f"No pair{'' if over == ALL else f' of {over}'} has a score with statistics of all {len(found)} systems "
            f"({fewest.name} has {len(fewest.scores)} scores): name the systems to rank with --model."
        )
    if odd:
        notes.append(f"{disagreement(question.metric, odd)}: left out.")
    quoted = quoted_means(connection, question, asked, pairs)
    return Entrants(tuple(found), kind, pairs, len(scope), quoted, (*said, *notes))


def _chosen(connection: Connection, question: ScoreQuestion, models: Sequence[str]) -> list[System]:
    """The systems that are asked for."""
    grid = question.grid
    every = systems_of(connection, grid, grid_number(connection, grid))
    known = list(dict.fromkeys(each.model for each in every))
    prompts = list(dict.fromkeys(str(each.prompt) for each in every))
    if question.prompt is not None and question.prompt not in prompts:
        raise StoreError(f"Grid '{grid}' has no prompt '{question.prompt}'; {nearest(question.prompt, prompts)}")
    wanted = []
    for name in models or known:
        named = System.parse(name, grid, known)
        prompt = named.prompt or question.prompt
        matching = [each for each in every if each.model == named.model and prompt in (None, each.prompt)]
        if named.model not in known or named.grid != grid or (named.prompt and not matching):
            names = known + [each.within(grid) for each in every]
            raise StoreError(f"Grid '{grid}' has no system '{name}'; {nearest(name, names)}")
        wanted += matching
    found = [each for each in every if each in wanted]
    if len(found) > MOST_SYSTEMS:
        raise StoreError(
            f"Up to {MOST_SYSTEMS} systems are ranked at once, and grid '{grid}' has {len(found)}: name the systems to "
            "rank with --model."
        )
    return found


def _read(connection: Connection, question: ScoreQuestion, chosen: Sequence[System]) -> tuple[list[Entrant], list[str]]:
    """The systems with their pairs, under signatures that match and of the same test set, and how they are run."""
    number = grid_number(connection, question.grid)
    ids = grid_models(connection, number)
    parts = [
        Slice.of(connection, replace(question, prompt=each.prompt or question.prompt), [each.model]) for each in chosen
    ]
    looked = [
        Looked(question.grid, number, part.conditions, {ids[each.model]})
        for each, part in zip(chosen, parts, strict=True)
    ]
    ways: list[str] = []
    for part in parts[1:]:
        ways += ways_apart(connection, facing_conditions(connection, parts[0].conditions, part.conditions))
    signatures = (
        comparable_signatures(connection, question.metric, parts[0].metric_id, looked, question.signature)
        if parts
        else ()
    )
    several = len({each.prompt for each in chosen}) > 1
    found = []
    for each, own in zip(chosen, parts, strict=True):
        part, model_id = own._replace(signatures=signatures), ids[each.model]
        if has_too_many(connection, part, model_id):
            raise StoreError(f"Systems are ranked on up to {MOST_PAIRS:,} pairs, and {each.model} has more.")
        name = each.within(question.grid) if several else each.model
        columns = read_columns(connection, part, model_id=model_id)
        found.append(Entrant(name, each.model, model_id, part, columns))
    notes = [f"The systems are not run alike: their {' and '.join(dict.fromkeys(ways))} differ."] if ways else []
    return found, notes


def _scope(found: Sequence[Entrant], over: str) -> tuple[list[Pair], list[str]]:
    """The pairs of a scope under all systems whose training decides, and what is to be said of it."""
    planned = list(dict.fromkeys(pair for each in found for pair in each.columns.pairs))
    if over == ALL:
        return planned, []
    trained = [each for each in found if each.is_trained]
    known = [each for each in found if over == UNKNOWN or any(each.partitions.values())]
    deciding = trained if trained and over != UNKNOWN else known
    if not deciding:
        raise StoreError(f"What these systems were trained on is unknown, so that no pair is known to be {over}.")
    held = {each.name: _held(each, over) for each in deciding}
    scope = [pair for pair in planned if all(pair in pairs for pairs in held.values())]
    notes = []
    if len({frozenset(pairs) for pairs in held.values()}) > 1:
        counts = ", ".join(f"{name} {len(pairs)}" for name, pairs in held.items())
        notes.append(f"Partitions differ by model: these are the {len(scope)} that are {over} under each ({counts}).")
    idle = [each for each in found if each not in deciding]
    if untrained := [each.name for each in idle if any(each.partitions.values())]:
        notes.append(f"{_listed(untrained)} saw no language of these pairs: {over} is by the training of the others.")
    if unknown := [each.name for each in idle if not any(each.partitions.values())]:
        notes.append(f"What {_listed(unknown)} saw is unknown: to it a pair may be another than {over}.")
    return scope, notes


def _held(each: Entrant, over: str) -> set[Pair]:
    mask = masks_by_scope(each.columns.partitions).get(over)
    pairs = each.columns.pairs
    return set() if mask is None else {pairs[place] for place in np.flatnonzero(mask).tolist()}


def _is_shared(scores: Sequence[OfText | None]) -> bool:
    """Whether all systems have a score with statistics of a pair, of the same lines and signature."""
    known = [each for each in scores if each is not None and each.stored.packed is not None]
    return len(known) == len(scores) and len({(each.text, each.signature) for each in known}) == 1


def _agree(metric: Metric, scores: Sequence[OfText]) -> bool:
    """Whether all systems' statistics give their scores, and are of as many lines."""
    tables = [rows_of(metric, each.stored) for each in scores]
    return len({-1 if table is None else len(table) for table in tables} - {-1}) == 1 and all(
        table is not None for table in tables
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
