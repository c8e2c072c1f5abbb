"""Records of finetunings under way: how far each is by its driver's last report, and in what state."""

from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime, Field

from dragoman.store.records import Finite, Record, now


class TrainingReport(Record):
    """How far a finetuning is, as its driver says."""

    model: str
    """Id of the model it makes."""
    step: int = Field(default=0, ge=0)
    """Optimiser steps done; 0 while the model and the examples are loaded."""
    steps: int
    """Optimiser steps in all."""
    first_step: int = 0
    """Steps that were done when its driver took it up: it goes on from a checkpoint."""
    loss: Finite | None = None
    """Mean loss of the last step, in nats per target token."""
    tokens_per_second: Finite | None = None
    """Target tokens per second."""
    seconds_left: Finite | None = None
    """Seconds until its last step, at the pace of the last minute."""
    losses: tuple[tuple[int, Finite], ...] = ()
    """Its loss curve, thinned: step and loss of every n-th step."""
    failure: str | None = None
    """Why it failed."""
    job: int | None = None
    """Number of the job whose driver says so; the store gives it."""
    reported: AwareDatetime = Field(default_factory=now)
    """When that was so (UTC)."""


class TrainingState(StrEnum):
    """How a finetuning stands."""

    TO_DO = "to do"
    """It has not begun."""
    TRAINING = "training"
    """A driver trains it now."""
    INTERRUPTED = "interrupted"
    """It had begun and its driver ended: the next run goes on from its last checkpoint."""
    FAILED = "failed"
    """It failed; the report says why."""
    TRAINED = "trained"
    """The model is there."""


class TrainingStanding(NamedTuple):
    """A finetuning of a grid, and how it stands."""

    model: str
    """The model's name in the grid."""
    state: TrainingState
    """Its state."""
    report: TrainingReport
    """The last report; one without a step where there is none."""
