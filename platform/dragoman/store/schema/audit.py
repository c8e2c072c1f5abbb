"""Who moved which alias of the model registry, when and why: records that are only ever added."""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.store.schema.base import Base, UtcDateTime


class AuditRow(Base):
    """One record; the database itself refuses to change or delete one."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "name", "alias"),)

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Its place in the chain, from 1 and without gaps."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When (UTC)."""
    actor: Mapped[str]
    """Who."""
    process: Mapped[str]
    """Host and process that wrote it."""
    action: Mapped[str]
    """What was to be done: a promotion, a rollback, or a change asked of MLflow itself."""
    outcome: Mapped[str]
    """What came of it."""
    begun: Mapped[int | None]
    """The record of its beginning, where it got so far as to move the alias."""
    name: Mapped[str]
    """Name of the registered model."""
    alias: Mapped[str]
    """The alias."""
    from_version: Mapped[str | None]
    """The version the alias stood at; NULL where it was not set."""
    to_version: Mapped[str]
    """The version it was to move to; empty where it was to be removed."""
    model: Mapped[str | None]
    """Identity of that version's model."""
    policy: Mapped[str | None]
    """Hash of the policy it was held to."""
    evidence: Mapped[str] = mapped_column(Text)
    """What the decision rests on, as canonical JSON."""
    reason: Mapped[str] = mapped_column(Text)
    """Why, in a sentence."""
    previous: Mapped[str]
    """Hash of the record before; empty for the first."""
    hash: Mapped[str]
    """Hash of all the above."""
