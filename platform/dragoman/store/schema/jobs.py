"""Jobs: the runs of a grid, what their drivers said, and how far their finetunings are."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from dragoman.store.records import JobState, LineKind
from dragoman.store.schema.base import Base, UtcDateTime
from dragoman.store.schema.grids import GridRow
from dragoman.store.schema.lineage import ModelRow, one_of


class JobRow(Base):
    """One run of a grid's driver."""

    __tablename__ = "job"
    __table_args__ = (one_of("state", JobState),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Number of the job."""
    grid_id: Mapped[int] = mapped_column(ForeignKey(GridRow.id), index=True)
    """The grid."""
    worker: Mapped[str | None]
    """Host and process of the driver; NULL until it has begun."""
    state: Mapped[str] = mapped_column(String)
    """How it stands."""
    reason: Mapped[str | None]
    """Why it failed or was stopped."""
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was queued or began (UTC)."""
    ended: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it ended (UTC)."""
    seen: Mapped[datetime] = mapped_column(UtcDateTime)
    """When its driver last said that it is alive (UTC)."""
    address: Mapped[str | None]
    """Address of the Ray cluster it was submitted to; NULL where Ray was embedded."""
    submission: Mapped[str | None]
    """What that cluster calls it."""
    stop_asked: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was asked to stop (UTC)."""
    stop_asked_by: Mapped[str | None]
    """Who asked."""
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """What its driver last measured: cells, throughput, workers, time left."""


class JobLineRow(Base):
    """Something a driver said."""

    __tablename__ = "job_line"
    __table_args__ = (one_of("kind", LineKind),)

    job_id: Mapped[int] = mapped_column(ForeignKey(JobRow.id), primary_key=True)
    """The job."""
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Its place, from 1."""
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    """When it was said (UTC)."""
    kind: Mapped[str] = mapped_column(String)
    """What it is about."""
    text: Mapped[str]
    """The sentence."""
    detail: Mapped[str | None]
    """Details, such as a traceback."""


class TrainingReportRow(Base):
    """How far a finetuning is, as its driver last said."""

    __tablename__ = "training_report"

    model_id: Mapped[int] = mapped_column(ForeignKey(ModelRow.id), primary_key=True, autoincrement=False)
    """The model it makes."""
    job_id: Mapped[int | None] = mapped_column(ForeignKey(JobRow.id, ondelete="SET NULL"), index=True)
    """The job whose driver said so; NULL where that is deleted."""
    step: Mapped[int]
    """Optimiser steps done."""
    steps: Mapped[int]
    """Optimiser steps in all."""
    first_step: Mapped[int]
    """Steps that were done when its driver took it up."""
    loss: Mapped[float | None] = mapped_column(Double)
    """Mean loss of the last step, in nats per target token; NULL before the first."""
    tokens_per_second: Mapped[float | None] = mapped_column(Double)
    """Target tokens per second."""
    seconds_left: Mapped[float | None] = mapped_column(Double)
    """Seconds until its last step, at the pace of the last minute."""
    losses: Mapped[list[list[float]]] = mapped_column(JSON)
    """Its loss curve, thinned: step and loss of every n-th step."""
    failure: Mapped[str | None]
    """Why it failed."""
    reported: Mapped[datetime] = mapped_column(UtcDateTime)
    """When that was so (UTC)."""
