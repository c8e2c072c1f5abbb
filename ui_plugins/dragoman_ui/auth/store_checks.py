"""Checks before a change of MLflow's stores, in the server's process (private names of `mlflow.server.handlers`).

Wrapping the stores, and not single routes, covers every interface of the server (REST, Python client, MLflow's pages),
and requests are parsed once, by MLflow.
"""

from collections.abc import Callable
from typing import Any, Literal

Check = Callable[..., None]
"""Has the name and parameters of the store's method that it precedes, and raises where that may not happen."""


def check_stores(kind: Literal["tracking", "model_registry"], guarded: Callable[[Any], Any]) -> None:
    """Have a function wrap every store of a kind that this process's server opens, or has opened."""
    from mlflow.server import handlers

    registry: Any = getattr(handlers, f"_{kind}_store_registry")
    make = registry.get_store
    registry.get_store = lambda *uris, **named: guarded(make(*uris, **named))
    if (opened := getattr(handlers, f"_{kind}_store")) is not None:
        guarded(opened)


def precede(store: Any, *checks: Check) -> Any:
    """Have each check run before the store's method of its name; returns the store."""
    for check in checks:
        setattr(store, check.__name__, _after(check, getattr(store, check.__name__)))
    return store


def _after(check: Check, change: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*arguments: Any, **named: Any) -> Any:
        check(*arguments, **named)
        return change(*arguments, **named)

    return checked
