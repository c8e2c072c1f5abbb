"""A server of OpenAI's protocol that answers as a test says, and counts what it is asked."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dragoman.metrics.model_metric import Triple
from dragoman.pair import Pair

KEY = "sk-not-for-logs"
MODEL = "judge-1"

Reply = Callable[[dict[str, Any]], "str | tuple[str, str] | int"]
"""From a request to a text, a text and its finish reason, or the status of a refusal."""


class JudgeServer(ThreadingHTTPServer):
    """Counts requests; a prompt token for each turn of the chat, and a completion token for each answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[dict[str, Any]] = []
        self.lock = threading.Lock()
        self.reply: Reply = lambda asked: "90"
        self.whole: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def asked(self) -> list[str]:
        """The last turn of each request."""
        return [each["messages"][-1]["content"] for each in self.requests]


class Handler(BaseHTTPRequestHandler):
    server: JudgeServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Not on the terminal."""

    def do_GET(self) -> None:
        self._answer(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append(asked)
        reply = self.server.reply(asked)
        if isinstance(reply, int):
            return self._answer(reply, {"error": {"message": f"no, {KEY}"}})
        text, reason = (reply, "stop") if isinstance(reply, str) else reply
        choice = {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": len(asked["messages"]), "completion_tokens": 1, "total_tokens": 0}
        return self._answer(
            200,
            {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice], "usage": usage},
        )

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = (json.dumps(content) if self.server.whole is None else self.server.whole).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "0.01")
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[JudgeServer]:
    server = JudgeServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("DRAGOMAN_OPENAI_RETRIES", "1")
    monkeypatch.setenv("DRAGOMAN_OPENAI_REQUESTS_PER_MINUTE", "60000")
    monkeypatch.setenv("DRAGOMAN_OPENAI_PRICE_OUT", "1000000")  # an answer costs 1
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def triple() -> Callable[..., Triple]:
    """Makes a triple of a source and a hypothesis."""

    def make(source: str, hypothesis: str, pair: str = "en-de", reference: str | None = None) -> Triple:
        return Triple(Pair.parse(pair), source, hypothesis, reference)

    return make
