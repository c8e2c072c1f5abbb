"""The vllm engine against a module of vLLM's signatures, which decodes with transformers: vLLM itself needs a GPU.

The parameters are those of `LLM` and `SamplingParams` in vLLM's own source (vllm/entrypoints/llm.py,
vllm/engine/arg_utils.py and vllm/sampling_params.py); one that they don't have is an error here too. So is what
its older versions refuse (vllm/model_executor/layers/batch_invariant.py in 0.19): to be batch-invariant with an
attention of their own choice.
"""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import torch
from transformers import AutoModelForCausalLM

from dragoman.errors import ModelError
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines import vllm as engine_module
from dragoman_jobs.engines.base import UnsupportedModelError
from dragoman_jobs.engines.transformers import TransformersEngine
from dragoman_jobs.engines.vllm import VllmEngine
from dragoman_jobs.models.checkpoint import Checkpoint

PROMPTS = [f"[English]: {number} Euro [French]:" for number in range(7, 12)]
DECODING = Decoding(max_new_tokens=12)


@dataclass
class SamplingParams:
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    detokenize: bool = True
    skip_special_tokens: bool = True


@dataclass
class CompletionOutput:
    token_ids: list[int]
    finish_reason: str


@dataclass
class RequestOutput:
    outputs: list[CompletionOutput]


class LLM:
    made: ClassVar[list["LLM"]] = []

    def __init__(
        self, model: str, *, tokenizer: str | None = None, skip_tokenizer_init: bool = False,
        trust_remote_code: bool = False, tensor_parallel_size: int = 1, dtype: Any = "auto", seed: int | None = None,
        enable_prefix_caching: bool | None = None, max_model_len: int | None = None, load_format: str = "auto",
        generation_config: str = "auto", disable_log_stats: bool = True, gpu_memory_utilization: float = 0.9,
        distributed_executor_backend: str | None = None, attention_backend: str | None = None,
    ) -> None:  # fmt: skip
        invariant = ("FLASH_ATTN", "TRITON_ATTN", "FLASH_ATTN_MLA", "TRITON_MLA")
        if int(os.environ.get("VLLM_BATCH_INVARIANT", "0")) and attention_backend not in invariant:
            raise RuntimeError(
                f"VLLM batch_invariant mode requires an attention backend in {invariant}, but got {attention_backend}."
            )
        self.options = {name: value for name, value in locals().items() if name not in ("self", "model")}
        self.model = AutoModelForCausalLM.from_pretrained(model, use_safetensors=True)
        self.params: list[SamplingParams] = []
        self.made.append(self)

    @torch.inference_mode()
    def generate(
        self, prompts: list[dict[str, Any]], sampling_params: list[SamplingParams] | None = None, *,
        use_tqdm: bool = True, lora_request: Any = None,
    ) -> list[RequestOutput]:  # fmt: skip
        self.params = list(sampling_params or [])
        outputs = []
        for prompt, params in zip(prompts, self.params, strict=True):
            ids, start = list(prompt["prompt_token_ids"]), len(prompt["prompt_token_ids"])
            if len(ids) + params.max_tokens > self.options["max_model_len"]:
                raise ValueError(f"The decoder prompt (length {len(ids)}) is longer than the maximum model length")
            while len(ids) - start < params.max_tokens and not set(ids[start:]) & set(params.stop_token_ids or ()):
                ids.append(int(self.model(torch.tensor([ids])).logits[0, -1].argmax()))
            stopped = ids[-1] in (params.stop_token_ids or ())
            outputs.append(RequestOutput([CompletionOutput(ids[start:], "stop" if stopped else "length")]))
        return outputs


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[LLM]]:
    module: Any = ModuleType("vllm")
    module.LLM, module.SamplingParams = LLM, SamplingParams
    monkeypatch.setitem(sys.modules, "vllm", module)
    monkeypatch.setattr(engine_module, "find_spec", lambda name: object())
    monkeypatch.setattr(engine_module, "computing_dtype", lambda stored, device: torch.float32)
    for name in ("VLLM_BATCH_INVARIANT", "VLLM_ENABLE_V1_MULTIPROCESSING"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    LLM.made.clear()
    yield LLM


def prepared(folder: Path, cache: Path, decoding: Decoding = DECODING, **more: Any) -> Path:
    return VllmEngine.prepare(Checkpoint(id=folder.parent.name, model=str(folder), **more), decoding, cache)


@pytest.mark.parametrize("kind", ["xglm", "llama"])
def test_it_gives_the_references_text(
    kind: str, vllm: type[LLM], tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tiny_model(kind)
    for decoding in (DECODING, Decoding(max_new_tokens=12, max_ratio=2, stop=["a", ":"], stop_at_newline=False)):
        reference = TransformersEngine.prepare(Checkpoint(id=kind, model=str(folder)), decoding, tmp_path)
        sources = ["ab", "a b c", "12", "x" * 9, "y"]
        expected = TransformersEngine(reference, decoding).translate_pair(Pair("en", "fr"), sources, PROMPTS)
        made = VllmEngine(prepared(folder, tmp_path, decoding), decoding, "cuda")
        assert made.translate_pair(Pair("en", "fr"), sources, PROMPTS) == expected
    options = vllm.made[-1].options
    assert options["enable_prefix_caching"] and options["skip_tokenizer_init"]
    assert (options["trust_remote_code"], options["load_format"]) == (False, "safetensors")
    assert (options["tensor_parallel_size"], options["max_model_len"]) == (1, 128)
    assert vllm.made[-1].model.config.model_type == {"xglm": "opt"}.get(kind, kind)


def test_an_adapter_is_merged_before_xglm_becomes_opt(
    vllm: type[LLM], tiny_model: Callable[[str], Path], write_adapter: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tiny_model("xglm")
    adapter = write_adapter(tmp_path / "adapter", folder, ["q_proj", "fc2"])
    checkpoint = Checkpoint(id="adapted", model=str(folder), adapter=adapter)
    reference = TransformersEngine(TransformersEngine.prepare(checkpoint, DECODING, tmp_path), DECODING)
    made = VllmEngine.prepare(checkpoint, DECODING, tmp_path)
    assert VllmEngine(made, DECODING, "cuda").translate(PROMPTS) == reference.translate(PROMPTS)
    assert sorted(path.name for path in made.iterdir()) == ["model", "prepared.json", "tokenizer.json"]


def test_what_is_drawn_has_a_seed_for_each_sentence(
    vllm: type[LLM], tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    decoding = Decoding(max_new_tokens=4, temperature=0.7, top_k=9, top_p=0.8, seed=5)
    engine = VllmEngine(prepared(tiny_model("llama"), tmp_path, decoding), decoding, "cuda")
    engine.translate(PROMPTS)
    params = vllm.made[-1].params
    assert len({each.seed for each in params}) == len(PROMPTS)
    assert {(each.temperature, each.top_k, each.top_p, each.max_tokens) for each in params} == {(0.7, 9, 0.8, 4)}
    engine.translate(PROMPTS[2:3])
    assert vllm.made[-1].params == params[2:3]


def test_the_attention_is_one_that_computes_alike_in_every_batch_unless_that_is_not_wanted(
    vllm: type[LLM], tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = prepared(tiny_model("llama"), tmp_path)
    VllmEngine(made, DECODING, "cuda")
    assert os.environ["VLLM_BATCH_INVARIANT"] == "1"
    assert os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"
    assert vllm.made[-1].options["attention_backend"] == "FLASH_ATTN"
    monkeypatch.setenv("VLLM_BATCH_INVARIANT", "0")
    VllmEngine(made, DECODING, "cuda")
    assert vllm.made[-1].options["attention_backend"] is None


def test_several_gpus_share_every_layer(
    vllm: type[LLM], tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    VllmEngine(prepared(tiny_model("llama"), tmp_path), DECODING, "cuda")
    assert vllm.made[-1].options["tensor_parallel_size"] == 2
    VllmEngine.check_gpus(4)
    for gpus in (0, 0.5, 1.5):
        with pytest.raises(UnsupportedModelError, match=f"takes whole GPUs, and each worker is to hold {gpus:g}"):
            VllmEngine.check_gpus(gpus)


def test_what_it_does_not_do(
    vllm: type[LLM], tiny_model: Callable[[str], Path], translator: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tiny_model("llama")
    for decoding in (Decoding(beam=2), Decoding(precision="int8")):
        with pytest.raises(UnsupportedModelError, match="leave beam and precision out"):
            prepared(folder, tmp_path, decoding)
    with pytest.raises(UnsupportedModelError, match=r"is an encoder-decoder \('m2m_100'\), which vLLM does not"):
        prepared(translator("nllb"), tmp_path)
    with pytest.raises(ModelError, match="decodes on GPUs, and this worker holds none"):
        VllmEngine(prepared(folder, tmp_path), DECODING, "cpu")
    engine = VllmEngine(prepared(folder, tmp_path), DECODING, "cuda")
    vllm.made[-1].options["max_model_len"] = 20
    with pytest.raises(ModelError, match=r"can't decode a prompt \(The decoder prompt"):
        engine.translate(PROMPTS)


def test_a_machine_without_it_says_so(
    tiny_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedModelError, match=r"install dragoman\[vllm\]"):
        prepared(tiny_model("llama"), tmp_path)
