"""One training from its first step, or from where it was interrupted, to its last.

Several workers take the same steps as one: each batch is divided among them, its loss is the mean over the target
tokens of all, and so is the gradient.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dragoman.errors import ModelError
from dragoman.identity import fingerprint, hash_lines
from dragoman.pair import Pair
from dragoman.spec.method import Full, Lora
from dragoman_jobs.finetune import distributed
from dragoman_jobs.finetune.adapters import add_lora, keep_weights_unpacked, quantization, save_trained
from dragoman_jobs.finetune.batching import Batch, batches, collate, split, without_labels
from dragoman_jobs.finetune.checkpoint_selection import DevPair, DevSet, best, is_over
from dragoman_jobs.finetune.checkpointing import TrainingState, restore_checkpoint, restore_weights, save_checkpoint
from dragoman_jobs.finetune.examples import TrainingExample, encode
from dragoman_jobs.finetune.loss import TargetLoss
from dragoman_jobs.finetune.optimizer import learning_rate, make_optimizer
from dragoman_jobs.finetune.result import FinetuneResult, LossPoint, Progress
from dragoman_jobs.finetune.sharding import add_gradients, gathered, give_back, load_to_shard, shard, whole
from dragoman_jobs.models.out_of_memory import memory_or
from dragoman_jobs.models.pretrained import load_config, load_model, load_tokenizer, local_folder


class Training:
    """A model, its examples and its optimiser, on one device: all of a training, or one worker's part of it."""

    def __init__(
        self,
        base: str,
        revision: str | None,
        examples: Sequence[TrainingExample],
        method: Full | Lora,
        seed: int,
        device: str,
        dev: Sequence[DevPair] = (),
    ) -> None:
        """Load the model and tokenise the examples; the arguments are those of `finetune`.

        Raises:
            ModelError: the base, its tokenizer or the device is not there, or no example is short enough.
        """
        self._base, self._revision, self._examples, self._method, self._seed = base, revision, examples, method, seed
        self._device = _prepare(device)
        folder = local_folder(base, revision)
        self._tokenizer = load_tokenizer(folder)
        if load_config(folder).is_encoder_decoder:
            raise ModelError(
                f"The model {base} is an encoder-decoder, which can be evaluated but not finetuned here: take a "
                "decoder such as XGLM, Llama, Qwen or Gemma as the base, or leave out the models to train."
            )
        in_bits = quantization(method, self._device)
        self._is_sharded = distributed.count() > 1 and isinstance(method, Full)
        with memory_or(_too_large(base, method, self._device)):
            if self._is_sharded:  # it need not fit into one worker's memory
                self._model = load_to_shard(folder, torch.float32)
            else:
                self._model = load_model(folder, _held_in(method), **in_bits)
            if in_bits:
                keep_weights_unpacked(self._model)
            elif not self._is_sharded:
                self._model.to(self._device)  # type: ignore[arg-type]  # transformers' annotation of it misleads
        if method.gradient_checkpointing:
            enable: Any = self._model.gradient_checkpointing_enable
            enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        selection = method.selection
        self._dev = DevSet(dev, selection, folder, self._tokenizer) if selection else None
        places = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        self._encoded = encode(self._tokenizer, examples, min(method.max_length, places or method.max_length))

        torch.manual_seed(seed)  # of the adapters' initial weights
        self._saved = add_lora(self._model, method, base, revision) if isinstance(method, Lora) else self._model
        sample = self._collate(np.arange(1))
        self._target_loss = TargetLoss(self._model, None if self._is_sharded else sample, method.precision)
        self._too_large = _too_large(base, method, self._device)
        self._folder, self._sample = folder, sample
        self._parameters: dict[str, torch.nn.Parameter] = {}
        self._state = TrainingState(run=self._identity())
        self._read = np.zeros(len(self._encoded.kept), dtype=bool)

    def share_out(self) -> None:
        """Leave each worker its part of the weights, where all are trained by several: they do it together.

        Raises:
            ModelError: the memory does not suffice.
        """
        if self._is_sharded:
            with memory_or(self._too_large):
                shard(self._target_loss, self._model, self._device, self._folder)
            self._target_loss.find_head(self._sample)
            give_back(self._target_loss)

    def run(self, checkpoints: Path, checkpoint_every: int, checkpoint_seconds: float) -> Iterator[Progress]:
        """Take every step that is still to be taken, continuing from the newest checkpoint in a folder.

        Args:
            checkpoints: the folder.
            checkpoint_every: steps between two checkpoints, at the most.
            checkpoint_seconds: seconds between them, at the most: steps may be long.

        Raises:
            ModelError: the loss is no longer a number, the memory does not suffice, or the checkpoint is of another
                training.
        """
        self._parameters = {name: weight for name, weight in self._model.named_parameters() if weight.requires_grad}
        optimizer = make_optimizer(self._parameters.values(), self._method)
        state = self._state = restore_checkpoint(checkpoints, self._parameters, optimizer, self._state.run)
        seconds_before, tokens_before, saved = state.seconds, state.target_tokens, monotonic()
        self._model.train()
        plan = batches(self._encoded.lengths, self._method.batch_tokens, self._seed)
        for step, rows in enumerate(islice(plan, self._method.steps), start=1):
            self._read[rows] = True
            if step <= state.step:
                continue
            rate = learning_rate(self._method, step)
            begun = perf_counter()
            with memory_or(self._too_long(step)):
                loss = self._step(step, rows, rate, optimizer)
            state.step = step
            state.target_tokens += self._labels(rows)
            state.seconds += perf_counter() - begun
            state.losses.append(LossPoint(step, loss, rate))
            look = None
            if self._dev and self._is_time_to_look(step):
                with gathered(self._target_loss):
                    look = self._dev.look(self._model, self._device, step)
                state.dev.append(look)
                if is_over(state.dev, self._dev.patience):
                    break
            is_best = look is not None and best(state.dev) == look
            # by the first worker's clock: all have to come to a checkpoint together
            is_time = distributed.told_by_first(monotonic() - saved >= checkpoint_seconds)
            if (is_best or is_time or step % checkpoint_every == 0) and step < self._method.steps:
                save_checkpoint(checkpoints, self._parameters, optimizer, state)
                saved = monotonic()
            speed = (state.target_tokens - tokens_before) / (state.seconds - seconds_before)
            yield Progress(step, self._method.steps, loss, rate, speed, look)
        if self._dev:
            self._dev.close()
        if state.dev and best(state.dev).step != state.step:
            restore_weights(checkpoints, best(state.dev).step, self._parameters)

    def _is_time_to_look(self, step: int) -> bool:
        selection = self._method.selection
        return selection is not None and (step % selection.every == 0 or step == self._method.steps)

    def save(self, folder: Path) -> None:
        """Write what was trained: the model or the adapter, and the tokenizer."""
        save_trained(self._saved, self._tokenizer, self._method, folder)

    @property
    def result(self) -> FinetuneResult:
        """What has been trained on what so far."""
        read = [self._examples[index].pair for index in self._encoded.kept[self._read]]
        pairs = Counter(pair for pair in read if isinstance(pair, Pair))
        languages = Counter(tag for tag in read if isinstance(tag, str))
        return FinetuneResult(
            base=self._base,
            revision=self._revision,
            method=self._method,
            seed=self._seed,
            examples=dict(sorted(pairs.items())),
            monolingual=dict(sorted(languages.items())),
            skipped_too_long=self._encoded.skipped_too_long,
            losses=self._state.losses,
            dev=self._state.dev,
            chosen_step=best(self._state.dev).step if self._state.dev else None,
            target_tokens=self._state.target_tokens,
            seconds=round(self._state.seconds, 3),
            parameters=sum(weight.numel() for weight in self._model.parameters()),
            trained_parameters=sum(weight.numel() for weight in self._parameters.values()),
            head_on_labels_only=self._target_loss.is_on_labels_only,
        )

    def _step(self, step: int, rows: NDArray[np.int64], rate: float, optimizer: torch.optim.Optimizer) -> float:
        """One optimiser step on a batch; returns the batch's loss before it."""
        # Dropout's random numbers depend on step and worker alone, so a resumed run needs no generator's state.
        torch.manual_seed((self._seed << 32 | step) % 2**63 ^ distributed.number() << 48)
        pieces = split(rows, self._method.accumulation, distributed.number(), distributed.count())
        losses = torch.tensor(0.0, dtype=torch.float64)
        for piece in pieces:
            # an empty one goes through the model too, as the other workers' do: for a sharded layer all have to come
            batch = self._collate(piece) if len(piece) else without_labels(self._collate(rows[:1]))
            losses += self._target_loss.backward(batch, self._labels(rows))
        distributed.add_up(losses)
        add_gradients(self._parameters.values())
        loss = losses.item()
        norm = whole(torch.nn.utils.clip_grad_norm_(self._parameters.values(), self._method.max_gradient_norm)).item()
        if not math.isfinite(loss) or not math.isfinite(norm):
            raise ModelError(
                f"The {'gradient' if math.isfinite(loss) else 'loss'} of step {step} of {self._method.steps} is not a "
                f"number (learning rate {rate:g}): lower learning_rate, raise warmup_steps, or train in float32."
            )
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss

    def _too_long(self, step: int) -> Exception:
        """What is raised where the memory does not suffice for a step."""
        sentence = (
            f"The memory of {self._device} does not suffice for step {step} of {self._method.steps}: raise the "
            "method's accumulation, set gradient_checkpointing: true, or lower batch_tokens."
        )
        # of several workers the others wait for this one: it has to die for them to hear of it
        return ModelError(sentence) if distributed.count() == 1 else MemoryError(sentence)

    def _labels(self, rows: NDArray[np.int64]) -> int:
        """Target tokens of some examples."""
        return int((self._encoded.lengths[rows] - self._encoded.prompt_lengths[rows]).sum())

    def _collate(self, rows: NDArray[np.int64]) -> Batch:
        padding = self._tokenizer.pad_token_id
        batch = collate(self._encoded, rows, padding if isinstance(padding, int) else 0)
        return Batch(*(tensor.to(self._device) for tensor in batch))

    def _identity(self) -> str:
        """What a checkpoint must share with a training to be continued by it."""
        lines = hash_lines(text for pair, *texts in self._examples for text in (str(pair), *texts))
        meaning = {"base": self._base, "revision": self._revision, "method": self._method, "seed": self._seed}
        return fingerprint("finetuning", 1, {**meaning, "examples": lines})


def _held_in(method: Full | Lora) -> torch.dtype:
    """The type that weights are loaded as: float32 for those that are trained."""
    return torch.bfloat16 if isinstance(method, Lora) and method.base_precision == "bfloat16" else torch.float32


def _too_large(base: str, method: Full | Lora, device: torch.device) -> ModelError:
    """What is raised where the memory does not suffice for the model."""
    remedy = (
        "set the method's base_precision: bfloat16 or quantized: nf4"
        if isinstance(method, Lora)
        else "train it on several workers (`--training-workers`), or with kind: lora"
    )
    return ModelError(f"The model {base} does not fit into the memory of {device}: {remedy}, or take a smaller model.")


def _prepare(name: str) -> torch.device:
    """The device by its name, with torch set to work on one thread and in a fixed order."""
    torch.set_num_threads(1)
    device = torch.device(name)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise ModelError("A GPU was asked for and torch finds none: train on the CPU, or mend the GPU's driver.")
        # Some sums run in any order on a GPU; where torch knows an ordered way it is taken.
        torch.use_deterministic_algorithms(True, warn_only=True)
    return device
