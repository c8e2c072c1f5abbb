"""Bulk loader of scores, which updates the sums from the inserted batches instead of reading them again."""

from collections import defaultdict
from collections.abc import Collection, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from dragoman.store.database.bulk_insert import insert_batch
from dragoman.store.repositories import aggregates
from dragoman.store.schema import GridModelRow, GridPairRow, PairRow, ScoreRow

_GROUP = ("metric_id", "condition_id", "model_id", "signature_id", "target", "partition_id")


class ScoreLoader:
    """Inserts scores of some models; no other writer may run, and nothing may change which grids there are."""

    def __init__(self, connection: Connection, models: Collection[int]) -> None:
        """Look up which cells of the models belong to which grids.

        Args:
            connection: a writing transaction.
            models: numbers of the models whose scores are inserted.
        """
        self._connection = connection
        self._models: defaultdict[int, list[int]] = defaultdict(list)
        members = select(GridModelRow.grid_id, GridModelRow.model_id).where(GridModelRow.model_id.in_(set(models)))
        for grid_id, model_id in connection.execute(members):
            self._models[grid_id].append(model_id)
        pairs = connection.execute(select(PairRow.id, PairRow.target)).all()
        self._tags = sorted({row.target for row in pairs})
        tag = {name: place for place, name in enumerate(self._tags)}
        targets = np.full(max((row.id for row in pairs), default=0) + 1, -1)
        for row in pairs:
            targets[row.id] = tag[row.target]
        self._targets = dict(self._of_grids(targets))

    def _of_grids(self, targets: NDArray[np.int64]) -> Iterator[tuple[tuple[int, int], NDArray[np.int64]]]:
        """For each grid and condition the place of each pair's target in `_tags`; -1 for pairs it does not have."""
        for grid_id in self._models:
            found = select(GridPairRow.condition_id, GridPairRow.pair_id).where(GridPairRow.grid_id == grid_id)
            rows = np.array([tuple(row) for row in self._connection.execute(found)], np.int64).reshape(-1, 2)
            for condition_id in np.unique(rows[:, 0]).tolist():
                held = rows[rows[:, 0] == condition_id, 1]
                of_grid = np.full_like(targets, -1)
                of_grid[held] = targets[held]
                yield (grid_id, condition_id), of_grid

    def insert(self, batch: pa.RecordBatch) -> None:
        """Insert scores that are not there yet.

        Args:
            batch: the scores; its columns have the names of the table's.
        """
        insert_batch(self._connection, ScoreRow, batch)
        pairs, conditions, models = (batch.column(name).to_numpy() for name in ("pair_id", "condition_id", "model_id"))
        for (grid_id, condition_id), targets in self._targets.items():
            held = (targets[pairs] >= 0) & (conditions == condition_id) & np.isin(models, self._models[grid_id])
            columns = {name: batch.column(name) for name in (*_GROUP, "value") if name != "target"}
            scores = pa.table(columns | {"target": targets[pairs]}).filter(pa.array(held))
            grouped = scores.group_by(list(_GROUP)).aggregate([("value", "count"), ("value", "sum")])
            rows = grouped.select([*_GROUP, "value_count", "value_sum"]).to_pylist()
            aggregates.add(self._connection, (self._summed(grid_id, *row.values()) for row in rows))

    def _summed(
        self,
        grid_id: int,
        metric_id: int,
        condition_id: int,
        model_id: int,
        signature_id: int,
        target: int,
        partition_id: int,
        scores: int,
        total: float,
    ) -> aggregates.Summed:
        tag = self._tags[target]
        return aggregates.Summed(
            grid_id, metric_id, condition_id, model_id, signature_id, tag, partition_id, scores, total
        )
