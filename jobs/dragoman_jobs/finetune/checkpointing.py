"""Resumable checkpoints: trained weights, optimiser state and the loss curve, in safetensors and JSON.

Each worker writes its part, by `torch.distributed.checkpoint`; any number of workers can read them.
"""

import os
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import BaseModel
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from dragoman.errors import ModelError
from dragoman.reading import read_bytes, refused_as
from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.checkpoint_selection import best
from dragoman_jobs.finetune.result import DevScore, LossPoint

_STATE = "state.json"


class TrainingState(BaseModel):
    """The state of a run besides its tensors. Random numbers need no place: each step draws from (seed, step)."""

    run: str
    """Identity of what is trained on what; a checkpoint of another run is not continued."""
    step: int = 0
    """Steps done."""
    target_tokens: int = 0
    """Target tokens trained on."""
    seconds: float = 0.0
    """Time spent in steps."""
    losses: list[LossPoint] = []
    """The loss curve so far."""
    dev: list[DevScore] = []
    """Scores on the dev split so far."""


def save_checkpoint(
    folder: Path, parameters: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, state: TrainingState
) -> None:
    """Write a checkpoint into a folder; it appears whole, by a rename.

    Of the ones before, that of the best step so far is kept.
    """
    partial = folder / "checkpoint.partial"
    if distributed.is_first():
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, exist_ok=True)  # another worker may have been quicker
    tensors = {**parameters, **_moments(parameters, optimizer)}
    with _plainly():
        save(tensors, storage_writer=HuggingFaceStorageWriter(str(partial), save_distributed=True))
    if distributed.is_first():
        (partial / _STATE).write_text(state.model_dump_json(), encoding="utf-8")
        sync_files(partial)
        before = _checkpoints(folder)
        partial.rename(_checkpoint(folder, state.step))
        for old in before:
            if not state.dev or old != _checkpoint(folder, best(state.dev).step):
                shutil.rmtree(old)


def restore_weights(folder: Path, step: int, parameters: Mapping[str, torch.nn.Parameter]) -> None:
    """Put the weights of the checkpoint of a step back into the parameters."""
    read_tensors(_checkpoint(folder, step), parameters)


def restore_checkpoint(
    folder: Path, parameters: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, run: str
) -> TrainingState:
    """Load the newest checkpoint in a folder into the parameters and the optimiser; a fresh state where there is none.

    Raises:
        ModelError: the checkpoint is of a run with other settings or examples.
    """
    found = distributed.told_by_first(_checkpoints(folder))
    if not found:
        return TrainingState(run=run)
    newest = found[-1]
    with refused_as(ModelError):
        state = TrainingState.model_validate_json(read_bytes(newest / _STATE))
    if state.run != run:
        raise ModelError(
            f"{newest} belongs to a finetuning with other settings or examples: "
            f"remove {folder}, or choose another folder."
        )
    for parameter in parameters.values():
        # as AdamW makes it with the first gradient, where it is fused
        optimizer.state[parameter] = {
            "step": torch.zeros((), device=parameter.device),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }
    read_tensors(newest, {**parameters, **_moments(parameters, optimizer)})
    return state


def read_tensors(folder: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Fill tensors with those of their names in a folder's safetensors; of a shard only its own part is read."""
    with _plainly():
        load(dict(tensors), storage_reader=HuggingFaceStorageReader(str(folder)))


def sync_files(folder: Path) -> None:
    """Put a folder's files onto the disk, so that a rename that follows can't outlive them in a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _moments(parameters: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimiser's tensors by names that can't be those of weights."""
    return {
        f"{name}/{key}": value
        for name, parameter in parameters.items()
        for key, value in optimizer.state[parameter].items()
    }


def _plainly() -> warnings.catch_warnings:
    """Without torch's warning that one process alone is one process alone."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def _checkpoint(folder: Path, step: int) -> Path:
    return folder / f"checkpoint-{step}"


def _checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(
        (path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()),
        key=lambda path: int(path.name.rpartition("-")[2]),
    )
