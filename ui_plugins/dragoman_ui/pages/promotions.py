"""The promotions page: who moved which alias of which registered model, or was refused to, and on what evidence."""

from typing import NamedTuple

from flask import render_template
from pydantic import ValidationError

from dragoman_registry.audit import AuditLog, AuditRecord, Outcome
from dragoman_registry.gate import GateReport
from dragoman_ui.mlflow_links import aliases
from dragoman_ui.reading import open_store


class Decision(NamedTuple):
    """One record of the audit trail."""

    record: AuditRecord
    """The record."""
    report: GateReport | None
    """The gate's report that it rests on, where it rests on one."""


def promotions() -> str:
    """Answer `/dragoman/promotions`."""
    log = AuditLog(open_store().database)
    decisions = [
        Decision(record, _report(record.evidence))
        for record in reversed(log.records())
        if record.outcome is not Outcome.BEGUN
    ]
    return render_template("dragoman/promotions.html", decisions=decisions, aliases=aliases(), faults=log.faults())


def _report(evidence: str) -> GateReport | None:
    try:
        return GateReport.model_validate_json(evidence)
    except ValidationError:
        return None
