"""Resumable checkpoints: trained weights, optimiser state and the loss curve, in safetensors and JSON."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from pydantic import BaseModel
from safetensors.torch import load_file, save_file

from dragoman.errors import ModelError
from dragoman_jobs.finetune.result import DevScore, LossPoint

_WEIGHTS = "weights.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_STATE = "state.json"
_BEST = "best.safetensors"


class TrainingState(BaseModel):
    """What a run knows besides its tensors. Random numbers need no place: each step draws from (seed, step)."""

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
    """Write a checkpoint into a folder, then remove the one before; it appears whole, by a rename."""
    partial = folder / "checkpoint.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file({name: parameter.detach().contiguous() for name, parameter in parameters.items()}, partial / _WEIGHTS)
    moments = {
        f"{name}/{key}": value.contiguous()
        for name, parameter in parameters.items()
        for key, value in optimizer.state[parameter].items()
    }
    save_file(moments, partial / _OPTIMIZER)
    (partial / _STATE).write_text(state.model_dump_json())
    sync_files(partial)
    before = _checkpoints(folder)
    partial.rename(folder / f"checkpoint-{state.step}")
    for old in before:
        shutil.rmtree(old)


def save_weights(folder: Path, parameters: Mapping[str, torch.nn.Parameter]) -> None:
    """Keep the weights of the best step so far, in the place of the ones before."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "best.partial"
    save_file({name: parameter.detach().contiguous() for name, parameter in parameters.items()}, partial)
    partial.replace(folder / _BEST)


def restore_weights(folder: Path, parameters: Mapping[str, torch.nn.Parameter]) -> None:
    """Put the best weights back into the parameters."""
    _load_weights(folder / _BEST, parameters)


def _load_weights(path: Path, parameters: Mapping[str, torch.nn.Parameter]) -> None:
    weights = load_file(path)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])


def restore_checkpoint(
    folder: Path, parameters: Mapping[str, torch.nn.Parameter], optimizer: torch.optim.Optimizer, run: str
) -> TrainingState:
    """Load the newest checkpoint in a folder into the parameters and the optimiser; a fresh state where there is none.

    Raises:
        ModelError: the checkpoint is of a run with other settings or examples.
    """
    found = _checkpoints(folder)
    if not found:
        return TrainingState(run=run)
    newest = found[-1]
    state = TrainingState.model_validate_json((newest / _STATE).read_bytes())
    if state.run != run:
        raise ModelError(
            f"{newest} belongs to a finetuning with other settings or examples: "
            f"remove {folder}, or choose another folder."
        )
    _load_weights(newest / _WEIGHTS, parameters)
    moments = load_file(newest / _OPTIMIZER)
    for key, value in moments.items():
        name, _, kind = key.rpartition("/")
        # AdamW counts its steps on the CPU unless it is fused, as it does when it makes the state itself.
        fused = optimizer.defaults.get("fused")
        device = parameters[name].device if kind != "step" or fused else torch.device("cpu")
        optimizer.state[parameters[name]][kind] = value.to(device)
    return state


def sync_files(folder: Path) -> None:
    """Put a folder's files onto the disk, so that a rename that follows can't outlive them in a power cut."""
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints in a folder, oldest first."""
    return sorted(
        (path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()),
        key=lambda path: int(path.name.rpartition("-")[2]),
    )
