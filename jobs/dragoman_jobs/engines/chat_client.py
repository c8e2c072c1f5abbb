"""A client of chat completions for many requests: it keeps a rate and a budget, and books every answer."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aiolimiter import AsyncLimiter

from dragoman.errors import ModelError
from dragoman_jobs.engines.endpoint import OpenAIEndpoint, client_of, sentence
from dragoman_jobs.engines.usage_log import UsageLog

if TYPE_CHECKING:
    from openai import AsyncOpenAI

Item = TypeVar("Item")
Made = TypeVar("Made")

Message = Mapping[str, str]
"""A turn of a chat: its `role`, and its `content`."""

USAGE = "usage"
"""Folder of the usage logs, beside the cache: that may be removed, and these can't be made again."""


class ChatClient:
    """Asks one model at one endpoint, and books what every answer used and cost.

    Under a budget requests are begun as long as those on their way are expected to fit in what is left, each at the
    price of the dearest answer so far; until there is one, they go one at a time. Workers in other processes are known
    by their booked answers alone, so that all together may be over by one answer for each other worker.
    """

    def __init__(self, endpoint: OpenAIEndpoint, model: str, log: Path) -> None:
        """Take the endpoint.

        Args:
            endpoint: where, and with which limits.
            model: the model's name there.
            log: file of its usage log.
        """
        self.endpoint, self.model, self.log = endpoint, model, UsageLog(log)
        # so many at once after a pause, and on average not above the rate; kept from call to call, as is the event
        # loop that it belongs to
        most = endpoint.requests_per_minute
        at_once = min(endpoint.concurrency, most)
        self._rate = AsyncLimiter(at_once, 60 * at_once / most)
        self._loop = asyncio.Runner()
        self._open = 0
        self._answered = asyncio.Condition()
        self._end = weakref.finalize(self, _close, self._loop)

    @property
    def token_limit(self) -> str:
        """The option that limits an answer's tokens."""
        # OpenAI's newer models know only the one name of this limit, most other servers only the other
        return "max_completion_tokens" if "api.openai.com" in self.endpoint.url else "max_tokens"

    def close(self) -> None:
        """End the event loop that requests ran on."""
        self._end()

    def map(self, work: Callable[["Ask", Item], Awaitable[Made]], items: Sequence[Item]) -> list[Made]:
        """What some work makes of every item, several at once, in their order.

        Where one is refused no other is begun; those on their way are waited for, since they are paid for.

        Args:
            work: gets a function that asks, and an item.
            items: the items.

        Raises:
            ModelError: the endpoint refuses, or the budget is spent; the sentence says which.
        """
        return self._loop.run(self._map(work, items))

    async def _map(self, work: Callable[["Ask", Item], Awaitable[Made]], items: Sequence[Item]) -> list[Made]:
        slots = asyncio.Semaphore(self.endpoint.concurrency)
        refusals: list[Exception] = []
        found: dict[int, Made] = {}

        async def each(client: "AsyncOpenAI", place: int, item: Item) -> None:
            async with slots:
                if refusals:
                    return
                try:
                    found[place] = await work(Ask(self, client), item)
                except Exception as error:  # of many kinds, all of which `sentence` knows
                    refusals.append(error)

        async with client_of(self.endpoint) as client:
            await asyncio.gather(*(each(client, place, item) for place, item in enumerate(items)))
        if refusals:
            group = ExceptionGroup("refusals", refusals[:])
            refusals.clear()  # else each keeps the frame that keeps it, and with it this client
            raise sentence(self.endpoint, self.model, group.exceptions[0]) from group
        return [found[place] for place in range(len(items))]

    async def ask(self, client: "AsyncOpenAI", messages: Sequence[Message], **options: Any) -> Any:
        """One answer, booked.

        Raises:
            ModelError: the budget is spent.
            ValueError: what came is no answer.
            openai.OpenAIError: the endpoint refuses.
        """
        await self._begin()
        try:
            asked: Any = [dict(message) for message in messages]
            answer: Any = await client.chat.completions.create(model=self.model, messages=asked, **options)
            self._book(answer)
        finally:
            self._open -= 1
            async with self._answered:
                self._answered.notify_all()
        if not getattr(answer, "choices", None):  # the client takes whatever text comes for an answer
            raise ValueError("an answer without choices")
        return answer

    async def _begin(self) -> None:
        """Wait for the rate, and for what is left of the budget.

        Raises:
            ModelError: nothing is.
        """
        await self._rate.acquire()
        budget = self.endpoint.budget
        async with self._answered:
            while budget and self._open:
                left = budget - self.log.spent
                if left <= 0 or (self.log.dearest and (self._open + 1) * self.log.dearest <= left):
                    break
                await self._answered.wait()
            if budget and (spent := self.log.spent) >= budget:
                raise ModelError(
                    f"{self.model} has cost {spent:.2f}, and its budget is {budget:g}: raise DRAGOMAN_OPENAI_BUDGET, "
                    f"or the budget that the spec gives, or leave it out ({self.log.path} says what for)."
                )
            self._open += 1

    def _book(self, answer: Any) -> None:
        usage = getattr(answer, "usage", None)
        read, written = getattr(usage, "prompt_tokens", 0), getattr(usage, "completion_tokens", 0)
        cost = (read * self.endpoint.price_in + written * self.endpoint.price_out) / 1e6
        line = {"time": datetime.now(UTC).isoformat(), "model": self.model}
        self.log.book({**line, "prompt_tokens": read, "completion_tokens": written, "cost": cost})


class Ask:
    """Asks within one `ChatClient.map`."""

    def __init__(self, chat: ChatClient, client: "AsyncOpenAI") -> None:
        self._chat, self._client = chat, client

    async def __call__(self, messages: Sequence[Message], **options: Any) -> Any:
        """One answer to a chat; arguments and errors as for `ChatClient.ask`."""
        return await self._chat.ask(self._client, messages, **options)


def _close(runner: asyncio.Runner) -> None:
    """Close its event loop, also where another one runs in this thread, as garbage may be collected at any moment."""
    runner.get_loop().close()
