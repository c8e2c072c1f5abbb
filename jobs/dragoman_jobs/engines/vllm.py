"""The vLLM engine, for machines with GPUs; common prefixes of prompts, such as few-shot examples, are computed once."""

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dragoman.errors import ModelError, first_line
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import Engine, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.sampling import seed_of
from dragoman_jobs.engines.tokenization import DecodingFacts, PromptTokenizer
from dragoman_jobs.engines.transformers import computing_dtype
from dragoman_jobs.models.atomic_folder import make_once
from dragoman_jobs.models.checkpoint import Checkpoint
from dragoman_jobs.models.conversion import merge_adapter, xglm_to_opt
from dragoman_jobs.models.pretrained import load_config, load_tokenizer, local_folder

VERSION = 1
"""Raised when what is prepared must be made anew; part of the name in the cache."""

LONGEST = 16384
"""Tokens of prompt and translation that memory is kept for, where the model has positions for more."""

_MODEL = "model"


class VllmEngine(Engine):
    """Decoders that vLLM knows, XGLM by way of OPT; greedy and sampling.

    It is handed tokens and gives tokens back, so that prompts are read, and texts end, as with the other engines. Its
    kernels are asked to compute a sentence alike in every batch (VLLM_BATCH_INVARIANT, which takes a GPU of compute
    capability 8.0 or more; set it to 0 to decode without), and each sentence that is sampled has a seed of its own.
    With them FlashAttention is asked for: older versions of vLLM (0.19) start only if one of their invariant backends
    is named, and this is one that they call invariant between prompt and translation, as a cache of prompts needs it.
    """

    @classmethod
    def check_gpus(cls, gpus: float) -> None:
        """One GPU or several, which then share every layer; never a part of one."""
        if gpus < 1 or gpus != int(gpus):
            raise UnsupportedModelError(
                f"vLLM takes whole GPUs, and each worker is to hold {gpus:g}: ask for one or more (`--gpus 1`), or "
                "choose the ctranslate2 engine."
            )

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Merge the adapter and turn XGLM into OPT; of other models keep only the tokenizer and the way to the weights.

        Raises:
            UnsupportedModelError: vLLM is not installed, the decoding asks for beams or int8, or the model is an
                encoder-decoder.
            ModelError: there is no such model, or it lacks a tokenizer.
        """
        if find_spec("vllm") is None:
            raise UnsupportedModelError(
                "vLLM is not installed where models are prepared: install dragoman[vllm] on the machines with GPUs, or "
                "choose the ctranslate2 engine."
            )
        if decoding.beam > 1 or decoding.precision != "full":
            raise UnsupportedModelError(
                "vLLM decodes here without beams and in full precision: leave beam and precision out, or choose the "
                "ctranslate2 engine."
            )
        folder = local_folder(checkpoint.model, checkpoint.revision).resolve()
        config = load_config(folder)
        if config.is_encoder_decoder:
            raise UnsupportedModelError(
                f"The model {checkpoint.model} is an encoder-decoder ('{config.model_type}'), which vLLM does not "
                "decode: choose the ctranslate2 engine."
            )
        made = checkpoint.adapter is not None or config.model_type == "xglm"
        # where the weights are not copied, the folder points to them and belongs to the place where they lie
        place = "" if made else f"-{hash_lines([str(folder)])[:8]}"
        return make_once(
            cache / checkpoint.id / f"vllm-v{VERSION}{place}",
            lambda partial: _write(checkpoint, folder, config.model_type, partial),
        )

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        if device == "cpu":
            raise ModelError("vLLM decodes on GPUs, and this worker holds none: ask for one (`--gpus 1`).")
        # read when vllm is imported: reproducible text, from a scheduler in this process
        invariant = os.environ.setdefault("VLLM_BATCH_INVARIANT", "1") != "0"
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        import torch
        from vllm import LLM

        self._prompting, self._decoding = PromptTokenizer(prepared, decoding), decoding
        facts = self._prompting.facts
        self._longest = min(facts.positions or LONGEST, LONGEST)
        gpus = max(1, torch.cuda.device_count())  # a worker sees only those it holds
        try:
            self._model: Any = LLM(
                model=str(facts.weights or prepared / _MODEL),
                skip_tokenizer_init=True,
                trust_remote_code=False,
                load_format="safetensors",
                dtype=computing_dtype(facts.dtype, device),
                tensor_parallel_size=gpus,
                enable_prefix_caching=True,
                max_model_len=self._longest,
                generation_config="vllm",  # not the settings that the model's makers recommend
                disable_log_stats=True,
                **({"attention_backend": "FLASH_ATTN"} if invariant else {}),
                **({"distributed_executor_backend": "mp"} if gpus > 1 else {}),
            )
        except Exception as error:  # vLLM's errors are of many kinds, most of them RuntimeError and ValueError
            raise ModelError(
                f"vLLM can't load {prepared} on {gpus} GPUs ({first_line(error)}): give each worker more of them "
                "(`--gpus`), set VLLM_BATCH_INVARIANT=0 where its attention is not invariant, or choose the "
                "ctranslate2 engine."
            ) from error

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        """Those that are longer, with what may be written, than memory is kept for."""
        return self._prompting.without_room(pair, sources, prompts, self._longest)

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The continuation of every prompt, in order; how many are decoded at once is vLLM's own business."""
        del batch_tokens
        return self._generate(prompts, [self._decoding.max_new_tokens] * len(prompts))

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        """What continues every prompt."""
        return self._generate(prompts, self._prompting.limits(sources))

    def _generate(self, prompts: Sequence[str], limits: Sequence[int]) -> list[Hypothesis]:
        from vllm import SamplingParams

        decoding = self._decoding
        encoded = self._prompting.encode(prompts, limits)
        params = [
            SamplingParams(
                temperature=decoding.temperature,
                top_p=decoding.top_p,
                top_k=decoding.top_k or -1,
                seed=seed_of(decoding, ids) if decoding.samples else None,
                max_tokens=limit,
                stop_token_ids=list(self._prompting.stop),
                detokenize=False,
            )
            for ids, limit in zip(encoded, limits, strict=True)
        ]
        try:
            outputs = self._model.generate([{"prompt_token_ids": ids} for ids in encoded], params, use_tqdm=False)
        except ValueError as error:  # a prompt that is longer than what memory is kept for
            raise ModelError(f"vLLM can't decode a prompt ({first_line(error)}): leave such long ones out.") from error
        return [self._hypothesis(output.outputs[0]) for output in outputs]

    def _hypothesis(self, output: Any) -> Hypothesis:
        found = self._prompting.hypothesis(list(output.token_ids))
        # the token that ended it is not always among those it returns
        return found._replace(finish_reason="stop") if output.finish_reason == "stop" else found


def _write(checkpoint: Checkpoint, folder: Path, kind: str, out: Path) -> None:
    tokenizer, config = load_tokenizer(folder), load_config(folder)
    is_xglm, original = kind == "xglm", folder
    if checkpoint.adapter:
        original = merge_adapter(checkpoint, out / ("work" if is_xglm else _MODEL))
    if is_xglm:
        xglm_to_opt(original, out / _MODEL)
        shutil.rmtree(out / "work", ignore_errors=True)
    weights = None if checkpoint.adapter or is_xglm else folder
    DecodingFacts.of(folder, config, tokenizer, weights).write(out, folder, tokenizer)
