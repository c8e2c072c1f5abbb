"""One question to a server: its status, its words, and its clock."""

import urllib.error
import urllib.request
from typing import NamedTuple

PATIENCE = 10
"""Seconds a server may take to answer."""


class Answer(NamedTuple):
    """What came back; status 0 is nothing."""

    status: int
    text: str
    date: str | None = None
    """The server's clock, as its header has it."""


def ask(url: str, authorization: str | None = None) -> Answer:
    """GET a page; whatever goes wrong is an answer too."""
    try:
        request = urllib.request.Request(url, headers={"Authorization": authorization} if authorization else {})  # noqa: S310
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return Answer(answer.status, answer.read(10_000).decode(errors="replace"), answer.headers["Date"])
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(10_000).decode(errors="replace"), error.headers["Date"])
    except (OSError, ValueError) as error:
        return Answer(0, str(getattr(error, "reason", error)))
