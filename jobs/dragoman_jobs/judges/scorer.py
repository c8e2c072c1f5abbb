"""A judge at work: it asks an endpoint about segments, and asks again what can't be read."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import nan
from pathlib import Path
from typing import Any, TypeVar

from dragoman.errors import ModelError
from dragoman.identity import hash_lines
from dragoman.metrics.base import MetricError, MetricNeedError
from dragoman.metrics.model_metric import SegmentScore, SegmentScorer, Triple
from dragoman_jobs.engines.chat_client import USAGE, Ask, ChatClient
from dragoman_jobs.engines.endpoint import OpenAIEndpoint, check, has_no_room, is_filtered
from dragoman_jobs.judges.answer_store import FOLDER, Answer, AnswerStore
from dragoman_jobs.judges.chat_template import identity
from dragoman_jobs.judges.method import Method
from dragoman_jobs.judges.options import JudgeOptions

Read = TypeVar("Read")

MOST_TOKENS = 4000
"""Tokens above which an answer that does not end is given up."""


class JudgeScorer(SegmentScorer):
    """A model behind an endpoint that judges segments one by one.

    A segment none of whose answers can be read has the value NaN: it is left out of means, and counted.
    """

    batch_invariant = True

    def __init__(self, method: Method, options: JudgeOptions, home: Path, *, round_: int = 1) -> None:
        """See that the endpoint answers and has the model; nothing is paid for yet.

        Args:
            method: how it judges.
            options: what the spec says.
            home: the folder of the answers and the usage logs.
            round_: 1, or 2 for a second judgement of the same segments, whose requests have another seed.

        Raises:
            MetricNeedError: the endpoint can't be asked; the sentence says why.
        """
        self._method, self._options = method, options
        self._seed = options.seed + round_ - 1
        self._answers = AnswerStore(home / FOLDER)
        try:
            endpoint = OpenAIEndpoint.at(options.endpoint, options.key_variable)
            if options.budget is not None:
                endpoint = endpoint.model_copy(update={"budget": options.budget})
            asyncio.run(check(endpoint, options.model))
        except ModelError as error:
            raise MetricNeedError(str(error)) from error
        log = f"judge-{hash_lines([options.model, endpoint.url])[:12]}.jsonl"
        self._chat = ChatClient(endpoint, options.model, home / USAGE / log)
        self.usage = self._chat.log
        """What every answer used and cost."""
        self.signature = signature(method, options)

    def score(self, triples: Sequence[Triple]) -> list[SegmentScore]:
        """The judgement of each triple, in their order.

        Raises:
            MetricError: no answer at all can be read.
            MetricNeedError: the endpoint refuses, or the budget is spent; what was answered is kept.
        """
        try:
            found = self._chat.map(self._judged, triples)
        except ModelError as error:
            raise MetricNeedError(str(error)) from error
        if triples and all(each is None for each in found):
            raise MetricError(
                f"None of the {len(triples)} answers of {self._options.model} can be read, nor of those to "
                f"{self._options.retries} further tries each: look at what it answers, and mend the template or choose "
                "another model."
            )
        return [SegmentScore(nan) if each is None else each for each in found]

    def close(self) -> None:
        """Let go of the endpoint."""
        self._chat.close()

    async def _judged(self, ask: Ask, triple: Triple) -> SegmentScore | None:
        async def questions(messages: Sequence[dict[str, str]], read: Callable[[str], Read | None]) -> Read | None:
            for warmer in range(self._options.retries + 1):
                answer = await self._whole_answer(ask, messages, warmer / 10)
                if answer is None:
                    return None
                if (found := read(answer)) is not None:
                    return found
            return None

        return await self._method.judge(questions, triple)

    async def _whole_answer(self, ask: Ask, messages: Sequence[Mapping[str, str]], temperature: float) -> str | None:
        """The text of an answer; None where none comes, whatever the temperature."""
        tokens = self._options.tokens
        while (found := await self._answer(ask, messages, temperature, tokens)) is not None:
            if found.finish_reason != "length":
                return None if found.finish_reason == "content_filter" else found.text
            if tokens == MOST_TOKENS:
                return None
            tokens = min(2 * tokens, MOST_TOKENS)
        return None

    async def _answer(
        self, ask: Ask, messages: Sequence[Mapping[str, str]], temperature: float, tokens: int
    ) -> Answer | None:
        request: dict[str, Any] = {
            "model": self._options.model, "revision": self._options.revision, "messages": messages, "seed": self._seed,
            "temperature": temperature, "tokens": tokens,
        }  # fmt: skip
        async with self._answers.held(request) as held:
            if held.answer is not None:
                return held.answer
            try:
                came = await ask(messages, seed=self._seed, temperature=temperature, **{self._chat.token_limit: tokens})
            except Exception as error:
                if has_no_room(error) or is_filtered(error):
                    return None
                raise
            choice = came.choices[0]
            answer = Answer((choice.message.content or "").strip(), choice.finish_reason or "stop")
            held.record(answer)
            return answer


def signature(method: Method, options: JudgeOptions) -> str:
    """The identity of a judge: its model with its revision, what it is asked and how it is read."""
    fields = [
        f"judge:{options.model}", f"revision:{options.revision or 'unknown'}", f"template:{identity(method.chats)}",
        *method.signature, f"reading:{method.version}", "temperature:0", f"seed:{options.seed}",
        f"tokens:{options.tokens}", f"retries:{options.retries}",
    ]  # fmt: skip
    return "|".join(each.replace("|", "/") for each in fields)
