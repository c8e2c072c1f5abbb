"""The token of a server without users: whoever has it may do everything, and nobody else anything.

`dragoman ui` makes one for each start, as Jupyter does, and prints it once, in the address to open. A browser exchanges
it for a cookie; a program sends it as `Authorization: Bearer TOKEN`, as MLflow's clients do with
`MLFLOW_TRACKING_TOKEN`. It reaches the server in the variable of the setting `ui_token`, so no list of processes
shows it.
"""

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel
from werkzeug.http import parse_cookie

from dragoman.errors import DragomanError
from dragoman.reading import ReadingError, read_bytes
from dragoman.settings import Settings

PARAMETER = "token"
"""Name of the parameter in the address, and of the scheme that Jupyter's clients send."""


class _Announced(BaseModel):
    """What a running server says of itself in its home."""

    url: str
    token: str | None
    pid: int


SHORTEST = 16
"""Least characters of a token that somebody chooses: one that can be guessed protects nothing."""


class TokenError(DragomanError):
    """A token that would protect nothing."""


def chosen(settings: Settings) -> str | None:
    """The token of the settings, if they have one.

    Raises:
        TokenError: it is too short.
    """
    token = settings.ui_token.get_secret_value()
    if token and len(token) < SHORTEST:
        raise TokenError(
            f"The setting ui_token has fewer than {SHORTEST} characters: take a longer one, such as "
            "`openssl rand -hex 32` prints, or unset it to have one made at each start."
        )
    return token or None


def made() -> str:
    """A new token: 256 random bits."""
    return secrets.token_hex(32)


def cookie_name(port: int) -> str:
    """Name of the cookie; browsers send the cookies of a host to all its ports, so each server has one of its own."""
    return f"dragoman-ui-{port}"


def cookie_value(token: str, port: int) -> str:
    """What the cookie holds: proof of the token, for this port alone, from which the token can't be had."""
    return hmac.new(token.encode(), f"cookie of dragoman ui at port {port}".encode(), hashlib.sha256).hexdigest()


def is_shown(token: str, port: int, authorization: str, cookies: str) -> bool:
    """Whether a request shows the token: in its header `Authorization`, or by its cookie."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() in ("bearer", PARAMETER) and is_it(token, given.strip()):
        return True
    return is_it(cookie_value(token, port), parse_cookie(cookies).get(cookie_name(port), ""))


def is_it(token: str, given: str) -> bool:
    """Whether what was given is the token; takes as long for one that is nearly right as for any other."""
    return hmac.compare_digest(token.encode(), given.encode(errors="replace"))


def taken_from(query: bytes) -> tuple[str | None, bytes]:
    """The token in a query, and the query without it, in which no log finds it."""
    if PARAMETER.encode() not in query:
        return None, query
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
    given = next((value for name, value in pairs if name == PARAMETER), None)
    if given is None:
        return None, query
    return given, urlencode([pair for pair in pairs if pair[0] != PARAMETER]).encode("latin-1")


def link(page: str, token: str | None) -> str:
    """The address of a page with the token, where there is one."""
    if not token:
        return page
    return f"{page}{'&' if urlsplit(page).query else '?'}{urlencode({PARAMETER: token})}"


class RunningServer(NamedTuple):
    """A server of a home that runs, as it announced itself."""

    url: str
    """Its address."""
    token: str | None
    """Its token, if it has one."""
    port: int
    """Its port."""


def running(home: Path) -> RunningServer | None:
    """The server of a home that was started last and runs; None where none does."""
    known = sorted(home.resolve().glob("ui-*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in known:
        try:
            said = _Announced.model_validate_json(read_bytes(file))
            os.kill(said.pid, 0)
        except (OSError, ValueError, ReadingError):  # it ended, and could not take its file with it
            continue
        return RunningServer(said.url, said.token, urlsplit(said.url).port or 80)
    return None


def leading_to(home: Path, page: str, server: RunningServer) -> str:
    """The address of a file that leads a browser to a page of a running server, with the token; `announced` says why.

    It goes when the server ends.
    """
    if not server.token:
        return page
    opened = home.resolve() / f"ui-{server.port}-page.html"
    _write(opened, _leading_to(link(page, server.token)))
    return opened.as_uri()


@contextmanager
def announced(home: Path, page: str, token: str | None) -> Iterator[str]:
    """Keep the address and token of a running server in its home, readable by its user alone, for as long as it runs.

    Tools of the same user find them in `ui-PORT.json`. A browser is sent to `ui-PORT.html`, whose address is returned
    and which leads on: on a browser's command line every user of the machine could read the token.

    Args:
        home: the home that is served.
        page: the address of the page to open.
        token: the token, if the server has one.
    """
    parts = urlsplit(page)
    known, opened = (home.resolve() / f"ui-{parts.port}.{kind}" for kind in ("json", "html"))
    there = {"url": f"{parts.scheme}://{parts.netloc}", "token": token, "pid": os.getpid()}
    try:
        _write(known, json.dumps(there) + "\n")
        _write(opened, _leading_to(link(page, token)))
        yield opened.as_uri() if token else page
    finally:
        for file in (known, opened, opened.with_name(f"ui-{parts.port}-page.html")):
            file.unlink(missing_ok=True)


def _leading_to(address: str) -> str:
    to = escape(address)
    return f'<!doctype html><meta http-equiv="refresh" content="0; url={to}"><a href="{to}">Open</a>\n'


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)
    draft.replace(file)
