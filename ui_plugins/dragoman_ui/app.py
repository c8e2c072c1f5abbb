"""MLflow's server with Dragoman's pages, behind one door: entry points of the group `mlflow.app`."""

import logging
import os
from collections.abc import Callable
from typing import Any

from flask import Flask

from dragoman import telemetry
from dragoman.api import API_PREFIX
from dragoman.errors import DragomanError
from dragoman.redaction.process import mask_output
from dragoman.settings import settings
from dragoman_ui.api.scores import api
from dragoman_ui.auth import access_token, headers
from dragoman_ui.auth.artifact_guard import guard_artifacts
from dragoman_ui.auth.middleware import AccessMiddleware
from dragoman_ui.auth.registry_guard import guard_registry
from dragoman_ui.auth.route_table import RouteTable
from dragoman_ui.auth.users import WITH_TOKEN
from dragoman_ui.mlflow_page import set_preferences
from dragoman_ui.pages import pages

PAGES = "/dragoman"
"""URL prefix of the pages, below MLflow's static prefix."""


class ServerError(DragomanError):
    """A server that can't be started here."""


def register(app: Flask, prefix: str = "") -> None:
    """Register the blueprints of the pages and their API on a Flask app.

    Args:
        app: MLflow's Flask app, or any other.
        prefix: the path below which this server is mounted, such as ``/mlflow``.
    """
    app.register_blueprint(pages, url_prefix=prefix + PAGES)
    app.register_blueprint(api, url_prefix=prefix + API_PREFIX)


def create_app() -> AccessMiddleware:
    """The server of `dragoman ui` and of `mlflow server --app-name dragoman`: nobody signs in.

    With the setting `ui_token` whoever shows the token may do everything, and nobody else anything. Without it everyone
    who reaches the server may read, and log to MLflow; our own writes are accepted from this machine only.
    """
    mask_output()
    _turn_off_telemetry()
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    token = access_token.chosen(settings())
    app.config[WITH_TOKEN] = token is not None
    register(app, _static_prefix())
    set_preferences(app, _static_prefix())
    if token is None:
        logging.getLogger(__name__).warning(
            "Nobody signs in here, and no token is asked for: everyone who reaches this server reads it and writes to "
            "MLflow. `dragoman ui` has a token, and so has this server with DRAGOMAN_UI_TOKEN; `--app-name "
            "dragoman-auth` has users."
        )
    return _behind_the_door(create_fastapi_app(app), app, token)


def create_app_with_users() -> AccessMiddleware:
    """The server of `mlflow server --app-name dragoman-auth`: MLflow's users sign in.

    All of them may read; writes need MLflow's permissions.

    MLflow's basic authentication is configured as for its own app `basic-auth`: `MLFLOW_FLASK_SERVER_SECRET_KEY` and
    `MLFLOW_AUTH_ADMIN_PASSWORD` must be set.
    """
    mask_output()
    _turn_off_telemetry()
    os.environ.setdefault("MLFLOW_BASIC_AUTH_FAIL_CLOSED", "true")  # what MLflow has no rule for, nobody may
    from mlflow.server import app
    from mlflow.server.auth import create_app as with_users

    register(app, _static_prefix())
    set_preferences(app, _static_prefix())
    headers.admit_users(app, pages, api)
    return _behind_the_door(with_users(app), app, None)


def _behind_the_door(served: Any, app: Flask, token: str | None) -> AccessMiddleware:
    """A server of MLflow's behind the allow-list of routes, with guarded stores.

    Raises:
        ServerError: it is none that the list can be put before.
    """
    if isinstance(served, Flask):  # what MLflow starts with --gunicorn-opts or --waitress-opts
        raise ServerError(
            "Dragoman's pages need MLflow's default server: leave out --gunicorn-opts and --waitress-opts."
        )
    guard_registry()
    guard_artifacts()
    return AccessMiddleware(served, RouteTable(served, app, _static_prefix()), token)


def _turn_off_telemetry() -> None:
    """Turn off MLflow's telemetry, of the server and its pages, also where MLflow was imported before."""
    telemetry.turn_off()
    from mlflow import telemetry as reports

    begin: Callable[[], None] = reports.set_telemetry_client
    begin()


def _static_prefix() -> str:
    from mlflow.server.handlers import _add_static_prefix

    return str(_add_static_prefix(""))
