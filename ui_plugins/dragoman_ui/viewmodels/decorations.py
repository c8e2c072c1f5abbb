"""Decorations of the cells of reports' tables: links to other pages, swatches, marks."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import url_for
from markupsafe import Markup

from dragoman.language import english_name
from dragoman.pair import Pair
from dragoman.tables.table import Decoration, Row, figure
from dragoman_ui.viewmodels.view import View


def spoken(value: object) -> str:
    """A value of an enumeration in words; None is `unknown`."""
    return "unknown" if value is None else str(value).replace("_", " ")


SCOPES: Mapping[str, Decoration] = {
    "scope": Decoration(
        html=lambda row: Markup('<span class="swatch p-{}" aria-hidden="true"></span>{}').format(
            row["scope"], spoken(row["scope"])
        )
    )
}
"""Of a column of scopes: the swatch of its colour in the matrix."""


def scope_class(row: Row) -> str:
    """The class of a scope's row."""
    return f"scope-{row['scope']}"


def of_pairs(view: View, partition: str = "partition", **query: Any) -> dict[str, Decoration]:
    """Of columns of pairs: languages by name, and a link to the pair's sentences.

    Args:
        view: the view of the linked pages.
        partition: key of the column of partitions.
        query: further parameters of the link.
    """
    own: dict[str, Any] = {**view.query(), **query}

    def link(row: Row) -> str:
        return url_for("dragoman.cell", source=row["source"], target=row["target"], **own)

    def label(row: Row) -> str:
        return f"{english_name(row['source'])} → {english_name(row['target'])}"

    return {
        "source": Decoration(link=link, label=label, html=lambda row: english_name(row["source"])),
        "target": Decoration(html=lambda row: english_name(row["target"])),
        partition: Decoration(html=lambda row: spoken(row[partition])),
    }


def marked(key: str, pairs: Collection[Pair], digits: int) -> dict[str, Decoration]:
    """Of a column of differences: a star after those of some pairs."""

    def html(row: Row) -> str:
        return f"{figure(row[key], digits, True)}{'*' if Pair(row['source'], row['target']) in pairs else ''}"

    return {key: Decoration(html=html)}


def grid_link(**query: Any) -> Decoration:
    """Of a column of grids: a link to the grid's page."""
    return Decoration(link=lambda row: url_for("dragoman.grid", **{**query, "grid": row["grid"]}))


def model_link(**query: Any) -> Decoration:
    """Of a column of a grid's models: a link to the grid's page under that model."""

    def link(row: Row) -> str:
        return url_for("dragoman.grid", **{"grid": row.get("grid"), **query, "model": row["model"]})

    return Decoration(link=link)


def registered_links(version_link: Callable[[Row], str]) -> dict[str, Decoration]:
    """Of columns of registered versions: links to the version, its card, and the grid that it comes from.

    Args:
        version_link: the address of a row's version.
    """

    def card(row: Row) -> str | None:
        known = row["grid"] and row["model_name"]
        return url_for("dragoman.card", grid=row["grid"], model=row["model_name"]) if known else None

    def grid(row: Row) -> str | None:
        return url_for("dragoman.grid", grid=row["grid"], model=row["model_name"]) if row["grid"] else None

    return {
        "version": Decoration(link=version_link),
        "model_name": Decoration(link=card, html=lambda row: row["model_name"] or "not from Dragoman"),
        "grid": Decoration(link=grid),
    }
