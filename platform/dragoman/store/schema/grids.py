"""Grids: which models are evaluated on which pairs, and the sums that are read most.

Every model of a grid is evaluated on the same pairs under the same conditions, so a grid is kept as
its models, its conditions and its pairs; the view `grid_cell` multiplies them out.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.store.schema.base import Base, UtcDateTime
from dragoman.store.schema.evaluation import ConditionRow, MetricRow, TestSetRow
from dragoman.store.schema.lineage import LanguageRow, ModelRow, PairRow, PartitionRow


class GridRow(Base):
    """A grid."""

    __tablename__ = "grid"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the grid."""
    name: Mapped[str] = mapped_column(unique=True)
    """Its name."""
    spec: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The specification it was made from."""
    spec_hash: Mapped[str]
    """Hash of the specification."""
    base_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id))
    """The base model, evaluated or not."""
    languages: Mapped[list[str]] = mapped_column(JSON)
    """Its languages."""
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was added or last replaced (UTC)."""
    archived: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was archived (UTC); NULL where it is not."""
    notes: Mapped[str | None]
    """What people wrote about it, in Markdown."""


class GridTagRow(Base):
    """A tag that somebody gave a grid."""

    __tablename__ = "grid_tag"

    grid_id: Mapped[int] = mapped_column(ForeignKey(GridRow.id), primary_key=True)
    """The grid."""
    tag: Mapped[str] = mapped_column(primary_key=True)
    """The tag."""


class FormerNameRow(Base):
    """A name that a grid had: what refers to it by that name still finds it."""

    __tablename__ = "former_name"

    name: Mapped[str] = mapped_column(primary_key=True)
    """The name, which no grid has now."""
    grid_id: Mapped[int] = mapped_column(ForeignKey(GridRow.id), index=True)
    """The grid."""


class GridModelRow(Base):
    """A model of a grid, under the name it has there."""

    __tablename__ = "grid_model"
    __table_args__ = (UniqueConstraint("grid_id", "name"),)

    grid_id: Mapped[int] = mapped_column(ForeignKey(GridRow.id), primary_key=True)
    """The grid."""
    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id), primary_key=True, index=True)
    """The model."""
    name: Mapped[str]
    """Its name in this grid."""
    position: Mapped[int]
    """Its place in tables; the base stands first."""


class GridMetricRow(Base):
    """A metric of a grid."""

    __tablename__ = "grid_metric"

    grid_id: Mapped[int] = mapped_column(ForeignKey(GridRow.id), primary_key=True)
    """The grid."""
    metric_id: Mapped[int] = mapped_column(ForeignKey(MetricRow.id), primary_key=True)
    """The metric."""
    position: Mapped[int]
    """Its place in tables."""


class GridPairRow(Base):
    """A pair of a grid and a condition it is evaluated under."""

    __tablename__ = "grid_pair"
    __table_args__ = (
        PrimaryKeyConstraint("grid_id", "condition_id", "pair_id"),
        Index(None, "condition_id", "pair_id"),
        {"sqlite_with_rowid": False},
    )

    grid_id: Mapped[int] = mapped_column(Integer, ForeignKey(GridRow.id))
    """The grid."""
    condition_id: Mapped[int] = mapped_column(Integer, ForeignKey(ConditionRow.id))
    """The condition."""
    pair_id: Mapped[int] = mapped_column(Integer, ForeignKey(PairRow.id))
    """The pair."""


class GridTestSetRow(Base):
    """A test set of a grid that names its test sets, under the name it has there."""

    __tablename__ = "grid_test_set"
    __table_args__ = (UniqueConstraint("grid_id", "name"),)

    grid_id: Mapped[int] = mapped_column(ForeignKey(GridRow.id), primary_key=True)
    """The grid."""
    test_set_id: Mapped[int] = mapped_column(ForeignKey(TestSetRow.id), primary_key=True, index=True)
    """The test set."""
    name: Mapped[str]
    """Its name in this grid."""
    position: Mapped[int]
    """Its place; the first is the one that questions are about by default."""


class SumColumns:
    """What the tables of sums have in common; each has one column more, which its sums are apart by."""

    grid_id: Mapped[int] = mapped_column(Integer, sort_order=-1)
    """The grid."""
    metric_id: Mapped[int] = mapped_column(Integer, sort_order=-1)
    """The metric."""
    condition_id: Mapped[int] = mapped_column(Integer, ForeignKey(ConditionRow.id), sort_order=-1)
    """The condition."""
    model_id: Mapped[int] = mapped_column(Integer, sort_order=-1)
    """The model."""
    signature_id: Mapped[int] = mapped_column(Integer, sort_order=-1)
    """The signature."""
    scores: Mapped[int] = mapped_column(sort_order=1)
    """How many scores there are."""
    total: Mapped[float] = mapped_column(Double, sort_order=1)
    """Their sum."""


def _sums_by(column: str) -> tuple[Any, ...]:
    return (
        PrimaryKeyConstraint("grid_id", "metric_id", "condition_id", "model_id", "signature_id", column),
        ForeignKeyConstraint(["grid_id", "model_id"], ["grid_model.grid_id", "grid_model.model_id"]),
        ForeignKeyConstraint(["signature_id", "metric_id"], ["signature.id", "signature.metric_id"]),
        CheckConstraint("scores > 0", name="scores"),
        {"sqlite_with_rowid": False},
    )


class ScoreSumRow(SumColumns, Base):
    """The scores of one model into one target language, summed; kept in the transaction that writes the scores."""

    __tablename__ = "score_sum"
    __table_args__ = _sums_by("target")

    target: Mapped[str] = mapped_column(String, ForeignKey(LanguageRow.tag))
    """The target language."""


class PartitionSumRow(SumColumns, Base):
    """The scores of one model on one partition, summed; kept in the transaction that writes the scores."""

    __tablename__ = "partition_sum"
    __table_args__ = _sums_by("partition_id")

    partition_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey(PartitionRow.id))
    """The partition."""
