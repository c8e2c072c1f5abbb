"""The routes that a server really has, MLflow's and ours, read from its FastAPI app and the Flask app inside it.

A request is resolved by the patterns that the two apps dispatch by themselves, so a path that reaches a route in an odd
spelling is judged as that route, and none can be judged as one and served by another.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from flask import Flask
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

_API = re.compile(r"^/(?:ajax-)?api/")
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}|<(?:[^<>:]+:)?(\w+)>")
_ANY = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """One method of one route."""

    method: str
    """The HTTP method; HEAD counts as GET."""
    template: str
    """The path as the app declares it, with the server's static prefix."""
    path: str
    """The same as the allow-list names it: without prefix, `/api` or `/ajax-api`, parameters in `<>`."""


class NoRouteError(LookupError):
    """Nothing is served at a path."""


class NoMethodError(LookupError):
    """Something is served at a path, but not for this method."""


class RouteTable:
    """The routes of a server.

    Args:
        app: the FastAPI app.
        flask: the Flask app that it passes on to whatever is none of its own.
        prefix: the static prefix of both.
    """

    def __init__(self, app: Any, flask: Flask, prefix: str = "") -> None:
        self._native = [_Native.of(route) for each in app.routes for route in _leaves(each)]
        self._flask = flask
        self.prefix = prefix

    def __iter__(self) -> Iterator[Route]:
        """Every method of every route, HEAD and OPTIONS apart."""
        for native in self._native:
            yield from (self._route(method, native.template) for method in sorted(native.methods))
        for rule in self._flask.url_map.iter_rules():
            yield from (self._route(method, rule.rule) for method in sorted(rule.methods or set()) if method in _ANY)

    def resolve(self, method: str, path: str) -> Route:
        """The route that the server will dispatch a request to.

        Args:
            method: the HTTP method.
            path: the decoded path, as the server dispatches by it.

        Raises:
            NoRouteError: there is none.
            NoMethodError: there is none for the method.
        """
        for native in self._native:
            if method in native.methods and native.pattern.match(path):
                return self._route(method, native.template)
        method = "GET" if method == "HEAD" else method
        try:
            return self._route(method, self._rule(method, path))
        except MethodNotAllowed:
            raise NoMethodError(path) from None
        except NotFound:
            others = any(native.pattern.match(path) for native in self._native)
            raise (NoMethodError if others else NoRouteError)(path) from None

    def _rule(self, method: str, path: str) -> str:
        """The rule of Flask's that matches; where Flask redirects, the one at the end of it."""
        adapter = self._flask.url_map.bind("localhost")
        try:
            return str(adapter.match(path, method, return_rule=True)[0].rule)
        except RequestRedirect as redirect:
            path = unquote(urlsplit(redirect.new_url).path)
            return str(adapter.match(path, method, return_rule=True)[0].rule)

    def _route(self, method: str, template: str) -> Route:
        path = template
        if self.prefix and path.startswith(f"{self.prefix}/"):
            path = path.removeprefix(self.prefix)
        return Route(method, template, _PARAMETER.sub(r"<\1\2>", _API.sub("", path)))


class _Native(NamedTuple):
    """A route of FastAPI's own."""

    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, route: Any) -> "_Native":
        # a websocket has no methods: it is listed as one, so that it is seen, and resolves to nothing
        return cls(route.path_format, frozenset(route.methods or {"WEBSOCKET"}), route.path_regex)


def _leaves(route: Any) -> Iterator[Any]:
    """The routes in a router that was included; the mount of the Flask app has none of its own."""
    if hasattr(route, "effective_route_contexts"):
        for each in route.effective_route_contexts():
            yield getattr(each, "starlette_route", None) or each
    elif hasattr(route, "path_format") and hasattr(route, "methods"):
        yield route
    elif getattr(route, "path", None) != "":
        raise TypeError(f"A route of an unknown kind: {route!r}.")
