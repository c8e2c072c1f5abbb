"""Shard a model over workers: FSDP2 where all weights are trained, else a whole copy on each worker."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.loss import TargetLoss


def shard(loss: TargetLoss, model: PreTrainedModel, device: torch.device) -> None:
    """Leave each worker a part of every weight, on a device; a layer at a time is gathered for each pass through it.

    Gradients are summed over the workers, not averaged: the loss is divided by the target tokens of all of them.
    """
    mesh = init_device_mesh(device.type, (distributed.count(),))
    layers = set(model._no_split_modules or ())  # classes, as transformers and accelerate name them for this
    for module in model.modules():
        if type(module).__name__ in layers:
            fully_shard(module, mesh=mesh)
    fully_shard(loss, mesh=mesh)
    for part in _parts(loss):
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)  # gloo knows no other


@contextmanager
def gathered(loss: TargetLoss) -> Iterator[None]:
    """Have the whole model on every worker, so that each can use it by itself."""
    parts = _parts(loss)
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for index, part in enumerate(parts):
            part.set_reshard_after_forward(index > 0, recurse=False)  # the first is the whole, gathered once a pass
            part.reshard()


def add_gradients(parameters: Collection[nn.Parameter]) -> None:
    """Sum the gradients of weights that every worker has whole; those of sharded weights are summed already."""
    gradients = [weight.grad for weight in parameters if weight.grad is not None and not isinstance(weight, DTensor)]
    if distributed.count() == 1 or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.add_up(flat)
    for gradient, total in zip(gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True):
        gradient.copy_(total.view_as(gradient))


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor with the parts of all workers, which have to ask for it together."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def whole_weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The state of a sharded model as if it were not, on the first worker's CPU; empty on the others."""
    found: dict[str, torch.Tensor] = {}
    once: dict[int, torch.Tensor | None] = {}  # tied weights stay one tensor
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in once:
            full = whole(tensor.detach())
            once[id(tensor)] = full.cpu() if distributed.is_first() else None
        if (kept := once[id(tensor)]) is not None:
            found[name] = kept
    return found


def _parts(loss: TargetLoss) -> list[FSDPModule]:
    return [module for module in loss.modules() if isinstance(module, FSDPModule)]
