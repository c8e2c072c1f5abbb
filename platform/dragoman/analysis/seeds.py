"""Aggregation over seeds: mean and standard deviation over models that differ only in their seed."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean, stdev
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from dragoman.analysis.aggregation import SCOPES, masks_by_scope, mean
from dragoman.analysis.bootstrap import Bounds, Joint
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_scores import PairColumns, read_columns
from dragoman.analysis.recipes import RecipeScores, mean_of_recipe
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.identity import canonical_json
from dragoman.pair import Pair
from dragoman.store.database.ids import grid_number
from dragoman.store.records import Record
from dragoman.store.repositories.grid_metrics import require_metric
from dragoman.store.schema import GridModelRow, ModelRow
from dragoman.store.store import Store


class SeedsRow(Record):
    """One scope of the models that differ only in their seed."""

    models: tuple[str, ...]
    """Their names, in the grid's order."""
    scope: str
    """A partition, `unknown`, `unseen` or `all`."""
    done: int
    """Pairs of the scope that all of them have a score for, over which the means are: k ..."""
    pairs: int
    """... of n planned that are in the scope under every one of them; seeds may have been trained on other pairs."""
    mean: float
    """Mean of the models' means."""
    sd: float
    """Standard deviation of the models' means (n - 1)."""
    low: float | None = None
    """Lower end of the 95% interval of the recipe's mean, with other seeds and other sentences."""
    high: float | None = None
    """Upper end of it."""


def over_seeds(store: Store, question: ScoreQuestion) -> list[SeedsRow]:
    """Mean and standard deviation over seeds, for every recipe of a grid that was trained with several.

    Args:
        store: the store.
        question: the query.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found = []
    with store.database.reading() as connection:
        require_metric(connection, question.grid, grid_number(connection, question.grid), question.metric)
    for names in seed_groups(store, question.grid):
        with reading(store, question) as connection:
            part = Slice.of(connection, question, names)
            columns = {name: read_columns(connection, part, model_id=part.models[name]) for name in names}
            shared = set[Pair].intersection(*(_scored(each) for each in columns.values()))
            read = partial(Joint.read, connection, part, micro=question.micro, blobs=store.blobs, only=shared)
            joints = [read(each, model_id=part.models[name]) for name, each in columns.items()]
        found += _rows(columns, joints, question.micro)
    return found


def seed_groups(store: Store, grid: str) -> list[list[str]]:
    """Names of the models whose recipes are equal but for the seed, where there are at least two."""
    with store.database.reading() as connection:
        return list(recipes_of_grid(connection, grid_number(connection, grid)).values())


def recipes_of_grid(connection: Connection, grid_id: int) -> dict[str, list[str]]:
    """The recipes of a grid that were trained with several seeds: the names of their models, in the grid's order.

    A recipe is called as its models are without the seed, or as the first of them where that is another's name.
    """
    query = (
        select(GridModelRow.name, ModelRow.recipe, ModelRow.seed)
        .join(ModelRow, ModelRow.id == GridModelRow.model_id)
        .where(GridModelRow.grid_id == grid_id)
        .order_by(GridModelRow.position)
    )
    groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
    taken = set[str]()
    for name, recipe, seed in connection.execute(query):
        taken.add(name)
        if seed is not None:
            groups[_without_seed(recipe)][name] = name.removesuffix(f"-seed{seed}")
    found: dict[str, list[str]] = {}
    for models in groups.values():
        short = {*models.values()}
        if len(models) > 1:
            alone = short.pop() if len(short) == 1 else ""
            found[alone if alone and alone not in taken | found.keys() else next(iter(models))] = list(models)
    return found


def seeds_of(store: Store, model_id: str) -> list[str]:
    """Identities of the models of all grids whose recipes are a model's but for the seed, itself among them."""
    query = select(ModelRow.identity, ModelRow.recipe).where(ModelRow.seed.is_not(None)).order_by(ModelRow.id)
    with store.database.reading() as connection:
        recipes = {identity: _without_seed(recipe) for identity, recipe in connection.execute(query)}
    own = recipes.get(model_id)
    return [model_id] if own is None else [identity for identity, recipe in recipes.items() if recipe == own]


def _without_seed(recipe: Mapping[str, Any]) -> str:
    return canonical_json({key: value for key, value in recipe.items() if key != "seed"})


def _scored(columns: PairColumns) -> set[Pair]:
    return {columns.pairs[place] for place in np.flatnonzero(~np.isnan(columns.own.values)).tolist()}


def _interval(joints: Sequence[Joint], means: Sequence[float], weights: Mapping[Pair, float]) -> Bounds:
    """The interval of the mean over seeds of a mean over pairs; none where a pair has no statistics."""
    drawn = [samples for joint in joints if (samples := joint.resampled(weights)) is not None]
    if len(drawn) < len(joints):
        return Bounds()
    samples = np.array(drawn)
    held = ~np.isnan(samples).any(axis=0)
    found = mean_of_recipe(RecipeScores(np.array(means), samples[:, held]), units=joints[0].units(weights))
    return Bounds(found.low, found.high)


def _rows(found: Mapping[str, PairColumns], joints: Sequence[Joint], micro: bool) -> list[SeedsRow]:
    ids = np.unique(np.concatenate([each.ids for each in found.values()]))
    places = {name: np.searchsorted(ids, each.ids) for name, each in found.items()}
    is_scored = np.ones(len(ids), np.bool_)
    is_in = {scope: np.ones(len(ids), np.bool_) for scope in SCOPES}
    for name, each in found.items():
        scored = np.zeros(len(ids), np.bool_)
        scored[places[name]] = ~np.isnan(each.own.values)
        is_scored &= scored
        masks = masks_by_scope(each.partitions)
        for scope, held in is_in.items():
            held[places[name]] &= masks.get(scope, False)
    rows = []
    for scope, held in is_in.items():
        shared = held & is_scored
        means, weights = [], dict[Pair, float]()
        for name, each in found.items():
            own = shared[places[name]]
            shares = each.weights(micro)[own].tolist()
            means.append(mean(each.own.values[own].tolist(), shares))
            weights = {each.pairs[place]: share for place, share in zip(np.flatnonzero(own), shares, strict=True)}
        known = [value for value in means if value is not None]
        if len(known) == len(found):
            low, high = _interval(joints, known, weights)
            rows.append(
                SeedsRow(
                    models=tuple(found),
                    scope=scope,
                    done=int(shared.sum()),
                    pairs=int(held.sum()),
                    mean=fmean(known),
                    sd=stdev(known),
                    low=low,
                    high=high,
                )
            )
    return rows
