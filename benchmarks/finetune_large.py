"""One training step at XGLM-564M's shape (256,008 outputs, random weights): time, and memory above the model's own.

    python benchmarks/finetune_large.py [--steps 3] [--time-tokens 512] [--memory-tokens 1024 4096] [--layers 24]

The reference is the model's own forward pass with labels, as `transformers.Trainer` calls it; the other is
Dragoman's, which applies the head only where there is a label. One thread each, each measurement in its own process.

- Time: CPU seconds of whole steps (forward, backward, clipping, AdamW), the mean after the first.
- Memory: the peak of a forward and backward pass above what is resident before it: weights and gradients, which
  are there already. No optimiser is made for this, so its state is in neither. What does not fit into this machine's
  memory is extrapolated from the two largest measurements that do, and marked ~.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import torch
from transformers import XGLMConfig, XGLMForCausalLM

from dragoman_jobs.finetune.batching import Batch
from dragoman_jobs.finetune.loss import TargetLoss

ROW, PROMPT = 64, 36
"""Tokens of a row, and of its prompt: names of languages, source, and a target about as long as the source."""
CONTENDERS = ("reference", "dragoman")
GIB = 2**30


def build(layers: int) -> XGLMForCausalLM:
    """The shape of facebook/xglm-564M, with so many of its 24 layers."""
    torch.manual_seed(0)
    return XGLMForCausalLM(
        XGLMConfig(
            vocab_size=256_008, d_model=1024, ffn_dim=4096, num_layers=layers, attention_heads=16, dropout=0.0,
            attention_dropout=0.0, activation_dropout=0.0, layerdrop=0.0,
        )
    )  # fmt: skip


def make_batch(tokens: int) -> Batch:
    """Rows of equal length, without padding."""
    rows = tokens // ROW
    ids = torch.randint(4, 256_008, (rows, ROW + 1), generator=torch.Generator().manual_seed(0))
    is_target = torch.zeros(rows, ROW, dtype=torch.bool)
    is_target[:, PROMPT - 1 :] = True
    positions = is_target.flatten().nonzero().flatten()
    return Batch(ids[:, :-1], torch.ones(rows, ROW, dtype=torch.long), positions, ids[:, 1:].flatten()[positions])


class Step:
    """Forward and backward of one contender."""

    def __init__(self, contender: str, model: XGLMForCausalLM) -> None:
        self._model = model
        self._loss = TargetLoss(model, make_batch(ROW), "float32") if contender == "dragoman" else None

    def __call__(self, batch: Batch) -> float:
        """Add the gradients and return the loss."""
        if self._loss:
            return self._loss.backward(batch)
        labels = torch.full_like(batch.input_ids, -100).flatten()
        labels[batch.positions] = batch.labels
        # nothing but the loss outlives this line, as in the Trainer
        reference = self._model(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            labels=batch.input_ids,  # replaced by the shifted ones, which are what the loss reads
            shift_labels=labels.view(batch.input_ids.shape),
            use_cache=False,
        ).loss
        reference.backward()
        return reference.item()


def time_steps(contender: str, tokens: int, steps: int, layers: int) -> dict[str, float]:
    """Mean CPU seconds of a step, and the loss of the last."""
    model = build(layers)
    step, batch = Step(contender, model), make_batch(tokens)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    started = loss = 0.0
    for index in range(steps + 1):
        if index == 1:
            started = time.process_time()
        loss = step(batch)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return {"seconds": (time.process_time() - started) / steps, "loss": loss}


def peak_memory(contender: str, tokens: int, layers: int) -> dict[str, float]:
    """Bytes of the peak of one forward and backward pass above weights and gradients, and the loss."""
    model = build(layers)
    step = Step(contender, model)
    step(make_batch(ROW))
    for parameter in model.parameters():
        assert parameter.grad is not None
        parameter.grad.zero_()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    loss = step(make_batch(tokens))
    return {"bytes": _status("VmHWM") - before, "loss": loss}


def available_memory() -> int:
    """Bytes this machine can still give."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def needed_memory(contender: str, tokens: int, layers: int) -> int:
    """A guess of what a memory measurement takes: three copies of all logits, activations, weights and gradients."""
    logits = 3 * 256_008 * 4 * tokens if contender == "reference" else 2 * GIB
    return logits + tokens * layers * 100_000 + (3 + layers // 8) * GIB


def _status(field: str) -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def in_own_process(*command: str) -> dict[str, float]:
    """What this script prints when it is told to measure one thing."""
    # Large pieces go back to the system as soon as they are freed, so the peak is that of what is in use.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20)}
    line = [sys.executable, *sys.argv, "--measure", *command]
    run = subprocess.run(line, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure both and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--time-tokens", type=int, default=512)
    parser.add_argument("--memory-tokens", type=int, nargs="+", default=[512, 1024, 2048, 4096])
    parser.add_argument("--layers", type=int, default=24)
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "CONTENDER", "TOKENS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if len(arguments.memory_tokens) < 2:
        parser.error("--memory-tokens wants two numbers at least: what is told is how memory grows between them")
    torch.set_num_threads(1)
    if arguments.measure:
        what, contender, tokens = arguments.measure
        if what == "time":
            print(json.dumps(time_steps(contender, int(tokens), arguments.steps, arguments.layers)))
        else:
            print(json.dumps(peak_memory(contender, int(tokens), arguments.layers)))
        return

    times = [in_own_process("time", contender, str(arguments.time_tokens)) for contender in CONTENDERS]
    print(f"{'':34}{'reference':>12}{'Dragoman':>12}{'ratio':>8}{'loss':>21}")
    _row(f"CPU s a step of {arguments.time_tokens} tokens", [run["seconds"] for run in times], times)

    measured: dict[str, list[tuple[int, float]]] = {contender: [] for contender in CONTENDERS}
    for tokens in sorted(arguments.memory_tokens):
        runs, peaks, marks = [], [], []
        for contender in CONTENDERS:
            if needed_memory(contender, tokens, arguments.layers) < available_memory():
                run = in_own_process("memory", contender, str(tokens))
                measured[contender].append((tokens, run["bytes"]))
                runs.append(run)
                peaks.append(run["bytes"] / GIB)
                marks.append("")
            else:
                (low, low_bytes), (high, high_bytes) = measured[contender][-2:]
                peak = high_bytes + (high_bytes - low_bytes) * (tokens - high) / (high - low)
                peaks.append(peak / GIB)
                marks.append("~")
        _row(f"GiB at the peak of {tokens} tokens", peaks, runs, marks)


def _row(name: str, values: list[float], runs: list[dict[str, float]], marks: list[str] | None = None) -> None:
    shown = [f"{mark}{value:.2f}" for mark, value in zip(marks or ["", ""], values, strict=True)]
    losses = " ".join(f"{run['loss']:.5f}" for run in runs)
    print(f"{name:34}{shown[0]:>12}{shown[1]:>12}{values[0] / values[1]:7.2f}x{losses:>21}", flush=True)


if __name__ == "__main__":
    main()
