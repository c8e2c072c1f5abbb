"""`dragoman ui`, which starts MLflow with Dragoman's pages on the settings' stores, and `dragoman open`."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.parse import urlencode

import typer

from dragoman import telemetry
from dragoman.cli.arguments import LatestGridArgument, chosen_latest
from dragoman.cli.groups import Group, grouped
from dragoman.redaction import remember
from dragoman.scratch_folder import temporary_folder
from dragoman.settings import Settings, origin, settings, variable
from dragoman.store.maintenance.relocation import settle_home
from dragoman.terminal import say
from dragoman.tracking.mlflow_database import prepare
from dragoman.watchdog import Watchdog
from dragoman_ui.app import PAGES, ServerError
from dragoman_ui.auth import access_token
from dragoman_ui.auth.hosts import LOOPBACK, is_private
from dragoman_ui.viewmodels.store import open_store

PATIENCE = 180
"""Seconds the server may take to answer; on a busy machine MLflow needs most of a minute."""

_NO_MODULES = Path(__file__).with_name("static")
"""Folder that the server puts first on its import path, instead of the current folder, whose files are ignored."""


UNGUARDED = (
    "There is no token: whoever reaches this address reads everything and writes to MLflow, every user of this machine "
    "among them."
)
"""Warning of a server without token."""

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Local address of a server that listens at every address."""


@grouped(Group.RESULTS)
def ui(
    port: Annotated[int, typer.Option(help="Port to listen at.", min=1, max=65535)] = 5000,
    host: Annotated[str, typer.Option(help="Address to listen at; by default only this machine can reach it.")] = (
        "127.0.0.1"
    ),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser when it answers.")] = True,
    has_token: Annotated[
        bool,
        typer.Option(
            "--token/--no-token",
            help="Ask for a token, by default; without, whoever reaches the port reads, and writes to MLflow: for a "
            "server behind a proxy at which people sign in.",
        ),
    ] = True,
) -> None:
    """Serve MLflow with Dragoman's pages beside it, on the stores of the settings. Ctrl-C stops it.

    Only who opens the address that is printed, with its token, may read and write. Programs send the token as
    MLFLOW_TRACKING_TOKEN, and find it in `ui-PORT.json` in the home; the setting ui_token chooses it. Reachable from
    other machines (--host 0.0.0.0) it needs their names for it in MLFLOW_SERVER_ALLOWED_HOSTS.

    Examples: dragoman ui · dragoman ui --port 8080 --no-browser
    """
    check(settings(), host, port)
    log = settings().home / "ui.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    asked = _HERE.get(host, host)
    address = f"http://{'localhost' if asked == '127.0.0.1' else in_url(asked)}:{port}"
    page = f"{address}{PAGES}/"
    token = access_token.chosen(settings()) or (access_token.made() if has_token else None)
    if token and not has_token:
        raise ServerError(f"--no-token, but the setting ui_token has one (from {origin('ui_token')}): unset it first.")
    if token:
        remember(token)
    watchdog = Watchdog(temporary_folder())
    with log.open("w", encoding="utf-8") as file:
        server = subprocess.Popen(  # noqa: S603
            command(settings(), host, port),
            stdout=file,
            stderr=file,
            env=environment(settings(), host, token) | watchdog.environment | {"TMPDIR": str(watchdog.folder)},
            start_new_session=True,
        )
    for ending in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal must not leave the server behind
        signal.signal(ending, signal.default_int_handler)
    try:
        typer.echo("Starting MLflow with Dragoman's pages ...")
        wait_until_healthy(server, f"http://{in_url(asked)}:{port}/health", log)
        with access_token.announced(settings().home, page, token) as opened:
            typer.echo(f"Dragoman's pages: {access_token.link(page, token)}\nMLflow:           {address}/")
            typer.echo("Ctrl-C stops both." if token else f"{UNGUARDED}\nCtrl-C stops both.")
            if browser:
                webbrowser.open(opened)
            server.wait()
        raise ServerError(f"The server ended by itself, with code {server.returncode}: {log} says why.")
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    finally:
        stop(server)
        watchdog.close()


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


def check(settings: Settings, host: str, port: int) -> None:
    """Check that there is a store to serve and that the port is free.

    Raises:
        StoreError: there is no results store.
        ServerError: MLflow has a server of its own, or the port is taken.
    """
    open_store()
    settle_home(settings)
    if settings.mlflow_url.startswith(("http://", "https://")):
        raise ServerError(
            f"MLflow is kept by the server at {settings.mlflow_url}: have that one started with "
            "`mlflow server --app-name dragoman`, and it has these pages."
        )
    prepare(settings.mlflow_url)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise ServerError(
                f"Nothing can be served at {in_url(host)}:{port} ({error.strerror}): choose another with --port or "
                "--host."
            ) from error


def command(settings: Settings, host: str, port: int) -> list[str]:
    """The command line of the server: one worker, as several are slow to start and share no caches.

    Others on this machine see it: what may hold a password is in the environment.
    """
    options = shlex.join(["--app-dir", str(_NO_MODULES), "--log-level", "warning"])
    return [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--app-name",
        "dragoman",
        "--artifacts-destination",
        settings.artifacts_dir.as_uri(),
        "--host",
        host,
        "--port",
        str(port),
        "--workers",
        "1",
        "--uvicorn-opts",
        options,
    ]


def environment(settings: Settings, host: str = "127.0.0.1", token: str | None = None) -> dict[str, str]:
    """The environment of the server: this process's, with MLflow's database, and its job runner and telemetry off.

    Args:
        settings: where MLflow's database is.
        host: the address to listen at; a name is one that requests may use.
        token: the token to ask for; None asks for none.
    """
    ours = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONSAFEPATH": "1"}
    if not is_private(in_url(host)):
        names = [in_url(name) for name in (*LOOPBACK, host)]
        with_ports = [f"{name.replace('[', '[[]', 1)}:*" for name in names]  # patterns of MLflow's
        ours["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join([*names, *with_ports])
    given = {"MLFLOW_BACKEND_STORE_URI": settings.mlflow_url, variable("ui_token"): token or ""}
    return telemetry.OFF | ours | os.environ | given


def wait_until_healthy(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Wait until the server answers.

    Raises:
        ServerError: it ended, or did not answer in time.
    """
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        if server.poll() is not None:
            raise ServerError(f"The server ended with code {server.returncode} before it answered: {log} says why.")
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise ServerError(f"The server did not answer within {PATIENCE} seconds: {log} may say why.")


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End the server and every process it started."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def in_url(host: str) -> str:
    """A host as written in a URL: an address of IPv6 in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host
