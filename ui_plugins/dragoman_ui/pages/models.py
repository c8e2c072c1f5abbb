"""The pages of one registered model: its versions and aliases, the gate against the incumbent, its trail; and cards."""

from typing import Any

from flask import render_template, request
from pydantic import ValidationError

from dragoman.errors import DragomanError
from dragoman.spec.grid import GridSpec
from dragoman.store.queries import BASE
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman_registry import evidence
from dragoman_registry.audit import AuditLog, Outcome
from dragoman_registry.card import write_card
from dragoman_registry.gated import gated_aliases
from dragoman_registry.history import strays
from dragoman_registry.mlflow_at import client_at
from dragoman_registry.policy import policy_for
from dragoman_registry.promotion import Promotions
from dragoman_registry.versions import RegisteredVersion, aliases_of, find_version, version_at, versions_of
from dragoman_ui.markdown import rendered
from dragoman_ui.mlflow_links import registry_uri
from dragoman_ui.pages.promotions import Decision
from dragoman_ui.reading import open_store
from dragoman_ui.view import one_of


def model() -> str:
    """Answer `/dragoman/model?name=...&version=...`."""
    store, uri, name = open_store(), registry_uri(), request.args.get("name", "")
    aliases = aliases_of(uri, name)
    versions = list(reversed(versions_of(uri, name)))
    log = AuditLog(store.database)
    gated = sorted(gated_aliases(store, name) | set(aliases))
    asked = request.args.get("version") or next((aliases[alias] for alias in gated if alias in aliases), None)
    chosen = find_version(uri, name, asked) if asked else next(iter(versions), None)
    return render_template(
        "dragoman/model.html",
        name=name,
        aliases=aliases,
        gated=gated,
        alias=request.args.get("alias") or next((alias for alias in gated if alias in aliases), "champion"),
        versions=versions,
        chosen=chosen,
        description=rendered(_description(uri, chosen)) if chosen else "",
        decisions=[
            Decision.of(record) for record in reversed(log.records(name)) if record.outcome is not Outcome.BEGUN
        ],
        strays=strays(log, uri, name, gated),
    )


def gate() -> str:
    """Answer `/dragoman/gate?name=...&version=...&alias=...`: the gate's findings now, which take a moment."""
    store, uri = open_store(), registry_uri()
    version = find_version(uri, request.args.get("name", ""), request.args.get("version", ""))
    found: dict[str, Any] = {"report": None, "sentence": None, "incumbent": None}
    try:
        grid = Promotions(store, uri).grid_of(version)
        policy = policy_for(grid, request.args.get("alias") or None, name=version.name)
        incumbent = version_at(uri, version.name, policy.alias)
        report = evidence.gate(store, grid, grid.names[version.model or ""], policy, incumbent)
        found |= {"report": report, "incumbent": incumbent, "alias": policy.alias}
    except DragomanError as error:
        found["sentence"] = str(error)
    return render_template("dragoman/gate.html", version=version, **found)


def card() -> str:
    """Answer `/dragoman/card?grid=...&model=...`: the model card as the store would have it written now."""
    store = open_store()
    grid = store.grid(request.args.get("grid", ""))
    finetuned = [name for name in grid.names.values() if name != BASE]
    name = one_of(f"Grid '{grid.name}' has no finetuned model", request.args.get("model", ""), finetuned)
    return render_template("dragoman/card.html", grid=grid, model=name, text=_card(store, grid, name))


def _card(store: Store, grid: GridRecord, name: str) -> Any:
    try:
        spec = GridSpec.model_validate(grid.spec)
    except ValidationError as error:
        raise DragomanError(
            f"The spec that grid '{grid.name}' was made from can't be read ({error.error_count()} mistakes), "
            "so there is no card of its models: run the grid again from a spec of this version."
        ) from error
    return rendered(write_card(store, grid, spec, name).text)


def _description(uri: str, version: RegisteredVersion) -> str:
    return str(client_at(uri).get_model_version(version.name, version.version).description or "")
