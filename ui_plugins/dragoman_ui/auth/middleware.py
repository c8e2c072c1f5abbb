"""The one door of the server: an ASGI middleware before MLflow's FastAPI routes and its Flask app alike.

A request passes if its Host and path are as they should be, the route it leads to is on the allow-list and not shut, no
page of another site sends it, and, where the server has a token, it shows it. MLflow's permissions and our roles then
decide about what is behind the door.
"""

import json
import re
from collections.abc import Callable
from html import escape
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from dragoman_ui.auth import access_token, hosts
from dragoman_ui.auth.route_table import NoMethodError, NoRouteError, Route, RouteTable
from dragoman_ui.auth.routes import Access, Group, group_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""Methods that routes have, with HEAD and OPTIONS, which are answered for them."""

READS = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

_PLAIN = "/health"
"""The path of probes, which call a server by its address: asked for under any Host, as MLflow allows."""

_ODD = re.compile(r"//|/\.{1,2}(?:/|$)|\\|[\x00-\x1f\x7f]|%(?:2e|2f|5c|25|0[0-9a-d])", re.IGNORECASE)
"""What no path of ours or MLflow's has once it is decoded: empty and dotted parts, and parts that are encoded twice."""

_ERRORS = {
    HTTPStatus.BAD_REQUEST: "INVALID_PARAMETER_VALUE",
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.FORBIDDEN: "PERMISSION_DENIED",
    HTTPStatus.NOT_FOUND: "ENDPOINT_NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "ENDPOINT_NOT_FOUND",
}
"""MLflow's names of the errors, which its clients know."""

_LATER = """<!doctype html>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={url}">
<title>Dragoman</title>
<p><a href="{url}">Continue</a></p>
"""
"""Leads on from the address with the token. A redirect would not do: a browser that another program or page has sent
here would follow it without the cookie, which is `SameSite=Strict`."""


class Refusal(NamedTuple):
    """Why a request does not pass."""

    status: HTTPStatus
    sentence: str


class AccessMiddleware:
    """Lets through what may pass, and answers the rest with a sentence.

    Args:
        app: the ASGI app behind.
        table: its routes.
        token: what a request has to show; None where MLflow's users sign in, or nobody does.
    """

    def __init__(self, app: Callable[..., Any], table: RouteTable, token: str | None = None) -> None:
        self._app = app
        self.table = table
        self._token = token

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "There are no websockets here."})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            given = None
            if self._token is not None:  # taken out in place: the access log is written from the scope
                given, scope["query_string"] = access_token.taken_from(scope["query_string"])
            refusal = self._refusal(scope, given)
            if refusal is not None:
                await _answer(send, refusal, _is_api(scope["path"]))
            elif given is not None and self._token is not None and _is_visit(scope):
                await self._exchange(scope, send, self._token)
            else:
                await self._app(scope, receive, send)

    def _refusal(self, scope: dict[str, Any], given: str | None) -> Refusal | None:
        method, path = scope["method"], scope["path"]
        named = _headers(scope, b"host")
        if path.removeprefix(self.table.prefix) != _PLAIN and (fault := hosts.host_fault(named)):
            return Refusal(HTTPStatus.FORBIDDEN, fault)
        if method not in METHODS:
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"Nothing here has the method {hosts.shown(method)}.")
        if _ODD.search(path):
            return Refusal(
                HTTPStatus.BAD_REQUEST, "The path has empty, dotted or doubly encoded parts: write it plain."
            )
        if any(
            _leads_out(value) for name, value in parse_qsl(scope["query_string"].decode("latin-1")) if name == "path"
        ):
            return Refusal(
                HTTPStatus.BAD_REQUEST, "The path of an artifact is relative, without empty or dotted parts."
            )
        try:
            group = self._group(method, path.removeprefix(scope.get("root_path", "")))
        except NoRouteError:
            return Refusal(HTTPStatus.NOT_FOUND, "Nothing is served at this address.")
        except NoMethodError:
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"This address has no {method}.")
        if group is None:
            return Refusal(HTTPStatus.FORBIDDEN, "This route of MLflow's is not on the list of those that are served.")
        if group.access is Access.SHUT:
            return Refusal(HTTPStatus.FORBIDDEN, f"This is shut for everybody: {group.purpose}.")
        origin, site = _header(scope, b"origin"), _header(scope, b"sec-fetch-site")
        if fault := hosts.origin_fault(origin, None if method in READS else site, "".join(named)):
            return Refusal(HTTPStatus.FORBIDDEN, fault)
        if group.access is Access.OPEN or self._token is None or self._is_known(scope, given, self._token):
            return None
        return Refusal(
            HTTPStatus.UNAUTHORIZED,
            "This server asks for its token: open the address that `dragoman ui` printed, or send the token as "
            "`Authorization: Bearer TOKEN` (MLflow's clients do where MLFLOW_TRACKING_TOKEN has it).",
        )

    def _group(self, method: str, path: str) -> Group | None:
        """The group on the list that a request's route belongs to; of OPTIONS, the first of the path's that serves."""
        if method != "OPTIONS":
            return _listed(self.table.resolve(method, path))
        found: list[Group | None] = []
        for each in METHODS[:-1]:
            try:
                found.append(_listed(self.table.resolve(each, path)))
            except NoMethodError:
                continue
        served = [group for group in found if group is not None and group.access is not Access.SHUT]
        return served[0] if served else next(iter(found), None)

    def _is_known(self, scope: dict[str, Any], given: str | None, token: str) -> bool:
        if given is not None and access_token.is_it(token, given):
            return True
        sent, cookies = _header(scope, b"authorization") or "", "; ".join(_headers(scope, b"cookie"))
        return access_token.is_shown(token, _port(scope), sent, cookies)

    async def _exchange(self, scope: dict[str, Any], send: Callable[..., Any], token: str) -> None:
        """Give a browser the cookie, and lead it to the page that it wanted."""
        query = scope["query_string"].decode("latin-1")
        url = escape(f"{quote(scope['path'])}{f'?{query}' if query else ''}")
        port = _port(scope)
        cookie = f"{access_token.cookie_name(port)}={access_token.cookie_value(token, port)}; Path=/; HttpOnly; "
        cookie += "SameSite=Strict" + ("; Secure" if scope["scheme"] == "https" else "")
        body = _LATER.format(url=url).encode()
        await _send(send, HTTPStatus.OK, "text/html; charset=utf-8", body, {"Set-Cookie": cookie})


def _leads_out(path: str) -> bool:
    """Whether an artifact's path, which queries have as `path`, could lead out of a run."""
    return bool(_ODD.search(f"/{path}") or re.match(r"\w+:/", path))


def _listed(route: Route) -> Group | None:
    return group_of().get((route.method, route.path))


def _is_api(path: str) -> bool:
    return "/api/" in path or "/ajax-api/" in path or path.endswith("/graphql")


def _is_visit(scope: dict[str, Any]) -> bool:
    """Whether a browser opens a page, and no program asks."""
    return scope["method"] == "GET" and "text/html" in (_header(scope, b"accept") or "")


def _port(scope: dict[str, Any]) -> int:
    return int((scope.get("server") or ("", 0))[1] or 0)


def _headers(scope: dict[str, Any], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _header(scope: dict[str, Any], name: bytes) -> str | None:
    return next(iter(_headers(scope, name)), None)


async def _answer(send: Callable[..., Any], refusal: Refusal, is_api: bool) -> None:
    status, sentence = refusal
    if is_api:
        body = json.dumps({"error_code": _ERRORS[status], "message": sentence}).encode()
        await _send(send, status, "application/json", body, {})
    else:
        await _send(send, status, "text/plain; charset=utf-8", f"{sentence}\n".encode(), {})


async def _send(
    send: Callable[..., Any], status: HTTPStatus, media_type: str, body: bytes, more: dict[str, str]
) -> None:
    headers = {
        "Content-Type": media_type,
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        **more,
    }
    sent = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": int(status), "headers": sent})
    await send({"type": "http.response.body", "body": body})
