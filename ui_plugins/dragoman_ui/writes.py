"""What can be changed through the API: promotions, and running grids. Each asks first who may."""

from flask import Response

from dragoman.settings import settings
from dragoman.store import control
from dragoman_registry.asking import Decision, PromotionRequest, RollbackRequest
from dragoman_registry.audit import AuditRecord
from dragoman_registry.promotion import Promotions
from dragoman_registry.roles import Role
from dragoman_registry.versions import find_version
from dragoman_ui import forgery, users
from dragoman_ui.endpoint import Endpoint
from dragoman_ui.exchange import OfGrid, OfSession, RefusalRequest, Retried, Session, Stopped
from dragoman_ui.mlflow_links import registry_uri
from dragoman_ui.reading import open_store


def session(question: OfSession) -> Response:
    """Who asks, what they may do with a model and a grid, and the token that a browser's writes bring."""
    cookie, token = forgery.issue()
    model_role = None if question.name is None else users.role_for_model(question.name)
    grid_role = None if question.grid is None else users.role_for_grid(question.grid)
    found = Session(user=users.signed_in(), token=token, model_role=model_role, grid_role=grid_role)
    response = Response(found.model_dump_json(), mimetype="application/json")
    forgery.keep(response, cookie)
    return response


def promote(asked: PromotionRequest) -> Decision:
    """Move an alias to a version if the gate lets it; refused or not, the decision is recorded."""
    return _promotions(asked.name, asked.actor).ask(asked)


def refuse(asked: RefusalRequest) -> AuditRecord:
    """Record that someone decided against a version; the alias stays where it is."""
    promotions = _promotions(asked.name, asked.actor)
    return promotions.refuse(find_version(promotions.uri, asked.name, asked.version), asked.alias, asked.reason)


def rollback(asked: RollbackRequest) -> AuditRecord:
    """Move an alias back to the version before."""
    return _promotions(asked.name, asked.actor).rollback(asked.name, asked.alias, asked.reason)


def stop(asked: OfGrid) -> Stopped:
    """Ask the driver of a grid to stop; it obeys within seconds, and what is done is kept."""
    users.require(users.role_for_grid(asked.grid), Role.SUBMITTER, f"stop {asked.grid}")
    return Stopped(job=control.stop(open_store(), asked.grid, users.who()))


def retry(asked: OfGrid) -> Retried:
    """Plan the failed cells of a grid again; a driver at work takes them up, else the grid has to be resumed."""
    users.require(users.role_for_grid(asked.grid), Role.SUBMITTER, f"retry cells of {asked.grid}")
    return Retried(cells=control.retry(open_store(), asked.grid))


def _promotions(name: str, said: str | None) -> Promotions:
    """The promoter of whoever asks; the name they give is believed only where nobody signs in."""
    users.require(users.role_for_model(name), Role.PROMOTER, f"move aliases of {name}")
    user = users.signed_in()
    may_force = user is not None or settings().may_force
    return Promotions(open_store(), registry_uri(), user or said or users.who(), may_force)


ENDPOINTS = (
    Endpoint("session", OfSession, Session, session),
    Endpoint("promote", PromotionRequest, Decision, promote, "POST"),
    Endpoint("refuse", RefusalRequest, AuditRecord, refuse, "POST"),
    Endpoint("rollback", RollbackRequest, AuditRecord, rollback, "POST"),
    Endpoint("stop", OfGrid, Stopped, stop, "POST"),
    Endpoint("retry", OfGrid, Retried, retry, "POST"),
)
"""Every address that changes something, and the one a browser needs before it."""
