"""The promotions page: who moved which alias of which registered model, or was refused to, and on what evidence."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from flask import Response, render_template, request
from pydantic import ValidationError

from dragoman.tables.table import Table, word
from dragoman_registry.audit.history import faults
from dragoman_registry.audit.log import AuditLog, AuditRecord, Outcome
from dragoman_registry.gate.gate import GateReport
from dragoman_registry.registry_client.client import speaking
from dragoman_registry.registry_client.versions import Registered, RegisteredVersion
from dragoman_registry.tables import trail_table
from dragoman_ui.responses.downloads import taken
from dragoman_ui.responses.pagination import Part
from dragoman_ui.viewmodels.mlflow_links import registered_here, server_registry
from dragoman_ui.viewmodels.store import open_store


class Decision(NamedTuple):
    """One record of the audit trail."""

    record: AuditRecord
    """The record."""
    report: GateReport | None
    """The gate's report that it rests on, where it rests on one."""

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
    tables = {"trail": lambda: trail_table(records), "aliases": lambda: alias_table(models)}
    return taken("promotions", tables, request.args) or render_template(
        "dragoman/promotions.html",
        models=models,
        standing=standing(models),
        part=Part.of(decisions(records), request.args.get("page", 1, type=int)),
        faults=wrongs(log),
    )


def wrongs(log: AuditLog) -> list[str]:
    """What is wrong with the trail; inside an MLflow server also what its registry remembers of it otherwise."""
    if not (uri := server_registry()):
        return log.faults()
    with speaking(uri):
        return faults(log, uri)


def standing(models: Sequence[Registered]) -> list[tuple[str, RegisteredVersion]]:
    """Every alias with the version it stands at, by model."""
    return [
        (alias, versions.get(number, RegisteredVersion(name=model.name, version=number)))
        for model in models
        for versions in [{version.version: version for version in model.versions}]
        for alias, number in model.aliases.items()
    ]


def decisions(records: Sequence[AuditRecord]) -> list[Decision]:
    """What came of each of some records, the latest first; one that was merely begun came to nothing yet."""
    return [Decision.of(record) for record in reversed(records) if record.outcome is not Outcome.BEGUN]


def alias_table(models: Sequence[Registered]) -> Table:
    """Where aliases stand."""
    return Table(
        name="aliases", title="where aliases stand", group="name",
        content=[{"name": version.name, "alias": alias, "version": version.version, "model": version.model,
                  "model_name": version.model_name, "grid": version.grid} for alias, version in standing(models)],
        columns=[word("name", "registered model"), word("alias"), word("version"), word("model_name", "finetuning"),
                 word("grid")],
    )  # fmt: skip
