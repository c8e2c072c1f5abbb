"""Shard a model over workers: FSDP2 where all weights are trained, else a whole copy on each worker."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.checkpointing import read_tensors
from dragoman_jobs.finetune.loss import TargetLoss
from dragoman_jobs.models.pretrained import load_model, load_structure, weight_files


def load_to_shard(folder: Path, dtype: torch.dtype) -> PreTrainedModel:
    """A model that `shard` gives weights to; with its weights on the CPU where their files name them differently.

    Raises:
        ModelError: it is no causal language model, or its weights are damaged or incomplete.
    """
    model = load_structure(folder, dtype)
    return load_model(folder, dtype) if _stored_names(model, folder) is None else model


def shard(loss: TargetLoss, model: PreTrainedModel, device: torch.device, folder: Path) -> None:
    """Leave each worker a part of every weight, on a device; a layer at a time is gathered for each pass through it.

    What has no weights yet reads its parts, and no others, from the files. Gradients are summed over the workers, not
    averaged: the loss is divided by the target tokens of all of them.
    """
    names = _stored_names(model, folder) if model.device.type == "meta" else None
    mesh = init_device_mesh(device.type, (distributed.count(),))
    layers = set(model._no_split_modules or ())  # classes, as transformers and accelerate name them for this
    for module in model.modules():
        if type(module).__name__ in layers:
            fully_shard(module, mesh=mesh)
    fully_shard(loss, mesh=mesh)
    for part in _parts(loss):
        part.set_gradient_divide_factor(1.0)
        part.set_force_sum_reduction_for_comms(True)  # gloo knows no other
    if names is not None:
        computed = dict(loss.named_buffers())
        loss.to_empty(device=device)
        for name, buffer in computed.items():
            loss.get_buffer(name).copy_(buffer)
        state = model.state_dict()
        read_tensors(folder, {stored: state[own] for stored, own in names.items()})


def give_back(loss: TargetLoss) -> None:
    """Leave each worker its parts alone again, after a pass without gradients."""
    for part in _parts(loss):
        part.reshard()


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


def _stored_names(model: PreTrainedModel, folder: Path) -> dict[str, str] | None:
    """The model's own name of every tensor that is to be read, by its name in the files; None where one is not there.

    The reader takes all files of a folder, which have to be those of the model. Of tied weights one name is there.
    """
    files = weight_files(folder)
    if sorted(folder.glob("*.safetensors")) != files:
        return None
    stored: set[str] = set()
    for path in files:
        with safe_open(path, framework="pt") as file:
            stored |= set(file.keys())
    found: dict[int, tuple[str, str] | None] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if found.get(id(tensor)) is None:
            found[id(tensor)] = (name, name) if name in stored else None
    pairs = [pair for pair in found.values() if pair is not None]
    return dict(pairs) if len(pairs) == len(found) else None


def _parts(loss: TargetLoss) -> list[FSDPModule]:
    return [module for module in loss.modules() if isinstance(module, FSDPModule)]
