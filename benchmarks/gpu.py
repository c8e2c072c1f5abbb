"""What a GPU makes of XGLM's shapes, with random weights: a LoRA step, and decoding as XGLM and as converted to OPT.

    python benchmarks/gpu.py                                  XGLM-7.5B's shape on the GPU
    python benchmarks/gpu.py --shape tiny --device cpu        the same in seconds on a CPU, to see that it runs

- Training: seconds of a LoRA step (rank 16 on all linear layers) of so many tokens, in bfloat16, as `dragoman run`
  takes it; the peak of the GPU's memory; and model FLOP utilisation. A token costs 4 FLOP for each parameter of the
  body (the base is frozen, so the backward pass has no gradients of its weights), and a target token 4 for each of the
  head's. The peak they are held against is `--peak-tflops`, or else what one large matrix product reaches here.
- Decoding: generated tokens per second, greedy, prompts and translations of equal length, for `transformers`' XGLM, for
  the OPT it converts to, for that OPT in CTranslate2, and in vLLM where it is installed.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer, models
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, XGLMConfig, XGLMForCausalLM

from dragoman.spec.method import Lora
from dragoman_jobs.conversion import xglm_to_opt
from dragoman_jobs.finetune.adapters import add_lora
from dragoman_jobs.finetune.batching import Batch
from dragoman_jobs.finetune.head import TargetLoss
from dragoman_jobs.finetune.optimizer import make_optimizer


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

ROW, PROMPT = 64, 36
"""Tokens of a training row, and of its prompt."""


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


def train(arguments: argparse.Namespace) -> None:
    """Time LoRA steps."""
    shape, device = SHAPES[arguments.shape], arguments.device
    model = build(shape, device)
    head = shape.vocabulary * shape.width
    body = sum(weight.numel() for weight in model.parameters()) - head  # the embedding is tied to the head
    method = Lora(kind="lora", learning_rate=1e-4, steps=1, gradient_checkpointing=arguments.gradient_checkpointing)
    if method.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    add_lora(model, method, "random", None)
    model.train()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = make_optimizer(trained, method)
    batch = make_batch(arguments.tokens, shape.vocabulary, device)
    loss = TargetLoss(model, make_batch(ROW, shape.vocabulary, device), "bfloat16")

    def step() -> None:
        loss.backward(batch)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    took = seconds(step, arguments.steps, device)
    flop = 4 * (body * batch.input_ids.numel() + head * len(batch.labels))
    peak = arguments.peak_tflops * 1e12 or attainable(device)
    against = "the peak given" if arguments.peak_tflops else "a large matrix product here"
    memory = f", {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB at the peak" if device == "cuda" else ""
    print(
        f"LoRA step of {batch.input_ids.numel()} tokens: {took:.3f} s, {batch.input_ids.numel() / took:,.0f} tokens/s, "
        f"{flop / took / 1e12:.2f} TFLOP/s, {flop / took / peak:.0%} of {against}{memory}"
    )


def make_batch(tokens: int, vocabulary: int, device: str) -> Batch:
    """Rows of equal length, without padding."""
    rows = max(1, tokens // ROW)
    ids = torch.randint(4, vocabulary, (rows, ROW + 1), generator=torch.Generator().manual_seed(0))
    is_target = torch.zeros(rows, ROW, dtype=torch.bool)
    is_target[:, PROMPT - 1 :] = True
    positions = is_target.flatten().nonzero().flatten()
    batch = Batch(ids[:, :-1], torch.ones(rows, ROW, dtype=torch.long), positions, ids[:, 1:].flatten()[positions])
    return Batch(*(tensor.to(device) for tensor in batch))


def decode(arguments: argparse.Namespace, folder: Path) -> None:
    """Time decoding in every form that runs here."""
    shape, device = SHAPES[arguments.shape], arguments.device
    prompts = np.random.default_rng(0).integers(4, shape.vocabulary, (arguments.prompts, arguments.prompt_tokens))
    write_xglm(shape, device, folder / "xglm")
    xglm_to_opt(folder / "xglm", folder / "opt")
    for name, form in (("transformers, XGLM", "xglm"), ("transformers, as OPT", "opt")):
        report(name, seconds(transformers_run(folder / form, prompts, arguments), 1, device), arguments)
        free()
    report("CTranslate2, as OPT", seconds(ctranslate2_run(folder, prompts, arguments), 1, device), arguments)
    free()
    if find_spec("vllm") is None:
        print("vLLM: not installed here")
    else:
        report("vLLM, as OPT", seconds(vllm_run(folder, prompts, arguments), 1, device), arguments)


def write_xglm(shape: Shape, device: str, folder: Path) -> None:
    """A random model in Hugging Face's layout, with a tokenizer that the conversion can carry along."""
    build(shape, device).save_pretrained(folder)
    backend = Tokenizer(models.WordLevel({"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}, unk_token="<unk>"))
    PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)


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

    from dragoman_jobs.engines.ctranslate2_conversion import write_ctranslate2

    write_ctranslate2("opt", folder / "opt", "auto", folder / "ctranslate2")
    compute = "bfloat16" if arguments.device == "cuda" else "float32"
    generator = ctranslate2.Generator(str(folder / "ctranslate2"), device=arguments.device, compute_type=compute)
    tokens = [[str(token) for token in prompt] for prompt in prompts.tolist()]
    count = arguments.new_tokens
    return lambda: generator.generate_batch(tokens, max_length=count, min_length=count, include_prompt_in_result=False)


def vllm_run(folder: Path, prompts: Any, arguments: argparse.Namespace) -> Callable[[], Any]:
    """The same in vLLM."""
    from vllm import LLM, SamplingParams

    model = LLM(model=str(folder / "opt"), dtype="bfloat16", skip_tokenizer_init=True, enable_prefix_caching=False)
    settings = SamplingParams(temperature=0, max_tokens=arguments.new_tokens, ignore_eos=True, detokenize=False)
    asked = [{"prompt_token_ids": prompt} for prompt in prompts.tolist()]
    return lambda: model.generate(asked, settings, use_tqdm=False)


def report(name: str, took: float, arguments: argparse.Namespace) -> None:
    """A line of the table."""
    tokens = arguments.prompts * arguments.new_tokens
    print(f"{name:24}{took:10.2f} s{tokens / took:12,.0f} tokens/s", flush=True)


def free() -> None:
    """Give memory back before the next model comes."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


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
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("There is no GPU here: run it where there is one, or with --shape tiny --device cpu.")
    print(f"XGLM-{arguments.shape} with random weights on {arguments.device}")
    train(arguments)
    free()
    with tempfile.TemporaryDirectory(prefix="dragoman", dir=arguments.folder) as name:
        decode(arguments, Path(name))


if __name__ == "__main__":
    main()
