"""Comparison of two recipes of a grid, trained with several seeds: their means over seeds, by scope and by pair."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from dragoman.analysis.aggregation import masks_by_scope, mean
from dragoman.analysis.caption import Caption, captions_of_both
from dragoman.analysis.estimate import Estimate
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_differences import two_models
from dragoman.analysis.pair_scores import read_columns
from dragoman.analysis.recipes import RecipeTests
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import recipes_of_grid
from dragoman.analysis.segment_statistics import MOST_PAIRS, Stored, rows_of, statistics_of
from dragoman.analysis.systems import System
from dragoman.analysis.units import units_of
from dragoman.errors import StoreError
from dragoman.metrics.base import Metric, Statistics
from dragoman.metrics.lookup import metric_class
from dragoman.metrics.significance import Correction, adjusted
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.records import Record
from dragoman.store.repositories.grids import grid_models
from dragoman.store.schema import ModelRow
from dragoman.store.store import Store


class RecipeDifference(Record):
    """One scope, or one pair, under two recipes."""

    scope: str
    """A partition of recipe b, `unseen`, `unknown` or `all`; a pair is its own name."""
    done: int
    """Pairs of the scope that every seed of both has a score for: k ..."""
    pairs: int
    """... of n planned that are in the scope under every seed of b."""
    mean_a: float
    """Mean over those pairs and the seeds of a."""
    mean_b: float
    """The same of b."""
    delta: float
    """b minus a."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    p_value: float
    """Two-sided p-value of it."""
    adjusted: float
    """The p-value adjusted for the number of scopes, or of pairs."""


class RecipeComparison(Record):
    """Recipe b against recipe a."""

    a: str
    """The baseline."""
    b: str
    """The recipe that is compared with it."""
    metric: str
    """Name of the metric."""
    models_a: tuple[str, ...]
    """The models of a, one a seed."""
    models_b: tuple[str, ...]
    """The models of b."""
    caption_a: Caption
    """What the scores of a were measured on, and how."""
    caption_b: Caption
    """Likewise of b."""
    scopes: tuple[RecipeDifference, ...]
    """The partitions of b that occur, then `unseen` and `all`."""
    pairs: tuple[RecipeDifference, ...]
    """Every pair that all have a score for, sorted."""
    note: str | None = None
    """What else differs between the two than the recipe, and what was left out, as sentences."""
    basis: str
    """What intervals and p-values are about, and of what they are made, as sentences."""


class _Read(NamedTuple):
    """What was read of the models of both recipes."""

    a: list[dict[Pair, Stored]]
    """The scores of the models of a."""
    b: list[dict[Pair, Stored]]
    """Of b."""
    planned: dict[str, set[Pair]]
    """The pairs of each scope under every model of b."""
    weights: dict[Pair, float]
    """The weight of each pair."""
    fixed_a: bool
    """Whether a is a model that no seed went into."""
    fixed_b: bool
    """Whether b is."""


def compare_recipes(
    store: Store, question: ScoreQuestion, *, a: str, b: str, correction: Correction = Correction.HOLM
) -> RecipeComparison | None:
    """Compare the recipe of b with that of a, on the pairs that every model of both has a score for.

    Args:
        store: the store.
        question: the question.
        a: the baseline: a recipe's name, which is its models' without the seed, or any of its models; of another grid
            as `GRID/...`.
        b: the recipe in question, likewise.
        correction: how p-values are adjusted for the number of scopes, and of pairs.

    Returns:
        The comparison; None where there is one seed of each, or both are one recipe.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    return asked_recipes(store, question, a=a, b=b, correction=correction).comparison


class AskedRecipes(NamedTuple):
    """Two names, and the comparison of the recipes that they stand for."""

    a: str
    """The one."""
    b: str
    """The other."""
    by_name: bool
    """Whether one of them is a recipe's, and no model's."""
    comparison: RecipeComparison | None
    """The comparison, as `compare_recipes` returns it."""

    @property
    def required(self) -> RecipeComparison:
        """The comparison, which was asked for by recipes' names.

        Raises:
            StoreError: there is none.
        """
        if self.comparison is None:
            raise StoreError(
                f"{self.a} and {self.b} can't be compared as recipes: that takes two recipes, one of which has two "
                "seeds at least, and stored statistics of pairs that all their models have a score for."
            )
        return self.comparison


def asked_recipes(
    store: Store, question: ScoreQuestion, *, a: str, b: str, correction: Correction = Correction.HOLM
) -> AskedRecipes:
    """The same, with whether the names ask for recipes; arguments and errors as of `compare_recipes`."""
    with reading(store, question, a, b) as connection:
        sides = [_models(connection, question.grid, name) for name in (a, b)]
        found = _compared(connection, store, question, names=(a, b), sides=sides, correction=correction)
    return AskedRecipes(a, b, any(side.by_name for side in sides), found)


def _compared(
    connection: Connection,
    store: Store,
    question: ScoreQuestion,
    *,
    names: tuple[str, str],
    sides: Sequence["_Side"],
    correction: Correction,
) -> RecipeComparison | None:
    (a, b), (found_a, found_b) = names, (side.models for side in sides)
    kind = metric_class(question.metric)
    is_one = not {*found_a.values()}.isdisjoint(found_b.values())
    models_a, models_b = [*found_a], [*found_b]
    if is_one or max(len(models_a), len(models_b)) == 1 or kind is None:
        return None
    read, note = _read(connection, question, models_a, models_b)
    shared = [pair for pair in sorted(read.b[0]) if all(pair in side for side in (*read.a, *read.b))]
    rows_a, rows_b = ([_rows(kind, model, shared) for model in side] for side in (read.a, read.b))
    known = [pair for pair in shared if all(pair in model for model in (*rows_a, *rows_b))]
    if not known or len(known) > MOST_PAIRS:
        return None
    part, a_id, b_id, _ = two_models(connection, question, a=models_a[0], b=models_b[0])
    units = units_of(connection, part, known, blobs=store.blobs)
    captions = captions_of_both(connection, part, a_id, b_id)
    tests = RecipeTests(kind, rows_a, rows_b, units, fixed=(read.fixed_a, read.fixed_b))
    scopes = {scope: [pair for pair in known if pair in planned] for scope, planned in read.planned.items()}
    rows = {
        scope: _row(scope, pairs, len(read.planned[scope]), read, tests) for scope, pairs in scopes.items() if pairs
    }
    of_pairs = [_row(str(pair), [pair], 1, read, tests) for pair in known]
    untested = f"{len(shared) - len(known)} pairs have no statistics that give their scores: left out."
    notes = [note, untested if len(known) < len(shared) else None]
    seeds = f"{len(models_b)} seeds of {b} ({' '.join(models_b)}) and {len(models_a)} of {a} ({' '.join(models_a)})"
    about = f"Recipes: {seeds}. Intervals and p count other seeds and other sentences of this kind, on these pairs."
    return RecipeComparison(
        a=a,
        b=b,
        metric=question.metric,
        models_a=tuple(models_a),
        models_b=tuple(models_b),
        caption_a=captions[0],
        caption_b=captions[1],
        scopes=tuple(_adjusted(list(rows.values()), correction)),
        pairs=tuple(_adjusted(of_pairs, correction)),
        note=" ".join(filter(None, notes)) or None,
        basis=" ".join(filter(None, [about, units.note])),
    )


class _Side(NamedTuple):
    """What a name stands for."""

    models: dict[str, int | None]
    """The models of a recipe, by their names as systems."""
    by_name: bool
    """Whether the name is the recipe's, and no model's."""


def _models(connection: Connection, grid: str, name: str) -> _Side:
    """The models of a recipe; a name that is none of a recipe stands for itself."""
    home = grid_number(connection, grid)
    known = recipes_of_grid(connection, home).keys() | grid_models(connection, home).keys()
    named = System.parse(name, grid, known)
    grid_id = grid_number(connection, named.grid)
    recipes, numbers = recipes_of_grid(connection, grid_id), grid_models(connection, grid_id)
    found = next((models for recipe, models in recipes.items() if named.model in (recipe, *models)), [named.model])
    models = {System(named.grid, model, named.prompt).within(grid): numbers.get(model) for model in found}
    return _Side(models, named.model in recipes.keys() - numbers.keys())


def _read(
    connection: Connection, question: ScoreQuestion, models_a: Sequence[str], models_b: Sequence[str]
) -> tuple[_Read, str | None]:
    """The scores of every model, each read beside the first of the other recipe, on the same lines."""
    sides: dict[str, dict[Pair, Stored]] = {}
    planned: dict[str, set[Pair]] = {}
    weights: dict[Pair, float] = {}
    notes = list[str]()
    for a, b in dict.fromkeys([*((models_a[0], b) for b in models_b), *((a, models_b[0]) for a in models_a)]):
        part, a_id, b_id, note = two_models(connection, question, a=a, b=b)
        notes += [note] if note else []
        found = statistics_of(connection, part, b_id, a_id, shared=True)
        held = {pair: each for pair, each in found.items() if each.own.packed and each.other and each.other.packed}
        sides[b] = {pair: each.own for pair, each in held.items()}
        sides[a] = {pair: each.other for pair, each in held.items() if each.other is not None}
        if a == models_a[0]:
            columns = read_columns(connection, part, model_id=b_id, other_id=a_id)
            pairs = columns.pairs
            weights = dict(zip(pairs, columns.weights(question.micro).tolist(), strict=True))
            for scope, mask in masks_by_scope(columns.partitions).items():
                own = {pairs[place] for place in np.flatnonzero(mask).tolist()}
                planned[scope] = planned[scope] & own if scope in planned else own
    fixed = [connection.scalar(select(ModelRow.seed).where(ModelRow.id == number)) is None for number in (a_id, b_id)]
    read = _Read([sides[a] for a in models_a], [sides[b] for b in models_b], planned, weights, *fixed)
    return read, next(iter(notes), None)


def _rows(kind: type[Metric], model: Mapping[Pair, Stored], pairs: Sequence[Pair]) -> dict[Pair, Statistics]:
    """A model's statistics of those pairs of which they give the score."""
    found = {pair: rows_of(kind(pair), model[pair]) for pair in pairs}
    return {pair: rows for pair, rows in found.items() if rows is not None}


def _row(scope: str, pairs: Sequence[Pair], planned: int, read: _Read, tests: RecipeTests) -> RecipeDifference:
    weights = {pair: read.weights[pair] for pair in pairs}

    def over(side: Sequence[Mapping[Pair, Stored]]) -> float:
        return fmean(mean([model[pair].value for pair in pairs], weights.values()) or 0.0 for model in side)

    found: Estimate = tests.difference(weights)
    return RecipeDifference(
        scope=scope,
        done=len(pairs),
        pairs=planned,
        mean_a=over(read.a),
        mean_b=over(read.b),
        delta=found.value,
        low=found.low,
        high=found.high,
        p_value=found.p_value,
        adjusted=found.p_value,
    )


def _adjusted(rows: Sequence[RecipeDifference], correction: Correction) -> list[RecipeDifference]:
    final = adjusted([row.p_value for row in rows], correction).tolist()
    return [row.model_copy(update={"adjusted": value}) for row, value in zip(rows, final, strict=True)]
