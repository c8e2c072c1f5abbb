"""Users and roles, from MLflow's authentication and permissions (private names of `mlflow.server.auth`)."""

import ipaddress
import sys
from typing import Any

from flask import current_app, g, has_request_context, request

from dragoman.analysis.campaigns import campaign_of
from dragoman.errors import DragomanError
from dragoman.settings import settings
from dragoman_registry.promotion.roles import Role, of_permission
from dragoman_ui.viewmodels.store import open_store

WITH_USERS = "DRAGOMAN_WITH_USERS"
"""Key of a Flask app's configuration: whether MLflow's authentication is in force."""

WITH_TOKEN = "DRAGOMAN_WITH_TOKEN"  # noqa: S105
"""Key of a Flask app's configuration: whether every request has shown the server's token."""


class ForbiddenError(DragomanError):
    """The user lacks the permission."""


def who() -> str:
    """Name of the user: as authenticated by MLflow, else the address of the request."""
    if not has_request_context():
        return "this server"
    return signed_in() or f"anonymous at {request.remote_addr}"


def signed_in() -> str | None:
    """The name of the user MLflow has authenticated, if it has."""
    name: str | None = g.get("mlflow_authenticated_user")
    return name


def role_for_model(name: str) -> Role:
    """The user's role for a registered model."""
    if (auth := _auth()) is None:
        return _role_without_users()
    return Role.PROMOTER if auth.sender_is_admin() else of_permission(auth._get_registered_model_permission(name).name)


def may_force() -> bool:
    """Whether the user may promote against the gate: administrators, or, without authentication, by the settings."""
    auth = _auth()
    return settings().may_force if auth is None else bool(auth.sender_is_admin())


def role_for_grid(name: str) -> Role:
    """The user's role for a grid: their MLflow permission on its campaign's experiment, or its own."""
    if (auth := _auth()) is None:
        return _role_without_users()
    if auth.sender_is_admin():
        return Role.PROMOTER
    tracking = auth._get_tracking_store()
    campaign = campaign_of(open_store(), name)
    experiment = tracking.get_experiment_by_name(campaign) or tracking.get_experiment_by_name(name)
    if experiment is None:
        return Role.VIEWER
    return of_permission(auth._get_experiment_permission(experiment.experiment_id, signed_in()).name)


def require(role: Role, needed: Role, what: str) -> None:
    """Check that a role includes another.

    Raises:
        ForbiddenError: it does not.
    """
    if role.covers(needed):
        return
    if current_app.config.get(WITH_USERS):
        reason = f"MLflow's permissions make {who()} a {role} here. Ask who manages it."
    else:
        reason = (
            "where nobody signs in and no token is asked for, only this machine may write. Have the server started "
            "with `--app-name dragoman-auth`, and sign in."
        )
    raise ForbiddenError(f"To {what} takes a {needed}: {reason}")


def _auth() -> Any:
    """MLflow's authentication, where this app has it; a request that bypassed it has no user."""
    if not current_app.config.get(WITH_USERS):
        return None
    if signed_in() is None:
        raise ForbiddenError("Sign in first: this address is not to be asked without.")
    return sys.modules["mlflow.server.auth"]


def _role_without_users() -> Role:
    """Who holds the token may do everything, and where there is none, users of this machine; others read."""
    if current_app.config.get(WITH_TOKEN):
        return Role.PROMOTER
    try:
        is_here = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        is_here = False
    return Role.PROMOTER if is_here else Role.VIEWER
