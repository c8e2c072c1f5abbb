"""The engine for endpoints of OpenAI's protocol: OpenAI itself, vLLM, `transformers serve` and others."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dragoman.identity import hash_lines
from dragoman.spec.decoding import Decoding
from dragoman_jobs.engines.base import NO_ROOM, Engine, Hypothesis, UnsupportedModelError
from dragoman_jobs.engines.chat_client import USAGE, Ask, ChatClient
from dragoman_jobs.engines.endpoint import OpenAIEndpoint, check, has_no_room
from dragoman_jobs.engines.sampling import seed_of
from dragoman_jobs.engines.stop_rules import cut
from dragoman_jobs.models.atomic_folder import make_once
from dragoman_jobs.models.checkpoint import Checkpoint

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
        self._decoding = decoding
        model_folder = prepared.parent  # in the cache
        self._chat = ChatClient(
            OpenAIEndpoint.at(found.get("url"), found.get("variable")),
            found["model"],
            model_folder.parent.with_name(USAGE) / f"{model_folder.name}.jsonl",
        )
        self.ledger = self._chat.log
        """What every answer used and cost."""

    def translate(self, prompts: Sequence[str], batch_tokens: int | None = None) -> list[Hypothesis]:
        """The answer to every prompt, in order; none to one that is longer than the model's context.

        What each cost is in the usage log, also where a later one is refused.

        Raises:
            ModelError: the endpoint refuses, or the budget is spent; the sentence says which.
        """
        del batch_tokens  # one prompt a request
        options = self._options

        async def translated(ask: Ask, prompt: str) -> Hypothesis:
            seed = seed_of(self._decoding, prompt) if self._decoding.samples else 1
            try:
                answer = await ask([{"role": "user", "content": prompt}], seed=seed, **options)
            except Exception as error:
                if has_no_room(error):
                    return _NO_ROOM
                raise
            return _hypothesis(answer, self._decoding)

        return self._chat.map(translated, prompts)

    @property
    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {
            self._chat.token_limit: self._decoding.max_new_tokens,
            "temperature": self._decoding.temperature,
        }
        if self._decoding.top_p < 1:
            options["top_p"] = self._decoding.top_p
        if self._decoding.stop:
            options["stop"] = list(self._decoding.stop[:_STOPS])
        return options


def _write(what: dict[str, str | None], out: Path) -> None:
    (out / _MODEL).write_text(json.dumps(what), encoding="utf-8")


def _hypothesis(answer: Any, decoding: Decoding) -> Hypothesis:
    choice = answer.choices[0]
    found = cut((choice.message.content or "").strip(), decoding)
    ended = found.stopped or choice.finish_reason != "length"
    return Hypothesis(found.text, "stop" if ended else "length", getattr(answer.usage, "completion_tokens", 0))
