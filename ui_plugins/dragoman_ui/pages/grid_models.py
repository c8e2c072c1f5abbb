"""The page of a grid's models: what each comes from and was trained on, its card, and where it is registered."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, render_template, request, url_for
from markupsafe import Markup

from dragoman.analysis.pair_scores import BASE
from dragoman.partition import Evidence
from dragoman.store.records import GridRecord
from dragoman.store.store import Store
from dragoman.tables.table import Column, Decoration, Row, Table, word
from dragoman_registry.registry_client.versions import Registered
from dragoman_ui.responses.downloads import taken
from dragoman_ui.viewmodels.decorations import model_link
from dragoman_ui.viewmodels.mlflow_links import registered_here
from dragoman_ui.viewmodels.store import open_store
from dragoman_ui.viewmodels.tabs import QUESTION


def grid_models() -> str | Response:
    """Answer `/dragoman/models?grid=...`: a page, or with `form` its table as a file."""
    store = open_store()
    grid = store.grids.get(request.args.get("grid", ""))
    kept = {name: value for name in QUESTION if (value := request.args.get(name))}
    table = model_table(store, grid, registered_here(), kept)
    return taken(grid.name, {"models": lambda: table}, request.args) or render_template(
        "dragoman/grid_models.html", grid=grid, models=table, kept=kept
    )


def model_table(
    store: Store, grid: GridRecord, registered: Sequence[Registered], kept: Mapping[str, str] | None = None
) -> Table:
    """The models of a grid, the base first.

    Args:
        store: the store.
        grid: the grid.
        registered: what the model registry holds.
        kept: query parameters of links to the models' pairs.
    """
    rows = [_row(store, grid, identity, name, registered) for identity, name in grid.names.items()]
    return Table(
        name="models",
        title=f"{grid.name}: models",
        content=sorted(rows, key=lambda row: row["model"] != BASE),
        columns=[
            word("model"),
            word("parent", "finetuned from"),
            word("evidence", "training pairs are"),
            Column("training_pairs", "training pairs", lambda row: _known(row, "training_pairs")),
            Column("training_examples", "examples", lambda row: _known(row, "training_examples")),
            Column("seed", "seed", lambda row: "-" if row["seed"] is None else str(row["seed"])),
            Column("registered", "registered as", lambda row: ", ".join(row["registered"]) or "-", right=False),
            word("identity"),
        ],
    ).decorated(
        {
            "model": model_link(grid=grid.name, **(kept or {})),
            "registered": Decoration(html=_versions),
            "identity": Decoration(html=lambda row: _card(grid, row), css=lambda row: "signature"),
        }
    )


def _row(store: Store, grid: GridRecord, identity: str, name: str, registered: Sequence[Registered]) -> Row:
    model = store.models.get(identity)
    parent = None if model.parent is None else grid.names.get(model.parent) or store.models.get(model.parent).name
    own = [(its, alias) for its in registered for alias in _aliases(its, identity)]
    return {
        "model": name,
        "parent": parent,
        "evidence": model.graph.evidence.value,
        "training_pairs": len(model.graph.pairs),
        "training_examples": sum(model.graph.examples.values()),
        "seed": model.seed,
        "registered": [said for _, said in own],
        "registered_names": [its.name for its, _ in own],
        "identity": identity,
    }


def _aliases(registered: Registered, identity: str) -> list[str]:
    """The versions of a registered model that are one model, with their aliases."""
    return [
        f"{registered.name} {each.version}"
        + (f" ({', '.join(named)})" if (named := _named(registered, each.version)) else "")
        for each in registered.versions
        if each.model == identity
    ]


def _named(registered: Registered, version: str) -> list[str]:
    return [alias for alias, at in registered.aliases.items() if str(at) == version]


def _known(row: Row, key: str) -> str:
    return "unknown" if row["evidence"] == Evidence.UNKNOWN.value else f"{row[key]:,}"


def _versions(row: Row) -> Any:
    link = Markup('<a href="{}">{}</a>')
    pairs = zip(row["registered"], row["registered_names"], strict=True)
    return Markup(", ").join(link.format(url_for("dragoman.model", name=name), said) for said, name in pairs) or "-"


def _card(grid: GridRecord, row: Row) -> Any:
    if row["parent"] is None:
        return row["identity"]
    link = Markup('{}<small><a href="{}" aria-label="Model card of {}">model card</a></small>')
    return link.format(row["identity"], url_for("dragoman.card", grid=grid.name, model=row["model"]), row["model"])
