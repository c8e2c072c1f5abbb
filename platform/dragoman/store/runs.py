"""The runs of a grid, or of all grids of a campaign, side by side: what each was trained on, and how it fares."""

from functools import lru_cache

from sqlalchemy import Connection, func, select

from dragoman.partition import Evidence
from dragoman.store.queries import BASE, PartitionRow, partition_table
from dragoman.store.records import Record
from dragoman.store.schema import ModelRow, TrainingPairRow
from dragoman.store.scored import Sums, sums_by_scope
from dragoman.store.slice import Slice
from dragoman.store.store import Store

MOST_CELLS = 5_000
"""Cells of a grid above which its runs are summed without intervals and gains, which take seconds a run."""


class Run(Record):
    """One model of a grid."""

    grid: str
    """The grid."""
    model: str
    """The model's name in it."""
    evidence: Evidence
    """How what it has seen is known."""
    pairs: int
    """Directed pairs it has seen, its ancestors' included; without meaning where that is unknown."""
    examples: int
    """Examples of them."""
    rows: tuple[PartitionRow, ...]
    """Its partition table; without intervals and gains in large grids."""

    @property
    def is_base(self) -> bool:
        """Whether it is the grid's base."""
        return self.model == BASE

    def scope(self, name: str) -> PartitionRow | None:
        """One line of its table; none where the scope doesn't occur."""
        return next((row for row in self.rows if row.scope == name), None)


def runs(store: Store, grid: str, metric: str, signature: str | None = None) -> list[Run]:
    """The runs of one grid, the base first.

    Args:
        store: the store.
        grid: name of the grid.
        metric: name of the metric.
        signature: text that the signatures hold, where the metric has several.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with store.database.reading() as connection:
        part = Slice.of(connection, grid, metric, (), signature)
        seen = _seen(connection, part)
        sums = {name: sums_by_scope(connection, part, model) for name, model in part.models.items()}
    is_small = part.pairs * len(part.models) <= MOST_CELLS
    found = []
    for name, model in part.models.items():
        asked = (store, grid, name, metric, signature)
        rows = _table(*asked, repr((sums[name], sums.get(BASE)))) if is_small else _rows(sums[name])
        found.append(Run(grid=grid, model=name, rows=tuple(rows), **seen[model]))
    return found


@lru_cache(maxsize=512)
def _table(
    store: Store, grid: str, model: str, metric: str, signature: str | None, fingerprint: str
) -> tuple[PartitionRow, ...]:
    """The partition table, kept for as long as the sums are the same."""
    del fingerprint
    return tuple(partition_table(store, grid, model, metric, signature))


def _rows(sums: dict[str, Sums]) -> list[PartitionRow]:
    return [PartitionRow(scope=scope, done=each.done, pairs=each.pairs, mean=each.mean) for scope, each in sums.items()]


def _seen(connection: Connection, part: Slice) -> dict[int, dict[str, object]]:
    """Evidence, and the number of pairs and examples seen, of each model."""
    counted = (
        select(
            ModelRow.id, ModelRow.evidence, func.count(TrainingPairRow.source).label("pairs"),
            func.coalesce(func.sum(TrainingPairRow.examples), 0).label("examples"),
        )
        .outerjoin(TrainingPairRow, TrainingPairRow.model_id == ModelRow.id)
        .where(ModelRow.id.in_(part.models.values()))
        .group_by(ModelRow.id, ModelRow.evidence)
    )  # fmt: skip
    return {
        row.id: {"evidence": Evidence(row.evidence), "pairs": row.pairs, "examples": int(row.examples)}
        for row in connection.execute(counted)
    }
