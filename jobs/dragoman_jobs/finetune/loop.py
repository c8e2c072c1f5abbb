"""The training loop from data to saved model; restarted at any moment it leaves the same model. It knows no Ray."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from dragoman.errors import ModelError
from dragoman.spec.method import Full, Lora
from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.checkpoint_selection import DevPair
from dragoman_jobs.finetune.checkpointing import sync_files
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.result import RESULT_FILE, Progress
from dragoman_jobs.finetune.trainer import Training


def finetune(
    base: str,
    revision: str | None,
    examples: Sequence[TrainingExample],
    method: Full | Lora,
    seed: int,
    out: Path,
    *,
    checkpoint_every: int = 100,
    checkpoint_seconds: float = 600,
    device: str = "cpu",
    dev: Sequence[DevPair] = (),
) -> Iterator[Progress]:
    """Finetune a model on rendered examples and leave it, whole, in a folder.

    The folder gets the model (or the peft adapter), the tokenizer and the `FinetuneResult`; it appears by a rename,
    and if it is there already nothing is done. Work goes on in the sibling ``<out>.partial``: started again after
    a kill, the run continues from its last checkpoint and ends with the same weights, bit for bit, on the same CPU.

    Called in every process of torch's default group, it is trained by all of them together: the same steps but for
    rounding, and checkpoints that any number of workers can continue.

    Args:
        base: a folder in Hugging Face's layout, or a name on the hub.
        revision: the commit on the hub.
        examples: prompts and targets; the loss is on the targets alone.
        method: full finetuning or LoRA, and the optimiser's settings.
        seed: decides the order of batches, the adapters' initial weights, and dropout.
        out: the folder to make.
        checkpoint_every: optimiser steps between checkpoints, at the most.
        checkpoint_seconds: seconds between them, at the most; when they are made changes nothing in the result.
        device: where to train: ``cpu`` or ``cuda``.
        dev: what a checkpoint is chosen by, where the method has a `selection`.

    Yields:
        The progress after every step; none of the last one where `selection.patience` ended the training.

    Raises:
        ModelError: the base, its tokenizer or the device is not there, no example is short enough, the memory does not
            suffice, or the loss is no longer a number.
    """
    work = out.with_name(f"{out.name}.partial")
    out.parent.mkdir(parents=True, exist_ok=True)
    # A worker may outlive its driver for a moment: the next one waits for it, then finds the model made, or goes on.
    with FileLock(out.with_name(f".{out.name}.lock")) if distributed.is_first() else nullcontext():
        if not distributed.told_by_first(out.exists()):
            if distributed.count() > 1:
                _require_shared(out.parent)
            with distributed.agreed():
                training = Training(base, revision, examples, method, seed, device, dev)
            with distributed.agreed():
                training.share_out()
            yield from training.run(work, checkpoint_every, checkpoint_seconds)
            whole = work / "model"
            if distributed.is_first():
                shutil.rmtree(whole, ignore_errors=True)
            training.save(whole)
            if distributed.is_first():
                (whole / RESULT_FILE).write_text(training.result.model_dump_json(indent=2), encoding="utf-8")
                sync_files(whole)
                whole.rename(out)
        if distributed.is_first():
            shutil.rmtree(work, ignore_errors=True)


def _require_shared(folder: Path) -> None:
    """Make sure that all workers see one folder: on several nodes, checkpoints have to lie where each can read them.

    Raises:
        ModelError: some worker does not see what the first one writes.
    """
    name = f".{uuid4().hex}"
    if distributed.is_first():
        (folder / name).touch()
    mark = folder / distributed.told_by_first(name)
    seen = distributed.everyones(mark.exists())
    if distributed.is_first():
        mark.unlink()
    if not all(seen):
        raise ModelError(
            f"{seen.count(False)} of {len(seen)} training workers do not see what the first one writes into "
            f"{distributed.told_by_first(folder)}: set DRAGOMAN_HOME to a folder that all nodes of the cluster "
            "share, or train with one worker."
        )
