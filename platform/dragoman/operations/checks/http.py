"""HTTP client of the checks: one GET with its status, body and the server's clock."""

import urllib.error
import urllib.request
from typing import NamedTuple

PATIENCE = 10
"""Seconds a server may take to answer."""


class Answer(NamedTuple):
    """A response; status 0 where there was none."""

    status: int
    text: str
    date: str | None = None
    """The server's clock, from the `Date` header."""


def ask(url: str, authorization: str | None = None) -> Answer:
    """GET a page; an error is returned as an answer too."""
    try:
        request = urllib.request.Request(url, headers={"Authorization": authorization} if authorization else {})  # noqa: S310
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            return Answer(answer.status, answer.read(10_000).decode(errors="replace"), answer.headers["Date"])
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read(10_000).decode(errors="replace"), error.headers["Date"])
    except (OSError, ValueError) as error:
        return Answer(0, str(getattr(error, "reason", error)))
