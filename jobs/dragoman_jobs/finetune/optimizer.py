"""The optimizer: AdamW and its learning-rate schedule."""

import math
from collections.abc import Collection

import torch

from dragoman.spec.method import Full, Lora


def make_optimizer(parameters: Collection[torch.nn.Parameter], method: Full | Lora) -> torch.optim.AdamW:
    """AdamW over some parameters; biases and norms don't decay."""
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": method.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    # Fused: four times faster than the plain loop on one CPU thread.
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=method.learning_rate, fused=True)


def learning_rate(method: Full | Lora, step: int) -> float:
    """The learning rate of a step (from 1): a rise over `warmup_steps`, then the schedule, to zero after the last."""
    if step <= method.warmup_steps:
        return method.learning_rate * step / method.warmup_steps
    done = (step - 1 - method.warmup_steps) / (method.steps - method.warmup_steps)
    match method.schedule:
        case "linear":
            return method.learning_rate * (1 - done)
        case "cosine":
            return method.learning_rate * (1 + math.cos(math.pi * done)) / 2
    return method.learning_rate
