"""Endpoints that write: promotions, and control of running grids. Each checks the user's role first."""

from flask import Response

from dragoman.store.jobs import control
from dragoman_registry.audit.log import AuditRecord
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.promotion.requests import Decision, PromotionRequest, RollbackRequest
from dragoman_registry.promotion.roles import Role
from dragoman_registry.registry_client.versions import find_version
from dragoman_ui.api.endpoint import Endpoint
from dragoman_ui.api.schemas import OfGrid, OfSession, RefusalRequest, Retried, Session, Stopped
from dragoman_ui.auth import csrf, users
from dragoman_ui.viewmodels.mlflow_links import registry
from dragoman_ui.viewmodels.store import open_store


def session(question: OfSession) -> Response:
    """The user of the request, their roles for a model and a grid, and the token that a browser's writes need."""
    cookie, token = csrf.issue()
    model_role = None if question.name is None else users.role_for_model(question.name)
    grid_role = None if question.grid is None else users.role_for_grid(question.grid)
    found = Session(user=users.signed_in(), token=token, model_role=model_role, grid_role=grid_role)
    response = Response(found.model_dump_json(), mimetype="application/json")
    csrf.keep(response, cookie)
    return response


def promote(asked: PromotionRequest) -> Decision:
    """Move an alias to a version if the gate lets it; refused or not, the decision is recorded."""
    with registry() as uri:
        return _promotions(uri, asked.name, asked.actor).ask(asked)


def refuse(asked: RefusalRequest) -> AuditRecord:
    """Record that someone decided against a version; the alias, one that is gated, stays where it is."""
    with registry() as uri:
        promotions = _promotions(uri, asked.name, asked.actor)
        return promotions.refuse(find_version(uri, asked.name, asked.version), asked.alias, asked.reason)


def rollback(asked: RollbackRequest) -> AuditRecord:
    """Move an alias back to the version before."""
    with registry() as uri:
        return _promotions(uri, asked.name, asked.actor).rollback(asked.name, asked.alias, asked.reason)


def stop(asked: OfGrid) -> Stopped:
    """Ask the driver of a grid to stop, which it does within seconds; what is done is kept."""
    users.require(users.role_for_grid(asked.grid), Role.SUBMITTER, f"stop {asked.grid}")
    return Stopped(job=control.stop(open_store(), asked.grid, users.who()))


def retry(asked: OfGrid) -> Retried:
    """Plan the failed cells of a grid again; a running driver picks them up, else the grid has to be resumed."""
    users.require(users.role_for_grid(asked.grid), Role.SUBMITTER, f"retry cells of {asked.grid}")
    store = open_store()
    cells = control.retry(store, asked.grid, users.who())
    if not cells:
        sentence = f"No cell of {asked.grid} has failed: nothing is planned again."
    else:
        job = next(iter(store.jobs.of_grid(asked.grid)), None)
        sentence = f"{cells} failed cell{'s are' if cells > 1 else ' is'} planned again: "
        if job is not None and job.is_alive:
            sentence += "the driver at work takes them up."
        else:
            sentence += f"nothing runs, so `dragoman resume {asked.grid}` has to do what is left."
    return Retried(cells=cells, sentence=sentence)


def _promotions(uri: str, name: str, said: str | None) -> Promotions:
    """The promoter for the user of the request; the name in it is used only where nobody signs in."""
    users.require(users.role_for_model(name), Role.PROMOTER, f"move aliases of {name}")
    return Promotions(open_store(), uri, users.signed_in() or said or users.who(), users.may_force())


ENDPOINTS = (
    Endpoint("session", OfSession, Session, session),
    Endpoint("promote", PromotionRequest, Decision, promote, "POST"),
    Endpoint("refuse", RefusalRequest, AuditRecord, refuse, "POST"),
    Endpoint("rollback", RollbackRequest, AuditRecord, rollback, "POST"),
    Endpoint("stop", OfGrid, Stopped, stop, "POST"),
    Endpoint("retry", OfGrid, Retried, retry, "POST"),
)
"""Every endpoint that writes, and the session endpoint, which a browser needs before it."""
