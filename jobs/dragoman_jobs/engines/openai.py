"""The engine for endpoints of OpenAI's protocol: OpenAI itself, vLLM, `transformers serve` and others."""

import asyncio
import json
import weakref
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiolimiter import AsyncLimiter

from dragoman.errors import ModelError
from dragoman.identity import hash_lines
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import NO_ROOM, Engine, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.endpoint import OpenAIEndpoint, check, client_of, has_no_room, sentence
from dragoman_jobs.engines.sampling import seed_of
from dragoman_jobs.engines.stop_rules import cut
from dragoman_jobs.engines.usage_log import UsageLog
from dragoman_jobs.models.atomic_folder import make_once
from dragoman_jobs.models.checkpoint import Checkpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI

USAGE = "usage"
"""Folder of the ledgers, one for each model, beside the cache: that may be removed, and these can't be made again."""

_MODEL = "model.json"
_OWN = "openai/"
_NO_ROOM = Hypothesis("", NO_ROOM, 0)
_STOPS = 4
"""Stop strings that the protocol takes; more are cut off here."""


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
        asyncio.run(check(OpenAIEndpoint.at(**where), model))
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
        self._endpoint = OpenAIEndpoint.at(found.get("url"), found.get("variable"))
        model_folder = prepared.parent  # in the cache
        self.ledger = UsageLog(model_folder.parent.with_name(USAGE) / f"{model_folder.name}.jsonl")
        """What every answer used and cost."""
        # so many at once after a pause, and on average not above the rate; kept from cell to cell, as is the event
        # loop that it belongs to
        most = self._endpoint.requests_per_minute
        at_once = min(self._endpoint.concurrency, most)
        self._rate = AsyncLimiter(at_once, 60 * at_once / most)
        self._loop = asyncio.Runner()
        weakref.finalize(self, self._loop.close)

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The answer to every prompt, in order; none to one that is longer than the model's context.

        What each cost is in the ledger, also where a later one is refused.

        Raises:
            ModelError: the endpoint refuses, or the budget is spent; the sentence says which.
        """
        del batch_tokens  # one prompt a request
        answers = self._loop.run(self._ask(prompts))
        return [answer if answer is _NO_ROOM else _hypothesis(answer, self._decoding) for answer in answers]

    async def _ask(self, prompts: Sequence[str]) -> list[Any]:
        slots = asyncio.Semaphore(self._endpoint.concurrency)
        options = self._options
        refusals: list[Exception] = []

        async def ask(client: "AsyncOpenAI", prompt: str) -> Any:
            async with slots:
                if refusals:  # those on their way are waited for, since they are paid for; no other is begun
                    return None
                try:
                    async with self._rate:
                        self._check_budget()
                        message: Any = {"role": "user", "content": prompt}
                        seed = seed_of(self._decoding, prompt) if self._decoding.samples else 1
                        answer: Any = await client.chat.completions.create(
                            model=self._model, messages=[message], seed=seed, **options
                        )
                    self._book(answer)
                    if not getattr(answer, "choices", None):  # the client takes whatever text comes for an answer
                        raise ValueError("an answer without choices")
                except Exception as error:  # of many kinds, all of which `sentence` knows
                    if has_no_room(error):
                        return _NO_ROOM
                    refusals.append(error)
                    return None
                return answer

        async with client_of(self._endpoint) as client:
            answers = await asyncio.gather(*(ask(client, prompt) for prompt in prompts))
        if refusals:
            raise sentence(self._endpoint, self._model, refusals[0]) from ExceptionGroup("refusals", refusals)
        return answers

    @property
    def _options(self) -> dict[str, Any]:
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
        return options

    def _check_budget(self) -> None:
        budget = self._endpoint.budget
        if budget and (spent := self.ledger.spent) >= budget:
            raise ModelError(
                f"{self._model} has cost {spent:.2f}, and its budget is {budget:g}: raise DRAGOMAN_OPENAI_BUDGET, or "
                f"leave it out ({self.ledger.path} says what for)."
            )

    def _book(self, answer: Any) -> None:
        usage = getattr(answer, "usage", None)
        read, written = getattr(usage, "prompt_tokens", 0), getattr(usage, "completion_tokens", 0)
        cost = (read * self._endpoint.price_in + written * self._endpoint.price_out) / 1e6
        line = {"time": datetime.now(UTC).isoformat(), "model": self._model}
        self.ledger.book({**line, "prompt_tokens": read, "completion_tokens": written, "cost": cost})


def _write(what: dict[str, str | None], out: Path) -> None:
    (out / _MODEL).write_text(json.dumps(what), encoding="utf-8")


def _hypothesis(answer: Any, decoding: Decoding) -> Hypothesis:
    choice = answer.choices[0]
    found = cut((choice.message.content or "").strip(), decoding)
    ended = found.stopped or choice.finish_reason != "length"
    return Hypothesis(found.text, "stop" if ended else "length", getattr(answer.usage, "completion_tokens", 0))
