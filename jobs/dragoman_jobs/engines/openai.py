"""Models behind an endpoint that speaks OpenAI's protocol: OpenAI itself, vLLM, `transformers serve` and others."""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dragoman.errors import ModelError
from dragoman.identity import hash_lines
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import BATCH_TOKENS, Checkpoint, Engine, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.endpoint import Endpoint, check, client_of, sentence
from dragoman_jobs.engines.sampling import seed_of
from dragoman_jobs.engines.stopping import cut
from dragoman_jobs.folder import make_once

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LEDGER = "usage.jsonl"
"""What every call of `translate` used and cost, a line each, beside what was prepared."""

_MODEL = "model.json"
_OWN = "openai/"
_STOPS = 4
"""Stop strings that the protocol takes; more are cut off here."""

logger = logging.getLogger(__name__)


class OpenAIEngine(Engine):
    """A model behind an endpoint, asked with the prompt as the one message of a user.

    Every request has a seed, when sampling one of its own; whether the same prompt then gets the same text is up to
    the server.
    """

    @classmethod
    def check_gpus(cls, gpus: float) -> None:
        """Any number: it uses none."""

    @classmethod
    def prepare(cls, checkpoint: Checkpoint, decoding: Decoding, cache: Path) -> Path:
        """See that the endpoint answers and has the model, before any sentence is paid for.

        Raises:
            UnsupportedModelError: the decoding asks for what the protocol has no word for, or there is an adapter.
            ModelError: the endpoint can't be reached, refuses the key, or does not have the model.
        """
        asked = decoding.meaning | {"beam": decoding.beam > 1, "precision": decoding.precision != "full"}
        if unknown := [name for name in ("beam", "precision", "top_k", "max_ratio") if asked.get(name)]:
            them = "it" if len(unknown) == 1 else "them"
            raise UnsupportedModelError(
                f"OpenAI's protocol has no word for {' and '.join(unknown)}: leave {them} out for the openai engine."
            )
        if checkpoint.adapter is not None:
            raise UnsupportedModelError("The openai engine asks a model that is served already: it takes no adapter.")
        model = checkpoint.model.removeprefix(_OWN)
        where = {"url": checkpoint.endpoint, "variable": checkpoint.key_variable}
        asyncio.run(check(Endpoint.at(**where), model))
        # the folder says where to ask, so it belongs to that place; the environment's may change from run to run
        place = f"-{hash_lines(map(str, where.values()))[:8]}" if checkpoint.endpoint or checkpoint.key_variable else ""
        return make_once(
            cache / checkpoint.id / f"openai{place}",
            lambda partial: _write({"model": model, **where}, partial),
        )

    def __init__(self, prepared: Path, decoding: Decoding, device: str = "cpu") -> None:
        del device  # the endpoint's own
        found = json.loads((prepared / _MODEL).read_text(encoding="utf-8"))
        self._model: str = found["model"]
        self._decoding = decoding
        self._endpoint = Endpoint.at(found.get("url"), found.get("variable"))
        self._ledger = prepared / LEDGER
        self._spent = 0.0

    def translate(self, prompts: Sequence[str], batch_tokens: int = BATCH_TOKENS) -> list[Hypothesis]:
        """The answer to every prompt, in order; what it cost is added to the ledger.

        Raises:
            ModelError: the endpoint refuses, or the budget is spent; the sentence says which.
        """
        del batch_tokens  # one prompt a request
        if self._endpoint.budget and self._spent >= self._endpoint.budget:
            raise ModelError(
                f"{self._model} has cost {self._spent:.2f} in this worker, its budget: raise DRAGOMAN_OPENAI_BUDGET."
            )
        answers = asyncio.run(self._ask(prompts))
        used = {
            "prompt_tokens": sum(getattr(answer.usage, "prompt_tokens", 0) for answer in answers),
            "completion_tokens": sum(getattr(answer.usage, "completion_tokens", 0) for answer in answers),
        }
        price = self._endpoint.price_in, self._endpoint.price_out
        cost = (used["prompt_tokens"] * price[0] + used["completion_tokens"] * price[1]) / 1e6
        self._spent += cost
        line = {"time": datetime.now(UTC).isoformat(), "model": self._model, "requests": len(answers), **used}
        with self._ledger.open("a", encoding="utf-8") as ledger:
            ledger.write(json.dumps({**line, "cost": cost}) + "\n")
        logger.info("%s: %d requests, %s tokens, cost %.4f", self._model, len(answers), used, cost)
        return [_hypothesis(answer, self._decoding) for answer in answers]

    async def _ask(self, prompts: Sequence[str]) -> list[Any]:
        from aiolimiter import AsyncLimiter

        # so many at once after a pause, and on average not above the rate
        at_once = min(self._endpoint.concurrency, self._endpoint.requests_per_minute)
        rate = AsyncLimiter(at_once, 60 * at_once / self._endpoint.requests_per_minute)
        slots = asyncio.Semaphore(self._endpoint.concurrency)
        # OpenAI's newer models know only the one name of this limit, most other servers only the other
        own = "api.openai.com" in self._endpoint.url
        options: dict[str, Any] = {
            "max_completion_tokens" if own else "max_tokens": self._decoding.max_new_tokens,
            "temperature": self._decoding.temperature,
        }
        if self._decoding.top_p < 1:
            options["top_p"] = self._decoding.top_p
        if self._decoding.stop:
            options["stop"] = list(self._decoding.stop[:_STOPS])

        async def ask(client: "AsyncOpenAI", prompt: str) -> Any:
            async with slots, rate:
                message: Any = {"role": "user", "content": prompt}
                seed = seed_of(self._decoding, prompt) if self._decoding.samples else 1
                answer: Any = await client.chat.completions.create(
                    model=self._model, messages=[message], seed=seed, **options
                )
                if not getattr(answer, "choices", None):  # the client takes whatever text comes for an answer
                    raise ValueError("an answer without choices")
                return answer

        async with client_of(self._endpoint) as client:
            try:
                async with asyncio.TaskGroup() as group:
                    asked = [group.create_task(ask(client, prompt)) for prompt in prompts]
            except ExceptionGroup as errors:
                raise sentence(self._endpoint, self._model, errors.exceptions[0]) from errors
        return [task.result() for task in asked]


def _write(what: dict[str, str | None], out: Path) -> None:
    (out / _MODEL).write_text(json.dumps(what), encoding="utf-8")


def _hypothesis(answer: Any, decoding: Decoding) -> Hypothesis:
    choice = answer.choices[0]
    found = cut((choice.message.content or "").strip(), decoding)
    ended = found.stopped or choice.finish_reason != "length"
    return Hypothesis(found.text, "stop" if ended else "length", getattr(answer.usage, "completion_tokens", 0))
