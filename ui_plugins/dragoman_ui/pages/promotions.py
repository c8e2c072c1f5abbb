"""The promotions page: who moved which alias of which registered model, or was refused to, and on what evidence."""

from collections.abc import Sequence
from typing import NamedTuple, Self

from flask import Response, render_template, request
from pydantic import ValidationError

from dragoman.cli.tables import Table, word
from dragoman_registry.audit import AuditLog, AuditRecord, Outcome
from dragoman_registry.gate import GateReport
from dragoman_registry.tables import trail_table
from dragoman_registry.versions import RegisteredVersion
from dragoman_ui.mlflow_links import aliases
from dragoman_ui.reading import open_store
from dragoman_ui.taking import taken


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
    tables = {"trail": lambda: trail_table(log.records()), "aliases": lambda: alias_table(aliases())}
    return taken("promotions", tables, request.args) or render_template(
        "dragoman/promotions.html", decisions=decisions(log.records()), aliases=aliases(), faults=log.faults()
    )


def decisions(records: Sequence[AuditRecord]) -> list[Decision]:
    """What came of each of some records, the latest first; one that was merely begun came to nothing yet."""
    return [Decision.of(record) for record in reversed(records) if record.outcome is not Outcome.BEGUN]


def alias_table(found: Sequence[tuple[str, RegisteredVersion]]) -> Table:
    """Where aliases stand."""
    return Table(
        name="aliases", title="where aliases stand", group="name",
        content=[{"name": version.name, "alias": alias, "version": version.version, "model": version.model,
                  "model_name": version.model_name, "grid": version.grid} for alias, version in found],
        columns=[word("name", "registered model"), word("alias"), word("version"), word("model_name", "finetuning"),
                 word("grid")],
    )  # fmt: skip
