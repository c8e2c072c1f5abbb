"""`dragoman open`: a grid's page of the server that runs, in a browser."""

import webbrowser
from typing import Annotated
from urllib.parse import urlencode

import typer

from dragoman.cli.arguments import LatestGridArgument, chosen_latest, open_store
from dragoman.cli.groups import Group, grouped
from dragoman.settings import settings
from dragoman.terminal import say
from dragoman_ui.app import PAGES, ServerError
from dragoman_ui.auth import access_token


@grouped(Group.RESULTS)
def open_(
    grid: LatestGridArgument = None,
    only_print: Annotated[bool, typer.Option("--print", help="Print the address alone, and open no browser.")] = False,
) -> None:
    """Open a grid's page of the running server in a browser; where there is no browser, print its address.

    The server is the one of `dragoman ui` for this home, or the one that keeps MLflow.

    Examples: dragoman open · dragoman open demo · dragoman open demo --print
    """
    store, place = open_store(), settings()
    name = store.grids.get(grid).name if grid else chosen_latest(store)
    path = f"{PAGES}/grid?{urlencode({'grid': name})}"
    if place.mlflow_url.startswith(("http://", "https://")):
        _show(address := f"{place.mlflow_url.rstrip('/')}{path}", address, only_print)
        return
    server = access_token.running(place.home)
    if server is None:
        raise ServerError(f"No server of {place.home} is running: start one with `dragoman ui`, and do this again.")
    page = f"{server.url}{path}"
    opened = page if only_print else access_token.leading_to(place.home, page, server)
    _show(access_token.link(page, server.token), opened, only_print)


def _show(address: str, opened: str, only_print: bool) -> None:
    """Open a browser at an address, and print the other where there is none."""
    try:
        has_browser = not only_print and webbrowser.open(opened)
    except webbrowser.Error:
        has_browser = False
    say(f"Opened {address.partition('?token=')[0].partition('&token=')[0]} in the browser." if has_browser else address)
