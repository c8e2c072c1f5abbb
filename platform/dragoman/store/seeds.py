"""Models that differ only in their seed: mean and spread of their means."""

from collections import defaultdict
from statistics import fmean, stdev

from sqlalchemy import and_, func, select

from dragoman.identity import canonical_json
from dragoman.store.keys import grid_number
from dragoman.store.records import Record
from dragoman.store.schema import PARTITIONS, GridModelRow, ModelRow, ScoreRow
from dragoman.store.scored import SCOPES, scopes_of
from dragoman.store.slice import Slice
from dragoman.store.store import Store


class SeedsRow(Record):
    """One scope of the models that differ only in their seed."""

    models: tuple[str, ...]
    """Their names, in the grid's order."""
    scope: str
    """A partition, `unknown`, `unseen` or `all`."""
    pairs: int
    """Pairs that all of them have a score for: the means are over these."""
    mean: float
    """Mean of the models' means."""
    sd: float
    """Standard deviation of the models' means (n - 1)."""


def over_seeds(
    store: Store, grid: str, metric: str, signature: str | None = None, prompt: str | None = None
) -> list[SeedsRow]:
    """Mean and standard deviation over seeds, for every recipe of a grid that was trained with several.

    Args:
        store: the store.
        grid: name of the grid.
        metric: name of the metric.
        signature: text that the signatures hold, where the metric has several.
        prompt: name of the prompt, or text it holds; the grid's first by default.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    return [row for names in seed_groups(store, grid) for row in _rows(store, grid, names, metric, signature, prompt)]


def seed_groups(store: Store, grid: str) -> list[list[str]]:
    """Names of the models whose recipes are equal but for the seed, where there are at least two."""
    with store.database.reading() as connection:
        query = (
            select(GridModelRow.name, ModelRow.recipe, ModelRow.seed)
            .join(ModelRow, ModelRow.id == GridModelRow.model_id)
            .where(GridModelRow.grid_id == grid_number(connection, grid))
            .order_by(GridModelRow.position)
        )
        groups: defaultdict[str, list[str]] = defaultdict(list)
        for name, recipe, seed in connection.execute(query):
            if seed is not None:
                rest = {key: value for key, value in recipe.items() if key != "seed"}
                groups[canonical_json(rest)].append(name)
    return [names for names in groups.values() if len(names) > 1]


def _rows(
    store: Store, grid: str, names: list[str], metric: str, signature: str | None, prompt: str | None
) -> list[SeedsRow]:
    with store.database.reading() as connection:
        part = Slice.of(connection, grid, metric, names, signature, prompt=prompt)
        ids = [part.models[name] for name in names]
        of_group = and_(ScoreRow.model_id.in_(ids), part.holds(ScoreRow))
        key = (ScoreRow.condition_id, ScoreRow.pair_id)
        shared = select(*key).where(of_group).group_by(*key).having(func.count() == len(ids)).subquery()
        query = (
            select(ScoreRow.partition_id, ScoreRow.model_id, func.count(), func.sum(ScoreRow.value))
            .join(shared, and_(shared.c.condition_id == ScoreRow.condition_id, shared.c.pair_id == ScoreRow.pair_id))
            .where(of_group)
            .group_by(ScoreRow.partition_id, ScoreRow.model_id)
        )
        sums: defaultdict[str, dict[int, tuple[int, float]]] = defaultdict(dict)
        for partition_id, model_id, count, total in connection.execute(query):
            for scope in scopes_of(PARTITIONS[partition_id]):
                before = sums[scope].get(model_id, (0, 0.0))
                sums[scope][model_id] = (before[0] + count, before[1] + total)
    rows = []
    for scope in SCOPES:
        found = sums.get(scope, {})
        if len({count for count, _ in found.values()}) == 1 and len(found) == len(ids):
            means = [total / count for count, total in found.values()]
            pairs = next(iter(found.values()))[0]
            rows.append(SeedsRow(models=tuple(names), scope=scope, pairs=pairs, mean=fmean(means), sd=stdev(means)))
    return rows
