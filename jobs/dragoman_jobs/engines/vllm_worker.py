"""The vLLM engine's process: it runs in the environment that has vLLM, takes tokens and gives tokens back.

It is run by path (`dragoman.environments.workers.channel`), and imports vLLM and the standard library alone. Requests:
`load`, once, with what `LLM` takes; `generate`, with tokens and parameters, whose answers come in the requests' order;
`cached`, with how many tokens of prompts were read, and how many of them were in the cache of prefixes.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

from dragoman.environments.workers.channel import Refusal


class Worker:
    """One model, loaded by vLLM."""

    packages: ClassVar[Sequence[str]] = ("torch", "transformers")
    """Distributions whose versions are told at the start; vLLM's has several names, and tells its version itself."""

    def __init__(self) -> None:
        if find_spec("vllm") is None:
            raise ImportError("vllm is not installed")
        self._model: Any = None

    def answers(self, kind: str, body: Any) -> Iterator[Any]:
        """The answers to a request."""
        if kind == "load":
            yield self._load(body)
        elif kind == "generate":
            yield from self._generate(body["prompts"], body["parameters"])
        elif kind == "cached":
            yield self._cached()
        else:
            raise Refusal(f"The vLLM engine's process has no request '{kind}'.")

    def _load(self, options: dict[str, Any]) -> str:
        import torch
        import vllm

        if options.pop("on_gpus"):
            gpus = max(1, torch.cuda.device_count())  # a worker sees only those it holds
            options["tensor_parallel_size"] = gpus
            if gpus > 1:
                options["distributed_executor_backend"] = "mp"
        try:
            self._model = vllm.LLM(**options)
        except (RuntimeError, ValueError) as error:  # what it says of a model or a machine that it can't take
            raise Refusal(_reason(error)) from error
        return str(vllm.__version__)

    def _generate(
        self, prompts: Sequence[Sequence[int]], parameters: Sequence[Mapping[str, Any]]
    ) -> Iterator[dict[str, Any]]:
        from vllm import SamplingParams

        try:
            outputs = self._model.generate(
                [{"prompt_token_ids": ids} for ids in prompts],
                [SamplingParams(detokenize=False, **each) for each in parameters],
                use_tqdm=False,
            )
        except Exception as error:
            # a prompt that is longer than what memory is kept for; whose class is no ValueError since version 0.32
            if isinstance(error, ValueError) or type(error).__name__ == "VLLMValidationError":
                raise Refusal(_reason(error)) from error
            raise
        for output in outputs:
            found = output.outputs[0]
            yield {"tokens": list(found.token_ids), "finished": found.finish_reason}

    def _cached(self) -> dict[str, int]:
        """Tokens of prompts that were looked up in the cache of prefixes, and how many were there."""
        found = {metric.name: metric.value for metric in self._model.get_metrics() if hasattr(metric, "value")}
        return {"asked": int(found["vllm:prefix_cache_queries"]), "hits": int(found["vllm:prefix_cache_hits"])}


def _reason(error: Exception) -> str:
    """The first line of an error that says something: pydantic's first line is a count."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next((line for line in lines if "validation error" not in line), type(error).__name__)
