"""Allow-list of the server's routes, as `routes.toml` has it: who may ask for what, and what nobody may."""

import tomllib
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Access(StrEnum):
    """Who may ask for a route; each may ask for what those before may."""

    OPEN = "open"
    """Everyone who reaches the server, without signing in."""
    VIEWER = "viewer"
    """Everyone signed in; MLflow's READ, where it asks for it."""
    SUBMITTER = "submitter"
    """MLflow's EDIT on the experiment or the model in question."""
    PROMOTER = "promoter"
    """MLflow's MANAGE on it."""
    ADMIN = "admin"
    """An administrator of MLflow."""
    SHUT = "shut"
    """Nobody, always."""

    def answer(self, who: str) -> int | None:
        """The status of the refusal that somebody gets, one of `ASKING` or `ASKING_A_TOKEN`; None if there is none."""
        if self is Access.SHUT:
            return 403
        if self is Access.OPEN or who == ASKING_A_TOKEN[1]:
            return None
        if who in (ASKING[0], ASKING_A_TOKEN[0]):
            return 401
        return None if list(Access).index(Access(who)) >= list(Access).index(self) else 403


ASKING = ("anonymous", "viewer", "submitter", "promoter", "admin")
"""Who may ask a server with users."""

ASKING_A_TOKEN = ("another local user", "whoever has the token")
"""Who may ask `dragoman ui`."""


class Group(NamedTuple):
    """Routes of one purpose."""

    purpose: str
    """What they are for; of those that are shut, the reason, as it is told to whoever asks."""
    access: Access
    """Who may ask for them."""
    routes: tuple[tuple[str, str], ...]
    """Method and path of each, as `route_table.Route` names them."""


@cache
def groups() -> tuple[Group, ...]:
    """The whole list, in its order."""
    written = tomllib.loads(files(__package__).joinpath("routes.toml").read_text(encoding="utf-8"))
    return tuple(
        Group(each["purpose"], Access(each["access"]), tuple(_routes(each["routes"]))) for each in written["group"]
    )


@cache
def group_of() -> dict[tuple[str, str], Group]:
    """The group of each method and path."""
    return {route: group for group in groups() for route in group.routes}


def _routes(lines: str) -> list[tuple[str, str]]:
    parted = [line.split() for line in lines.splitlines()]
    return [(method, path) for methods, path in parted for method in methods.split(",")]
