"""A worker that scores by lengths, for tests of what asks it."""

import os
import signal
from collections.abc import Iterator
from typing import Any

from dragoman.environments.workers.channel import Missing, Refusal


class Worker:
    packages = ("packaging",)

    def answers(self, kind: str, body: Any) -> Iterator[Any]:
        if kind == "load":
            self._checkpoint = body["wanted"]["checkpoint"]
            if self._checkpoint == "gated" and not body["wanted"]["may_fetch"]:
                raise Missing(f"gated is not here: {body['wanted']['terms']}")
            if self._checkpoint == "wrong":
                raise Refusal("wrong is no checkpoint.")
            yield {"hash": "0123456789abcdef0123", "class": "Lengths", "encoder": self._checkpoint}
            return
        if self._checkpoint == "mortal":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._checkpoint == "greedy":
            raise MemoryError
        if body["references"] is not None and "refused" in body["references"]:
            raise Refusal("That reference is refused.")
        yield {"scored": 0}
        scores = [len(text) / 10 for text in body["hypotheses"]]
        yield {"scores": scores, "spans": [[[0, 1, "minor", 0.5]] if text else [] for text in body["hypotheses"]]}
