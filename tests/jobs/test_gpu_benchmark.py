"""The benchmark for GPUs runs to its end on a CPU, so that it does where a GPU costs money."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_every_part_runs_on_a_tiny_shape() -> None:
    done = run("--shape", "tiny", "--device", "cpu", "--tokens", "128", "--steps", "1", "--prompts", "2",
               "--prompt-tokens", "4", "--new-tokens", "5")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"LoRA step of 128 tokens: [\d.]+ s, [\d,]+ tokens/s, [\d.]+ TFLOP/s, \d+% of", done.stdout)
    for form in ("transformers, XGLM", "transformers, as OPT", "CTranslate2, as OPT"):
        assert re.search(rf"{form} +[\d.]+ s +[\d,]+ tokens/s", done.stdout)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so() -> None:
    done = run()
    assert done.returncode == 1
    assert "There is no GPU here: run it where there is one" in done.stderr
