"""Flask apps of the MLflow server with Dragoman's blueprints: entry points of the group `mlflow.app`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Flask

from dragoman import telemetry
from dragoman.api import API_PREFIX
from dragoman.redaction.process import mask_output
from dragoman_ui.api.scores import api
from dragoman_ui.auth import headers
from dragoman_ui.auth.registry_guard import guard_registry
from dragoman_ui.pages import pages

if TYPE_CHECKING:
    from fastapi import FastAPI

PAGES = "/dragoman"
"""URL prefix of the pages, below MLflow's static prefix."""


def register(app: Flask, prefix: str = "") -> None:
    """Register the blueprints of the pages and their API on a Flask app.

    Args:
        app: MLflow's Flask app, or any other.
        prefix: the path below which this server is mounted, such as ``/mlflow``.
    """
    app.register_blueprint(pages, url_prefix=prefix + PAGES)
    app.register_blueprint(api, url_prefix=prefix + API_PREFIX)


def create_app() -> "FastAPI":
    """The server of `mlflow server --app-name dragoman`: everyone who reaches it may read.

    Writes are accepted from this machine only.
    """
    mask_output()
    _turn_off_telemetry()
    from mlflow.server import app
    from mlflow.server.fastapi_app import create_fastapi_app

    register(app, _static_prefix())
    guard_registry()
    served: FastAPI = create_fastapi_app(app)
    return served


def create_app_with_users() -> Any:
    """The server of `mlflow server --app-name dragoman-auth`: MLflow's users sign in.

    All of them may read; writes need MLflow's permissions.

    MLflow's basic authentication is configured as for its own app `basic-auth`: `MLFLOW_FLASK_SERVER_SECRET_KEY` and
    `MLFLOW_AUTH_ADMIN_PASSWORD` must be set.
    """
    mask_output()
    _turn_off_telemetry()
    from mlflow.server import app
    from mlflow.server.auth import create_app as with_users

    register(app, _static_prefix())
    headers.admit_users(app, pages, api)
    guard_registry()
    return with_users(app)


def _turn_off_telemetry() -> None:
    """Turn off MLflow's telemetry, of the server and its pages, also where MLflow was imported before."""
    telemetry.turn_off()
    from mlflow import telemetry as reports

    begin: Callable[[], None] = reports.set_telemetry_client
    begin()


def _static_prefix() -> str:
    from mlflow.server.handlers import _add_static_prefix

    return str(_add_static_prefix(""))
