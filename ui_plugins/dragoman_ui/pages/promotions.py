"""The promotions page: the audit trail of promotions, rollbacks and refusals with their evidence."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, Self
from urllib.parse import quote

from flask import Response, render_template, request, url_for
from markupsafe import Markup
from pydantic import ValidationError

from dragoman.tables.table import Column, Decoration, Row, Table, number, word
from dragoman_registry.audit.history import faults
from dragoman_registry.audit.log import AuditLog, AuditRecord, Outcome
from dragoman_registry.gate.report import GateReport
from dragoman_registry.promotion.champions import alias_rows
from dragoman_registry.registry_client.client import speaking
from dragoman_registry.registry_client.versions import Registered
from dragoman_registry.tables import champions_table, trail_table
from dragoman_ui.responses.downloads import taken
from dragoman_ui.responses.pagination import Part
from dragoman_ui.viewmodels.decorations import registered_links
from dragoman_ui.viewmodels.mlflow_links import registered_here, server_registry
from dragoman_ui.viewmodels.store import open_store


class Decision(NamedTuple):
    """One record of the audit trail."""

    record: AuditRecord
    """The record."""
    report: GateReport | None
    """The gate's report that is its evidence, if any."""

    @classmethod
    def of(cls, record: AuditRecord) -> Self:
        """A record with its evidence read."""
        try:
            return cls(record, GateReport.model_validate_json(record.evidence))
        except ValidationError:
            return cls(record, None)


def promotions() -> str | Response:
    """Answer `/dragoman/promotions`: a page, or with `form` the whole trail or another table as a file."""
    log = AuditLog(open_store().database)
    models, records = registered_here(), log.records()
    tables = {
        "trail": lambda: trail_table(records),
        "aliases": lambda: alias_table(models, records),
        "models": lambda: model_table(models),
    }
    return taken("promotions", tables, request.args) or render_template(
        "dragoman/promotions.html",
        models=model_table(models),
        aliases=alias_table(models, records),
        part=Part.of(decisions(records), request.args.get("page", 1, type=int)),
        faults=wrongs(log),
    )


def wrongs(log: AuditLog) -> list[str]:
    """Faults of the trail; inside an MLflow server also where its registry's tags contradict it."""
    if not (uri := server_registry()):
        return log.faults()
    with speaking(uri):
        return faults(log, uri)


def decisions(records: Sequence[AuditRecord]) -> list[Decision]:
    """The outcomes of some records, the latest first; without those that were merely begun."""
    return [Decision.of(record) for record in reversed(records) if record.outcome is not Outcome.BEGUN]


def model_table(models: Sequence[Registered]) -> Table:
    """The registered models."""
    return Table(
        name="models",
        title="registered models",
        content=[
            {"name": model.name, "versions": len(model.versions), "aliases": list(model.aliases)} for model in models
        ],
        columns=[
            word("name", "registered model"),
            number("versions", digits=0),
            Column("aliases", "aliases", lambda row: ", ".join(row["aliases"]) or "none", right=False),
        ],
    ).decorated({"name": Decoration(link=_model_page)})


def alias_table(models: Sequence[Registered], records: Sequence[AuditRecord]) -> Table:
    """The versions of aliases, as `dragoman champions` prints them."""
    rows = [
        row
        for model in models
        for row in alias_rows(
            model.name, model.aliases, model.versions, [record for record in records if record.name == model.name]
        )
    ]
    links = {"name": Decoration(link=_model_page), "alias": Decoration(html=_in_mlflow), **registered_links(_version)}
    return replace(champions_table(rows, ()), name="aliases", title="aliases").decorated(links)


def _model_page(row: Row) -> str:
    return url_for("dragoman.model", name=row["name"])


def _version(row: Row) -> str:
    return url_for("dragoman.model", name=row["name"], version=row["version"], alias=row["alias"])


def _in_mlflow(row: Row) -> Markup:
    link = Markup('{}<small><a href="../#/models/{}/versions/{}" aria-label="{} {} in MLflow">in MLflow</a></small>')
    return link.format(row["alias"], quote(row["name"], safe=""), row["version"], row["name"], row["version"])
