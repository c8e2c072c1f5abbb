"""Finetuning methods: full and LoRA, with their hyperparameters."""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from dragoman.spec.base import SpecModel
from dragoman.spec.metric import MetricField
from dragoman.spec.pairs import PairField

_LATER = {"accumulation", "gradient_checkpointing", "selection", "dora", "quantized", "base_precision"}
"""Fields that methods did not have at first."""


class Selection(SpecModel):
    """Which checkpoint is kept: the one that translates the dev split best, each partition counting alike."""

    every: int = Field(ge=1)
    """Steps between two looks."""
    pairs: Literal["trained"] | tuple[PairField, ...] = "trained"
    """The pairs that are translated; name unseen ones too, so that what is kept is not only good on what it trained."""
    sentences: int = Field(default=20, ge=1)
    """Lines of the dev split for each pair (fewer where the corpus has fewer)."""
    metric: MetricField = "chrf"
    """What is compared: the mean over partitions of the mean over a partition's pairs. One that holds a model is loaded
    beside the training, on its CPU cores, and keeps no device from it."""
    max_new_tokens: int = Field(default=80, ge=1)
    """Tokens after which a translation is cut."""
    patience: int | None = Field(default=None, ge=1)
    """Looks without a better one after which training stops; by default it takes every step."""


class _Method(SpecModel):
    learning_rate: float = Field(gt=0, le=1)
    """Peak learning rate of AdamW."""
    steps: int = Field(ge=1)
    """Optimiser steps."""
    batch_tokens: int = Field(default=4096, ge=64)
    """Tokens of one step, prompt and target together: batches are made by tokens, not by sentences. A longer example
    makes a step of its own."""
    warmup_steps: int = Field(default=0, ge=0)
    """Steps over which the learning rate rises from zero."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate goes after warm-up; linear and cosine end at zero."""
    weight_decay: float = Field(default=0.0, ge=0)
    """AdamW's weight decay."""
    max_gradient_norm: float = Field(default=1.0, gt=0)
    """Gradients are scaled down to this norm."""
    max_length: int = Field(default=256, ge=8)
    """Tokens of prompt and target after which an example is left out (and counted)."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Arithmetic of the forward and backward pass; what is trained, and the optimiser, stay float32."""
    accumulation: int = Field(default=1, ge=1)
    """Pieces a step's batch is worked through in, their gradients added up: less memory, the same step."""
    gradient_checkpointing: bool = False
    """Whether activations are computed a second time in the backward pass in place of being kept: less memory, about
    a third more time, the same step."""
    selection: Selection | None = None
    """How a checkpoint is chosen; by default the last one is kept."""

    @model_serializer(mode="wrap")
    def _leave_unused_out(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without what is not used and came later, so that a model's identity is what it was before."""
        plain: dict[str, Any] = handler(self)
        later = {name: type(self).model_fields[name].default for name in _LATER & plain.keys()}
        return {key: value for key, value in plain.items() if key not in later or value != later[key]}


class Full(_Method):
    """Every weight is trained."""

    kind: Literal["full"] = "full"
    """All weights."""


class Lora(_Method):
    """Low-rank adapters (peft) are trained, the base is frozen."""

    kind: Literal["lora"]
    """Low-rank adapters."""
    rank: int = Field(default=16, ge=1)
    """Rank of the adapters."""
    alpha: float = Field(default=32, gt=0)
    """Scale of the adapters: alpha / rank."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout on the adapters' input."""
    modules: tuple[str, ...] | Literal["all-linear"] = "all-linear"
    """Names of the modules that get adapters; `all-linear` is every linear layer but the head."""
    dora: bool = False
    """DoRA: a magnitude of each output is trained beside the low-rank direction."""
    base_precision: Literal["float32", "bfloat16"] = "float32"
    """Type that the frozen base is held in while training: bfloat16 takes half of the memory. With `quantized`, that of
    what is left of it."""
    quantized: Literal["nf4"] | None = None
    """QLoRA: the frozen base in 4 bits while training; needs an NVIDIA GPU and the bitsandbytes package."""


Method = Annotated[Full | Lora, Field(discriminator="kind")]
"""The finetuning methods."""
