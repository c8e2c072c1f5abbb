"""Languages, pairs, models and what the models were trained on."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.partition import Evidence, Partition
from dragoman.store.schema.base import Base, UtcDateTime

PARTITIONS: tuple[Partition | None, ...] = (None, *Partition)
"""Partitions by their number in the database; 0 is the unknown one, of a model whose graph is not known."""

PARTITION_IDS: dict[Partition | None, int] = {partition: number for number, partition in enumerate(PARTITIONS)}
"""The number of each partition."""

UNSEEN_IDS = tuple(PARTITION_IDS[partition] for partition in Partition if partition.is_unseen)
"""The numbers of every partition but `seen`."""


def one_of(column: str, values: type[Any]) -> CheckConstraint:
    """The constraint that a column holds one of an enumeration's values."""
    # Spelt with OR: for IN, SQLite builds a table of the values at every row, which halves the speed of a fill.
    return CheckConstraint(" OR ".join(f"{column} = '{value}'" for value in values), name=column)


class LanguageRow(Base):
    """A language of some pair."""

    __tablename__ = "language"

    tag: Mapped[str] = mapped_column(primary_key=True)
    """Canonical BCP-47 tag."""
    script: Mapped[str | None]
    """ISO 15924 code of the script it is usually written in, or that its tag names."""


class PairRow(Base):
    """A directed pair."""

    __tablename__ = "pair"
    __table_args__ = (UniqueConstraint("source", "target"), CheckConstraint("source <> target", name="direction"))

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the pair."""
    source: Mapped[str] = mapped_column(ForeignKey(LanguageRow.tag))
    """Source language."""
    target: Mapped[str] = mapped_column(ForeignKey(LanguageRow.tag), index=True)
    """Target language."""


class PartitionRow(Base):
    """The names of the partitions, for joins."""

    __tablename__ = "partition"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Number of the partition; 0 is unknown."""
    name: Mapped[str] = mapped_column(unique=True)
    """Its name."""


class ModelRow(Base):
    """A model and its lineage."""

    __tablename__ = "model"
    __table_args__ = (
        one_of("evidence", Evidence),
        one_of("own_evidence", Evidence),
        CheckConstraint("parent_id <> id", name="parent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the model."""
    identity: Mapped[str] = mapped_column(unique=True)
    """Its identity: the hash of the recipe."""
    name: Mapped[str]
    """What tables call it, unless a grid says otherwise."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"), index=True)
    """The model it was finetuned from."""
    base_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"))
    """The model its gains are measured against."""
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the identity is the hash of."""
    seed: Mapped[int | None]
    """Seed of its training."""
    own_evidence: Mapped[str] = mapped_column(String, default=Evidence.UNKNOWN)
    """How its own training pairs are known."""
    evidence: Mapped[str] = mapped_column(String, default=Evidence.UNKNOWN)
    """How everything it has seen is known, its ancestors' pairs included."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was added (UTC)."""


class TrainingPairRow(Base):
    """A directed pair a model has seen, in its own training or an ancestor's."""

    __tablename__ = "training_pair"
    __table_args__ = (
        ForeignKeyConstraint(["source", "target"], ["pair.source", "pair.target"]),
        CheckConstraint("examples > 0", name="examples"),
        CheckConstraint("inherited BETWEEN 0 AND examples", name="inherited"),
        Index(None, "model_id", "target"),
        {"sqlite_with_rowid": False},
    )

    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id), primary_key=True)
    """The model."""
    source: Mapped[str] = mapped_column(primary_key=True)
    """Source language."""
    target: Mapped[str] = mapped_column(primary_key=True)
    """Target language."""
    examples: Mapped[int]
    """Examples read, its ancestors' included."""
    inherited: Mapped[int] = mapped_column(default=0)
    """Those of them that its ancestors read."""


class TrainingRow(Base):
    """What a finetuning reported."""

    __tablename__ = "training"

    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id), primary_key=True, autoincrement=False)
    """The model it made."""
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Losses, examples, seconds and where the checkpoint lies."""
    recorded: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was reported (UTC)."""
