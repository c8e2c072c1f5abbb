"""What a GPU makes of XGLM's shapes, with random weights: a LoRA step, and decoding as XGLM and as converted to OPT.

    python benchmarks/gpu.py                                  XGLM-7.5B's shape on the GPU
    python benchmarks/gpu.py --shape tiny --device cpu        the same in seconds on a CPU, to see that it runs

- Training: seconds of a LoRA step (rank 16 on all linear layers) of so many tokens, by the code that `dragoman run`
  trains with, on a GPU with `precision` and `base_precision` bfloat16; the peak of the GPU's memory; and model FLOP
  utilisation. A token costs 4 FLOP for each parameter of the body (the base is frozen, so the backward pass has no
  gradients of its weights), and a target token 4 for each of the head's. The peak they are held against is
  `--peak-tflops`, or else what one large matrix product reaches here.
- Decoding: generated tokens per second, greedy, prompts and translations of equal length, for `transformers`' XGLM, for
  the OPT it converts to, for that OPT in CTranslate2, and in vLLM where it is installed.
"""

import argparse
import gc
import math
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from finetune_large import PROMPT, ROW
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, XGLMConfig, XGLMForCausalLM

from dragoman.environments import PipeWorker
from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.method import Lora
from dragoman_jobs.engines import vllm_worker
from dragoman_jobs.engines.vllm import ON_CPUS, ON_GPUS, vllm_python, vllm_variables
from dragoman_jobs.finetune.examples import TrainingExample
from dragoman_jobs.finetune.trainer import Training
from dragoman_jobs.models.conversion import xglm_to_opt


class Shape(NamedTuple):
    """The sizes of an XGLM."""

    layers: int
    width: int
    heads: int
    vocabulary: int = 256_008


SHAPES = {
    "tiny": Shape(2, 32, 2, 256),
    "564M": Shape(24, 1024, 16),
    "1.7B": Shape(24, 2048, 16),
    "2.9B": Shape(48, 2048, 16),
    "7.5B": Shape(32, 4096, 32),
}
"""As their makers published them, and one for trying this script."""


def build(shape: Shape, device: str) -> XGLMForCausalLM:
    """A model with random weights, in bfloat16 on a GPU and float32 elsewhere."""
    config = XGLMConfig(
        vocab_size=shape.vocabulary, d_model=shape.width, ffn_dim=4 * shape.width, num_layers=shape.layers,
        attention_heads=shape.heads, dropout=0.0, attention_dropout=0.0, activation_dropout=0.0, layerdrop=0.0,
    )  # fmt: skip
    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16 if device == "cuda" else torch.float32)
    with torch.device(device):
        model = XGLMForCausalLM(config)
    torch.set_default_dtype(torch.float32)
    return model.eval()


def seconds(function: Callable[[], Any], times: int, device: str) -> float:
    """Mean seconds of a call, after a first one that is not counted."""
    function()
    synchronize(device)
    started = time.perf_counter()
    for _ in range(times):
        function()
    synchronize(device)
    return (time.perf_counter() - started) / times


def synchronize(device: str) -> None:
    """Wait for what the GPU is still at."""
    if device == "cuda":
        torch.cuda.synchronize()


def attainable(device: str) -> float:
    """FLOP per second of a large matrix product."""
    size = 8192 if device == "cuda" else 512
    left = torch.randn(size, size, device=device, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
    return 2 * size**3 / seconds(lambda: left @ left, 10, device)


def train(arguments: argparse.Namespace, folder: Path) -> None:
    """Time LoRA steps, by the code that `dragoman run` trains with."""
    shape, device = SHAPES[arguments.shape], arguments.device
    head = shape.vocabulary * shape.width
    half: Any = "bfloat16" if device == "cuda" else "float32"
    rows = max(1, arguments.tokens // ROW)
    method = Lora(
        kind="lora", learning_rate=1e-4, steps=arguments.steps + 1, batch_tokens=rows * (ROW + 1), precision=half,
        base_precision=half, gradient_checkpointing=arguments.gradient_checkpointing,
    )  # fmt: skip
    training = Training(str(folder), None, make_examples(rows * method.steps, shape.vocabulary), method, 0, device)
    steps = training.run(folder / "checkpoints", method.steps, math.inf)
    next(steps)
    synchronize(device)
    started = time.perf_counter()
    for _ in steps:
        pass
    synchronize(device)
    took = (time.perf_counter() - started) / arguments.steps
    body = training.result.parameters - training.result.trained_parameters - head  # the embedding is tied to the head
    tokens, labels = rows * ROW, rows * (ROW - PROMPT + 1)
    flop = 4 * (body * tokens + head * labels)
    peak = arguments.peak_tflops * 1e12 or attainable(device)
    against = "the peak given" if arguments.peak_tflops else "a large matrix product here"
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at the peak" if device == "cuda" else ""
    print(
        f"LoRA step of {tokens} tokens: {took:.3f} s, {tokens / took:,.0f} tokens/s, "
        f"{flop / took / 1e12:.2f} TFLOP/s, {flop / took / peak:.0%} of {against}{memory}"
    )


def make_examples(count: int, vocabulary: int) -> list[TrainingExample]:
    """Examples of `ROW` tokens and the end, which is only predicted; `PROMPT` of them count the special one before."""
    rows = [
        [word(token) for token in row] for row in np.random.default_rng(0).integers(4, vocabulary, (count, ROW - 1))
    ]
    pair, length = Pair("en", "de"), PROMPT - 1
    return [TrainingExample(pair, " ".join(row[:length]), " ".join(row[length:])) for row in rows]


def decode(arguments: argparse.Namespace, folder: Path) -> None:
    """Time decoding in every form that runs here."""
    shape, device = SHAPES[arguments.shape], arguments.device
    prompts = np.random.default_rng(0).integers(4, shape.vocabulary, (arguments.prompts, arguments.prompt_tokens))
    xglm_to_opt(folder / "xglm", folder / "opt")
    for name, form in (("transformers, XGLM", "xglm"), ("transformers, as OPT", "opt")):
        report(name, seconds(transformers_run(folder / form, prompts, arguments), 1, device), arguments)
        free()
    report("CTranslate2, as OPT", seconds(ctranslate2_run(folder, prompts, arguments), 1, device), arguments)
    free()
    try:
        report("vLLM, as OPT", seconds(vllm_run(folder, prompts, arguments), 1, device), arguments)
    except ModelError as error:
        print(f"vLLM: {error}")


def write_xglm(shape: Shape, device: str, folder: Path) -> None:
    """A random model in Hugging Face's layout, with a tokenizer whose words are numbers."""
    build(shape, device).save_pretrained(folder)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    words = {text: number for number, text in enumerate([*special, *map(word, range(4, shape.vocabulary))])}
    backend = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 2)])
    PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


def word(number: int) -> str:
    """The text of a token; a real tokenizer knows letters, and so do these."""
    return {4: "a", 5: "b"}.get(number, f"w{number}")


def transformers_run(folder: Path, prompts: Any, arguments: argparse.Namespace) -> Callable[[], Any]:
    """Greedy tokens, as many for every prompt, in transformers."""
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="auto").to(arguments.device).eval()
    ids, count = torch.from_numpy(prompts).to(arguments.device), arguments.new_tokens

    def generate() -> None:
        with torch.inference_mode():
            model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, min_new_tokens=count, do_sample=False
            )

    return generate


def ctranslate2_run(folder: Path, prompts: Any, arguments: argparse.Namespace) -> Callable[[], Any]:
    """The same in CTranslate2."""
    import ctranslate2

    from dragoman_jobs.engines.ctranslate2_convert import write_ctranslate2

    write_ctranslate2("opt", folder / "opt", "auto", folder / "ctranslate2")
    compute = "bfloat16" if arguments.device == "cuda" else "float32"
    generator = ctranslate2.Generator(str(folder / "ctranslate2"), device=arguments.device, compute_type=compute)
    tokens = [[str(token) for token in prompt] for prompt in prompts.tolist()]
    count = arguments.new_tokens
    return lambda: generator.generate_batch(tokens, max_length=count, min_length=count, include_prompt_in_result=False)


def vllm_run(folder: Path, prompts: Any, arguments: argparse.Namespace) -> Callable[[], Any]:
    """The same in vLLM, in its own environment."""
    on_gpus = arguments.device == "cuda"
    name, file = ON_GPUS if on_gpus else ON_CPUS, Path(vllm_worker.__file__)
    worker = PipeWorker(vllm_python(name), file, name=name, variables=vllm_variables(on_gpus))
    options = {"model": str(folder / "opt"), "on_gpus": on_gpus, "dtype": "bfloat16" if on_gpus else "float32"}
    worker.ask("load", {**options, "skip_tokenizer_init": True, "enable_prefix_caching": False})
    parameters = [{"temperature": 0, "max_tokens": arguments.new_tokens, "ignore_eos": True}] * len(prompts)
    asked = {"prompts": prompts.tolist(), "parameters": parameters}
    return lambda: list(worker.stream("generate", asked))


def report(name: str, took: float, arguments: argparse.Namespace) -> None:
    """A line of the table."""
    tokens = arguments.prompts * arguments.new_tokens
    print(f"{name:24}{took:10.2f} s{tokens / took:12,.0f} tokens/s", flush=True)


def free() -> None:
    """Give memory back before the next model comes, and forget the peak."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def main() -> None:
    """Measure training, then decoding."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="7.5B")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tokens", type=int, default=4096, help="of a training step")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--gradient-checkpointing", action="store_true")
    parser.add_argument("--peak-tflops", type=float, default=0, help="the GPU's, in bfloat16, to hold the FLOP against")
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--prompt-tokens", type=int, default=48)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--folder", type=Path, help="where models are written; a temporary folder by default")
    arguments = parser.parse_args()
    os.environ.setdefault("DRAGOMAN_BUILD_ENVIRONMENTS", "false")  # vLLM is measured where it is installed
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no GPU here: run it where there is one, or with --shape tiny --device cpu.")
    print(f"XGLM-{arguments.shape} with random weights on {arguments.device}")
    with tempfile.TemporaryDirectory(prefix="dragoman", dir=arguments.folder) as name:
        write_xglm(SHAPES[arguments.shape], arguments.device, Path(name) / "xglm")
        free()
        train(arguments, Path(name) / "xglm")
        torch.use_deterministic_algorithms(False)  # training asks for them, decoding does not
        free()
        decode(arguments, Path(name))


if __name__ == "__main__":
    main()
