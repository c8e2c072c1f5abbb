"""A server of OpenAI's protocol that judges as a test says."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.fixtures.chat_server import KEY, Answer, ChatServer

from dragoman.metrics.model_metric import Triple
from dragoman.pair import Pair

MODEL = "judge-1"

Reply = Callable[[dict[str, Any]], "str | tuple[str, str] | int"]
"""From a request to a text, a text and its finish reason, or the status of a refusal."""


class JudgeServer(ChatServer):
    """A prompt token for each turn of the chat, and a completion token for each answer."""

    def __init__(self) -> None:
        super().__init__([MODEL])
        self.reply: Reply = lambda asked: "90"

    @property
    def asked(self) -> list[str]:
        """The last turn of each request."""
        return [each["messages"][-1]["content"] for each in self.requests]

    def answer(self, asked: dict[str, Any]) -> Answer | int:
        reply = self.reply(asked)
        if isinstance(reply, int):
            return reply
        text, reason = (reply, "stop") if isinstance(reply, str) else reply
        return Answer(text, reason, prompt_tokens=len(asked["messages"]))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    server = JudgeServer()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("DRAGOMAN_OPENAI_RETRIES", "1")
    monkeypatch.setenv("DRAGOMAN_OPENAI_REQUESTS_PER_MINUTE", "60000")
    monkeypatch.setenv("DRAGOMAN_OPENAI_PRICE_OUT", "1000000")  # an answer costs 1
    with server.running():
        yield server


@pytest.fixture
def triple() -> Callable[..., Triple]:
    """Makes a triple of a source and a hypothesis."""

    def make(source: str, hypothesis: str, pair: str = "en-de", reference: str | None = None) -> Triple:
        return Triple(Pair.parse(pair), source, hypothesis, reference)

    return make
