"""The pages of one registered model: its versions and aliases, the gate against the incumbent, its trail; and cards."""

from collections.abc import Mapping, Sequence

from flask import Response, render_template, request, url_for

from dragoman.errors import DragomanError
from dragoman.tables.table import Column, Table, word
from dragoman.tracking.mlflow_notes import without_note
from dragoman_registry.audit.history import unrecorded_moves
from dragoman_registry.audit.log import AuditLog
from dragoman_registry.gate.looks import looks_notes
from dragoman_registry.promotion.gated_aliases import gated_aliases
from dragoman_registry.registry_client.client import client_at
from dragoman_registry.registry_client.versions import RegisteredVersion, aliases_of, find_version, versions_of
from dragoman_registry.tables import gate_table, trail_table
from dragoman_ui.api import registry as registered
from dragoman_ui.pages.promotions import decisions
from dragoman_ui.responses.downloads import as_file, taken
from dragoman_ui.responses.markdown import rendered
from dragoman_ui.viewmodels.decorations import registered_links
from dragoman_ui.viewmodels.mlflow_links import registry
from dragoman_ui.viewmodels.registry import judged
from dragoman_ui.viewmodels.store import open_store


def model() -> str | Response:
    """Answer `/dragoman/model?name=...&version=...`: a page, or with `form` one of its tables as a file."""
    with registry() as uri:
        return _model(uri, request.args.get("name", ""))


def _model(uri: str, name: str) -> str | Response:
    store = open_store()
    aliases = aliases_of(uri, name)
    versions = list(reversed(versions_of(uri, name)))
    log = AuditLog(store.database)
    trail = log.records(name)
    gated = gated_aliases(store, name)
    known = sorted(gated | set(aliases))
    asked = request.args.get("version") or next((aliases[alias] for alias in known if alias in aliases), None)
    chosen = find_version(uri, name, asked) if asked else next(iter(versions), None)
    alias = request.args.get("alias") or next((alias for alias in known if alias in aliases), "champion")
    tables = {"versions": lambda: version_table(name, versions, aliases), "trail": lambda: trail_table(trail)}
    return taken(name, tables, request.args) or render_template(
        "dragoman/model.html",
        name=name,
        aliases=aliases,
        known=[*known, *({alias} - set(known))],
        alias=alias,
        gated=gated,
        versions=version_table(name, versions, aliases, chosen, alias),
        chosen=chosen,
        description=rendered(_description(uri, chosen)) if chosen else "",
        decisions=decisions(trail),
        strays=unrecorded_moves(log, uri, name, gated),
    )


def version_table(
    name: str,
    versions: Sequence[RegisteredVersion],
    aliases: Mapping[str, str],
    chosen: RegisteredVersion | None = None,
    alias: str | None = None,
) -> Table:
    """The versions of a registered model, the newest first.

    Args:
        name: name of the model.
        versions: its versions.
        aliases: the version of each of its aliases.
        chosen: the version that the page shows.
        alias: the alias of the gate.
    """
    return Table(
        name="versions",
        title=f"versions of {name}",
        css=lambda row: "chosen" if chosen and row["version"] == chosen.version else "",
        content=[
            {
                "version": each.version,
                "aliases": [alias for alias, at in aliases.items() if at == each.version],
                "model": each.model,
                "model_name": each.model_name,
                "grid": each.grid,
            }
            for each in versions
        ],
        columns=[
            word("version"),
            Column("aliases", "aliases", lambda row: ", ".join(row["aliases"]) or "-", right=False),
            word("model_name", "finetuning"),
            word("grid"),
        ],
    ).decorated(registered_links(lambda row: url_for("dragoman.model", name=name, version=row["version"], alias=alias)))


def gate() -> str | Response:
    """Answer `/dragoman/gate?name=...&version=...&alias=...`: the gate's findings, which take a moment."""
    with registry() as uri:
        return _gate(uri)


def _gate(uri: str) -> str | Response:
    version = find_version(uri, request.args.get("name", ""), request.args.get("version", ""))
    alias = request.args.get("alias") or None
    try:
        report, incumbent = judged(uri, version, alias)
    except DragomanError as error:
        return render_template("dragoman/gate.html", version=version, alias=alias, sentence=str(error))
    looked = looks_notes(AuditLog(open_store().database), [report])
    tables = {"gate": lambda: gate_table([report], looked)}
    return taken(f"{version.name}-{version.version}", tables, request.args) or render_template(
        "dragoman/gate.html", version=version, alias=alias, report=report, incumbent=incumbent, looked=looked
    )


def card() -> str | Response:
    """Answer `/dragoman/card?grid=...&model=...`: the card, rendered from the store now, or it as a file."""
    grid, model = request.args.get("grid", ""), request.args.get("model", "")
    text = registered.card(registered.OfCard(grid=grid, model=model)).text
    if request.args.get("form"):
        return as_file(f"{grid}-{model}-card.md", text, "text/markdown")
    return render_template("dragoman/card.html", grid=grid, model=model, text=rendered(text))


def _description(uri: str, version: RegisteredVersion) -> str:
    return without_note(client_at(uri).get_model_version(version.name, version.version).description or "")
