"""The progress of a finetuning, step by step, and its result."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.reading import read_bytes, refused_as
from dragoman.spec.method import Method

RESULT_FILE = "finetune.json"
"""The result's file beside the weights."""


class DevScore(NamedTuple):
    """How well the model translated the dev split at a step."""

    step: int
    """The step."""
    value: float
    """The mean over the partitions."""
    partitions: dict[str, float]
    """The mean over the pairs of each partition."""
    higher_is_better: bool = True
    """Whether a greater value is the better one."""


class Progress(NamedTuple):
    """Where a finetuning stands after a step."""

    step: int
    """Optimiser steps done."""
    steps: int
    """Optimiser steps in all."""
    loss: float
    """Mean loss of the step, in nats per target token."""
    learning_rate: float
    """Learning rate of the step."""
    tokens_per_second: float
    """Target tokens per second of the steps that this process took."""
    dev: DevScore | None = None
    """How well the model translated the dev split after this step, where it was looked at."""


class LossPoint(NamedTuple):
    """One step of the loss curve."""

    step: int
    """The step, from 1."""
    loss: float
    """Mean loss in nats per target token."""
    learning_rate: float
    """Learning rate of the step."""


def _pair_of(value: Any) -> Any:
    return Pair.read_back(value) if isinstance(value, str) else value


class FinetuneResult(BaseModel):
    """What was trained on what, and how it went; written beside the weights."""

    model_config = ConfigDict(frozen=True)

    base: str
    """The model that was finetuned."""
    revision: str | None
    """Its commit on the hub."""
    method: Method
    """How it was trained."""
    seed: int
    """Seed of order and initialisation."""
    examples: dict[Annotated[Pair, BeforeValidator(_pair_of), PlainSerializer(str)], int]
    """Distinct examples of each pair that were in at least one step; a pair without any is not here."""
    skipped_too_long: int
    """Examples left out for their length."""
    losses: list[LossPoint]
    """The loss curve, one point a step."""
    dev: list[DevScore] = []
    """Scores on the dev split, where a checkpoint was chosen by them."""
    chosen_step: int | None = None
    """The step whose weights were kept; None is the last."""
    target_tokens: int
    """Target tokens trained on, repetitions counted."""
    seconds: float
    """Time spent in steps, interrupted runs' included; without loading, checkpoints and looks at the dev split."""
    parameters: int
    """Parameters of the model, adapters included."""
    trained_parameters: int
    """Parameters that were trained."""
    head_on_labels_only: bool
    """Whether the head was computed only where there is a label; else the whole forward pass was taken."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The result in a finetuned model's folder.

        Raises:
            ModelError: there is none.
        """
        try:
            with refused_as(ModelError):
                return cls.model_validate_json(read_bytes(folder / RESULT_FILE))
        except FileNotFoundError as error:
            raise ModelError(
                f"{folder} holds no {RESULT_FILE}: it is not the folder of a finished finetuning."
            ) from error
