"""The promotions page: who moved which alias of which registered model, or was refused to, and on what evidence."""

from typing import NamedTuple, Self

from flask import Response, render_template, request
from pydantic import ValidationError

from dragoman.cli.tables import Form
from dragoman_registry.audit import AuditLog, AuditRecord, Outcome
from dragoman_registry.gate import GateReport
from dragoman_registry.tables import trail_table
from dragoman_ui.mlflow_links import aliases
from dragoman_ui.reading import open_store
from dragoman_ui.taking import FORMS, table_file
from dragoman_ui.view import one_of


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
    """Answer `/dragoman/promotions`: a page, or with `form` the whole trail as a file."""
    log = AuditLog(open_store().database)
    if form := request.args.get("form"):
        return table_file("trail", trail_table(log.records()), Form(one_of("A table has no form", form, FORMS)))
    decisions = [Decision.of(record) for record in reversed(log.records()) if record.outcome is not Outcome.BEGUN]
    return render_template("dragoman/promotions.html", decisions=decisions, aliases=aliases(), faults=log.faults())
