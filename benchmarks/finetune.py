"""Finetuning against `transformers.Trainer`: the same model, examples, optimiser and batch size, one thread each.

    python benchmarks/finetune.py [--model examples/tiny-xglm] [--examples 600] [--batch-tokens 2048] [--rounds 3]

All read the same examples once. The batch is so many tokens for Dragoman, and for the Trainer the number of sentences
those are in the mean. Every contender runs in a process of its own, all of them in turn, `--rounds` times; medians are
printed. Ratios are of CPU seconds (one thread each), which a busy machine disturbs little; wall time stands beside.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from dragoman.corpora.kinds.cldr import Cldr, CldrOptions
from dragoman.pair import all_pairs
from dragoman.segment import Split
from dragoman.spec.method import Full
from dragoman.spec.prompt import NAMED, Prompt
from dragoman_jobs.finetune.batching import batches, collate
from dragoman_jobs.finetune.examples import EncodedExamples, TrainingExample, encode
from dragoman_jobs.finetune.loop import finetune

LANGUAGES = ("ar", "de", "en", "fi", "fr", "ru")
LEARNING_RATE = 5e-4
CONTENDERS = ("trainer", "trainer, group_by_length", "dragoman")


def examples(count: int, split: Split) -> list[TrainingExample]:
    """English-centric examples of the embedded corpus, so many for each of the ten pairs."""
    corpus, prompt = Cldr(CldrOptions(seed=1)), Prompt(template=NAMED["mfti"])
    return [
        TrainingExample(pair, prompt.render(pair, segment.source), segment.target)
        for pair in all_pairs(LANGUAGES)
        if "en" in pair
        for segment in islice(corpus.segments(pair, split), count)
    ]


def one_epoch(encoded: EncodedExamples, batch_tokens: int) -> list[Any]:
    """The batches that read every example once."""
    plan: list[Any] = []
    endless = batches(encoded.lengths, batch_tokens, seed=1)
    while sum(map(len, plan)) < len(encoded.kept):
        plan.append(next(endless))
    return plan


class Clock:
    """CPU and wall time from the end of the first step, which pays for the start, to the end of the last."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None
        self.last = (0.0, 0.0)

    def tick(self) -> None:
        """Note the end of a step."""
        self.last = (time.process_time(), time.perf_counter())
        self.first = self.first or self.last

    def rates(self, tokens: int) -> dict[str, float]:
        """Tokens per second, given the tokens of all steps but the first."""
        assert self.first
        return {
            "per_cpu_second": tokens / (self.last[0] - self.first[0]),
            "per_second": tokens / (self.last[1] - self.first[1]),
        }


def run_dragoman(arguments: argparse.Namespace, encoded: EncodedExamples, folder: Path) -> tuple[Clock, int]:
    """Train with Dragoman; the clock, and the target tokens of all steps but the first."""
    plan = one_epoch(encoded, arguments.batch_tokens)
    method = Full(
        learning_rate=LEARNING_RATE, steps=len(plan), batch_tokens=arguments.batch_tokens, schedule="constant"
    )
    clock = Clock()
    data = examples(arguments.examples, Split.TRAIN)
    for _ in finetune(str(arguments.model), None, data, method, 1, folder / "model", checkpoint_every=10**9):
        clock.tick()
    return clock, sum(_target_tokens(encoded, rows) for rows in plan[1:])


def run_trainer(
    arguments: argparse.Namespace, encoded: EncodedExamples, folder: Path, strategy: str
) -> tuple[Clock, int]:
    """Train with the Trainer; the clock, and the target tokens of all steps but the first."""
    plan = one_epoch(encoded, arguments.batch_tokens)
    clock = Clock()
    tokens: list[int] = []

    class Ticking(TrainerCallback):
        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            clock.tick()

    class Counting(DataCollatorForSeq2Seq):
        def __call__(self, features: Any, return_tensors: Any = None) -> Any:
            batch = super().__call__(features, return_tensors)
            tokens.append(int((batch["labels"] != -100).sum()))
            return batch

    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    rows = []
    for index in range(len(encoded.kept)):
        ids = encoded.tokens[encoded.starts[index] : encoded.starts[index + 1]].tolist()
        prompt = int(encoded.prompt_lengths[index])
        rows.append({"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [-100] * prompt + ids[prompt:]})
    trainer = Trainer(
        model=AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32),
        args=TrainingArguments(
            output_dir=str(folder),
            per_device_train_batch_size=round(len(rows) / len(plan)),
            num_train_epochs=1,
            learning_rate=LEARNING_RATE,
            lr_scheduler_type="constant",
            weight_decay=0.0,
            max_grad_norm=1.0,
            train_sampling_strategy=strategy,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            use_cpu=True,
            seed=1,
            disable_tqdm=True,
        ),
        train_dataset=rows,
        data_collator=Counting(tokenizer, label_pad_token_id=-100),
        callbacks=[Ticking()],
    )
    trainer.train()
    trainer.save_model(str(folder / "model"))
    return clock, sum(tokens[1:])


def held_out_loss(model: Path, data: EncodedExamples) -> float:
    """Mean loss per target token of the dev split, by the model's own forward pass."""
    network = AutoModelForCausalLM.from_pretrained(model).eval()
    total = count = 0.0
    for start in range(0, len(data.kept), 50):
        batch = collate(data, np.arange(start, min(start + 50, len(data.kept))), padding=1)
        with torch.no_grad():
            logits = network(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits.flatten(0, 1)
        total += torch.nn.functional.cross_entropy(logits[batch.positions], batch.labels, reduction="sum").item()
        count += len(batch.labels)
    return total / count


def measure(contender: str, arguments: argparse.Namespace) -> dict[str, float]:
    """One run of one contender, in this process."""
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(arguments.model)
    encoded = encode(tokenizer, examples(arguments.examples, Split.TRAIN), max_length=256)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if contender == "dragoman":
            clock, tokens = run_dragoman(arguments, encoded, folder)
        else:
            strategy = "group_by_length" if "group" in contender else "random"
            clock, tokens = run_trainer(arguments, encoded, folder, strategy)
        loss = held_out_loss(folder / "model", encode(tokenizer, examples(50, Split.DEV), max_length=256))
    return {**clock.rates(tokens), "loss": loss, "tokens": tokens}


def _target_tokens(encoded: EncodedExamples, rows: Any) -> int:
    return int((encoded.lengths[rows] - encoded.prompt_lengths[rows]).sum())


def main() -> None:
    """Run every contender in turn and print them side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("examples/tiny-xglm"))
    parser.add_argument("--examples", type=int, default=600, help="for each of the ten pairs")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.contender:
        print(json.dumps(measure(arguments.contender, arguments)))
        return
    found: dict[str, list[dict[str, float]]] = {contender: [] for contender in CONTENDERS}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    for _ in range(arguments.rounds):
        for contender in CONTENDERS:
            command = [sys.executable, *sys.argv, "--contender", contender]
            output = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
            found[contender].append(json.loads(output.splitlines()[-1]))
    median = {
        contender: {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        for contender, runs in found.items()
    }
    ours = median["dragoman"]
    print(f"{'':28}{'tokens/CPU s':>14}{'tokens/s':>10}{'Dragoman is':>14}{'held-out loss':>15}")
    for contender, run in median.items():
        ratio = ours["per_cpu_second"] / run["per_cpu_second"]
        print(f"{contender:28}{run['per_cpu_second']:14.0f}{run['per_second']:10.0f}{ratio:13.2f}x{run['loss']:15.4f}")


if __name__ == "__main__":
    main()
