"""How a model is finetuned."""

from typing import Annotated, Literal

from pydantic import Field

from dragoman.spec.base import SpecModel


class _Method(SpecModel):
    learning_rate: float = Field(gt=0, le=1)
    """Peak learning rate of AdamW."""
    steps: int = Field(ge=1)
    """Optimiser steps."""
    batch_tokens: int = Field(default=4096, ge=64)
    """Tokens of one step, prompt and target together: batches are made by tokens, not by sentences."""
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
    """Arithmetic of the forward and backward pass; weights and optimiser stay float32."""


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


Method = Annotated[Full | Lora, Field(discriminator="kind")]
"""The finetuning methods."""
