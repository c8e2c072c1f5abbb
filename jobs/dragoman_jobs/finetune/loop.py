"""The training loop: one process, one device; it knows no Ray."""

import math
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from transformers import PreTrainedModel

from dragoman.errors import ModelError
from dragoman.identity import fingerprint, hash_lines
from dragoman.spec.method import Full, Lora
from dragoman_jobs.finetune.batching import Batch, batches, collate
from dragoman_jobs.finetune.checkpointing import restore_checkpoint, save_checkpoint, sync_files
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.finetune.head import TargetLoss
from dragoman_jobs.finetune.model import add_lora, load_model, load_tokenizer, save_model
from dragoman_jobs.finetune.result import RESULT_FILE, FinetuneResult, LossPoint, Progress


def finetune(
    base: str,
    revision: str | None,
    examples: Sequence[TrainingExample],
    method: Full | Lora,
    seed: int,
    out: Path,
    *,
    checkpoint_every: int = 100,
    device: str = "cpu",
) -> Iterator[Progress]:
    """Finetune a model on rendered examples and leave it, whole, in a folder.

    The folder gets the model (or the peft adapter), the tokenizer and the `FinetuneResult`; it appears by a rename,
    and if it is there already nothing is done. Work goes on in the sibling ``<out>.partial``: started again after
    a kill, the run continues from its last checkpoint and ends with the same weights, bit for bit, on the same CPU.

    Args:
        base: a folder in Hugging Face's layout, or a name on the hub.
        revision: the commit on the hub.
        examples: prompts and targets; the loss is on the targets alone.
        method: full finetuning or LoRA, and the optimiser's settings.
        seed: decides the order of batches, the adapters' initial weights, and dropout.
        out: the folder to make.
        checkpoint_every: optimiser steps between checkpoints.
        device: where to train: ``cpu`` or ``cuda``.

    Yields:
        The progress after every step.

    Raises:
        ModelError: the base, its tokenizer or the device is not there, no example is short enough, or the loss is no
            longer a number.
    """
    work = out.with_name(f"{out.name}.partial")
    if out.exists():
        shutil.rmtree(work, ignore_errors=True)
        return
    place = _prepare(device)
    tokenizer = load_tokenizer(base, revision)
    model = load_model(base, revision, place)
    encoded = encode(tokenizer, examples, min(method.max_length, _positions(model)))

    torch.manual_seed(seed)
    saved = add_lora(model, method, base, revision) if isinstance(method, Lora) else model
    parameters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    optimizer = _optimizer(parameters.values(), method)
    padding = tokenizer.pad_token_id if isinstance(tokenizer.pad_token_id, int) else tokenizer.eos_token_id
    sample = collate(encoded, np.arange(min(2, len(encoded.kept))), padding)
    target_loss = TargetLoss(model, _to(place, sample), method.precision)
    state = restore_checkpoint(work, parameters, optimizer, _identity(base, revision, examples, method, seed))

    model.train()
    read = np.zeros(len(encoded.kept), dtype=bool)
    seconds_before, tokens_before, started = state.seconds, state.target_tokens, perf_counter()
    plan = batches(encoded.lengths, method.batch_tokens, seed)
    for step, rows in enumerate(islice(plan, method.steps), start=1):
        read[rows] = True
        if step <= state.step:
            continue
        # Dropout's random numbers depend on the step alone, so a resumed run needs no generator's state.
        torch.manual_seed((seed << 32 | step) % 2**63)
        rate = learning_rate(method, step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = _to(place, collate(encoded, rows, padding))
        loss = target_loss.backward(batch)
        norm = torch.nn.utils.clip_grad_norm_(parameters.values(), method.max_gradient_norm)
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise ModelError(
                f"The {'gradient' if math.isfinite(loss) else 'loss'} of step {step} of {method.steps} is not a number "
                f"(learning rate {rate:g}): lower learning_rate, raise warmup_steps, or train in float32."
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

        state.step = step
        state.target_tokens += len(batch.labels)
        state.seconds = seconds_before + perf_counter() - started
        state.losses.append(LossPoint(step, loss, rate))
        if step % checkpoint_every == 0 and step < method.steps:
            save_checkpoint(work, parameters, optimizer, state)
        speed = (state.target_tokens - tokens_before) / (state.seconds - seconds_before)
        yield Progress(step, method.steps, loss, rate, speed)

    counts = Counter(examples[index].pair for index in encoded.kept[read])
    result = FinetuneResult(
        base=base,
        revision=revision,
        method=method,
        seed=seed,
        examples=dict(sorted(counts.items())),
        skipped_too_long=encoded.skipped_too_long,
        losses=state.losses,
        target_tokens=state.target_tokens,
        seconds=round(state.seconds, 3),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        trained_parameters=sum(parameter.numel() for parameter in parameters.values()),
        head_on_labels_only=target_loss.is_on_labels_only,
    )
    whole = work / "model"
    shutil.rmtree(whole, ignore_errors=True)
    save_model(saved, tokenizer, method, whole)
    (whole / RESULT_FILE).write_text(result.model_dump_json(indent=2))
    sync_files(whole)
    whole.rename(out)
    shutil.rmtree(work)


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


def _optimizer(parameters: Collection[torch.nn.Parameter], method: Full | Lora) -> torch.optim.AdamW:
    """AdamW; biases and norms don't decay."""
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": method.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    # Fused: four times faster than the plain loop on one CPU thread.
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=method.learning_rate, fused=True)


def _identity(
    base: str, revision: str | None, examples: Sequence[TrainingExample], method: Full | Lora, seed: int
) -> str:
    """What a checkpoint must share with a run to be continued by it."""
    lines = hash_lines(text for example in examples for text in (str(example.pair), example.prompt, example.target))
    meaning = {"base": base, "revision": revision, "examples": lines, "method": method, "seed": seed}
    return fingerprint("finetuning", 1, meaning)


def _positions(model: PreTrainedModel) -> int:
    """Tokens the model can tell the places of; without end where its configuration names no limit."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return limit if isinstance(limit, int) else 2**31


def _prepare(name: str) -> torch.device:
    """The device by its name, with torch set to work on one thread and in a fixed order."""
    torch.set_num_threads(1)
    device = torch.device(name)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ModelError(
                "A GPU was asked for and torch finds none: train on the CPU, or install torch for the GPU."
            )
        # Some sums run in any order on a GPU; where torch knows an ordered way it is taken.
        torch.use_deterministic_algorithms(True, warn_only=True)
    return device


def _to(device: torch.device, batch: Batch) -> Batch:
    return Batch(*(tensor.to(device) for tensor in batch))
