"""Table of the runs of a grid, or of all grids of a campaign: what each was trained on, and its scores."""

from functools import lru_cache

from sqlalchemy import Connection, func, select

from dragoman.analysis.kept_tables import kept_table
from dragoman.analysis.line_slice import reading
from dragoman.analysis.pair_scores import version
from dragoman.analysis.partition_table import PartitionRow, partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.score_slice import Slice
from dragoman.partition import Evidence
from dragoman.store.records import Record
from dragoman.store.schema import ModelRow, TrainingPairRow
from dragoman.store.store import Store

MOST_CELLS = 5_000
"""Cells of a grid above which its runs are summed without intervals, which take seconds a run."""


class Run(Record):
    """One model of a grid."""

    grid: str
    """The grid."""
    model: str
    """The model's name in it."""
    evidence: Evidence
    """Evidence of its training graph."""
    pairs: int
    """Directed pairs it has seen, its ancestors' included; without meaning where that is unknown."""
    examples: int
    """Examples of them."""
    rows: tuple[PartitionRow, ...]
    """Its partition table; without intervals in large grids."""

    def scope(self, name: str) -> PartitionRow | None:
        """One row of its table; None where the scope doesn't occur."""
        return next((row for row in self.rows if row.scope == name), None)


def runs(store: Store, question: ScoreQuestion) -> list[Run]:
    """The runs of one grid, the base first.

    Args:
        store: the store.
        question: the query.

    Raises:
        StoreError: something named is not there, or scores would be mixed that can't be compared.
    """
    with reading(store, question) as connection:
        part = Slice.of(connection, question)
        seen = _seen(connection, part)
    is_small = part.pairs * len(part.models) <= MOST_CELLS
    found = []
    for name, model in part.models.items():
        rows = known_table(store, question, model=name, resample=is_small)
        found.append(Run(grid=question.grid, model=name, rows=rows, **seen[model]))
    return found


def known_table(store: Store, question: ScoreQuestion, *, model: str, resample: bool) -> tuple[PartitionRow, ...]:
    """A partition table from memory, or from the home, while the model's cells and scores and the base's are the same.

    Arguments and errors are those of `partition_table`.
    """
    return _table(store, question, model, resample, version(store, question, model=model))


@lru_cache(maxsize=512)
def _table(store: Store, question: ScoreQuestion, model: str, resample: bool, moment: str) -> tuple[PartitionRow, ...]:
    """The partition table of a moment."""
    asked = f"{store.database.shown} {question} {model} {resample}"
    return kept_table(asked, moment, lambda: partition_table(store, question, model=model, resample=resample))


def _seen(connection: Connection, part: Slice) -> dict[int, dict[str, object]]:
    """Evidence, and the number of pairs and examples seen, of each model."""
    counted = (
        select(
            ModelRow.id,
            ModelRow.evidence,
            func.count(TrainingPairRow.source).label("pairs"),
            func.coalesce(func.sum(TrainingPairRow.examples), 0).label("examples"),
        )
        .outerjoin(TrainingPairRow, TrainingPairRow.model_id == ModelRow.id)
        .where(ModelRow.id.in_(part.models.values()))
        .group_by(ModelRow.id, ModelRow.evidence)
    )
    return {
        row.id: {"evidence": Evidence(row.evidence), "pairs": row.pairs, "examples": int(row.examples)}
        for row in connection.execute(counted)
    }
