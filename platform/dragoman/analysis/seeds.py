"""Models that differ only in their seed: mean and spread of their means."""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from sqlalchemy import Connection, Select, SQLColumnExpression, and_, func, literal, select

from dragoman.analysis.aggregation import SCOPES, Sums, scopes_of
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice, cell_of_score
from dragoman.identity import canonical_json
from dragoman.store.database.ids import grid_number
from dragoman.store.records import Record
from dragoman.store.repositories.grid_metrics import require_metric
from dragoman.store.schema import PARTITIONS, CellRow, GridModelRow, ModelRow, ScoreRow
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


def over_seeds(store: Store, question: ScoreQuestion) -> list[SeedsRow]:
    """Mean and standard deviation over seeds, for every recipe of a grid that was trained with several.

    Args:
        store: the store.
        question: what is asked.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    found = []
    with store.database.reading() as connection:
        require_metric(connection, question.grid, grid_number(connection, question.grid), question.metric)
    for names in seed_groups(store, question.grid):
        with store.database.reading() as connection:
            part = Slice.of(connection, question, names)
            found += _rows(connection, part, names, question.micro)
    return found


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


def _rows(connection: Connection, part: Slice, names: list[str], micro: bool) -> list[SeedsRow]:
    models = [part.models[name] for name in names]
    planned = defaultdict[str, int](int)
    sums = defaultdict[str, dict[int, Sums]](dict)
    for least, greatest, pairs in connection.execute(_planned(part, models)):
        for scope in _scopes(least, greatest):
            planned[scope] += pairs
    for least, greatest, model, *figures in connection.execute(_summed(part, models, micro)):
        for scope in _scopes(least, greatest):
            sums[scope][model] = sums[scope].get(model, Sums()) + Sums(0, *figures)
    rows = []
    for scope in SCOPES:
        means = [mean for found in sums[scope].values() if (mean := found.mean) is not None]
        if len(means) == len(models):
            done = next(iter(sums[scope].values())).done
            rows.append(
                SeedsRow(
                    models=tuple(names), scope=scope, done=done, pairs=planned[scope], mean=fmean(means),
                    sd=stdev(means),
                )
            )  # fmt: skip
    return rows


def _scopes(least: int, greatest: int) -> list[str]:
    """The scopes that a pair is in under every model, given the least and the greatest number of its partitions."""
    # numbers of unseen partitions follow those of `seen` and `unknown`, so two of them have only such between them
    shared = set(scopes_of(PARTITIONS[least])) & set(scopes_of(PARTITIONS[greatest]))
    return [scope for scope in SCOPES if scope in shared]


def _planned(part: Slice, models: Sequence[int]) -> Select[int, int, int]:
    """How many pairs are planned, by the least and the greatest of their partitions under some models."""
    cells = _apart(CellRow, part, models).subquery().c
    return select(cells.least, cells.greatest, func.count()).group_by(cells.least, cells.greatest)


def _summed(part: Slice, models: Sequence[int], micro: bool) -> Select[*tuple[Any, ...]]:
    """The fields of `Sums` from `done` to `total` of each model, over the pairs that all have a score for."""
    shared = _apart(ScoreRow, part, models).having(func.count() == len(models)).subquery()
    ends = (shared.c.least, shared.c.greatest)
    weight: SQLColumnExpression[Any] = func.coalesce(CellRow.segments, 1) if micro else literal(1)
    query = (
        select(*ends, ScoreRow.model_id, func.count(), func.sum(weight), func.sum(weight * ScoreRow.value))
        .join(shared, and_(shared.c.condition_id == ScoreRow.condition_id, shared.c.pair_id == ScoreRow.pair_id))
        .where(ScoreRow.model_id.in_(models), part.holds(ScoreRow))
        .group_by(*ends, ScoreRow.model_id)
    )
    return query.join(CellRow, cell_of_score()) if micro else query


def _apart(row: type[CellRow] | type[ScoreRow], part: Slice, models: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """Each pair's condition, and the least and the greatest number of its partitions under some models."""
    key = (row.condition_id, row.pair_id)
    ends = (func.min(row.partition_id).label("least"), func.max(row.partition_id).label("greatest"))
    return select(*key, *ends).where(row.model_id.in_(models), part.holds(row)).group_by(*key)
