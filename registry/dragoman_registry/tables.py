"""Tables of gate reports, the audit log and current aliases."""

from collections.abc import Sequence

from dragoman.reports.scores import finer
from dragoman.tables.table import Column, Decoration, Row, Table, p_value, share, word
from dragoman_registry.audit.log import AuditRecord
from dragoman_registry.gate.report import GateReport


def gate_table(reports: Sequence[GateReport], notes: Sequence[str] = ()) -> Table:
    """Every bound with its value and verdict, one report below the other; what its tests can tell stands below."""
    findings = [(report.model, finding) for report in reports for finding in report.findings if finding.remark]
    remarks: dict[str, list[str]] = {}
    for model, finding in findings:
        remarks.setdefault(f"{finding.claim}: {finding.remark}", []).append(model)
    notes = [*notes, *(f"{', '.join(models)}, {remark}" for remark, models in remarks.items())]
    captions: dict[str, list[str]] = {}
    for report in reports:
        if report.caption:
            captions.setdefault(report.caption, []).append(report.model)
    said = [text if len(captions) == 1 else f"{', '.join(models)}: {text}" for text, models in captions.items()]
    facts = {key: None for report in reports for its in report.captions.values() for key in its.facts}
    rows = [
        {
            "model": report.model,
            "metric": finding.metric,
            "test_set": finding.test_set,
            "lines": finding.lines,
            "bounded": finding.bound.value,
            "over": f"each of {finding.over}" if finding.each else finding.over,
            "limit": finding.limit,
            "value": finding.value,
            "p_value": finding.p_value,
            "p_is_floor": finding.p_is_floor,
            "scored": finding.scored,
            "pairs": finding.pairs,
            "passed": finding.passed,
            "method": finding.method if finding.p_value is not None else None,
            "error": finding.error,
            "remark": finding.remark or None,
            "behind": "; ".join(finding.said_of_worst) or finding.note,
            **facts,
            **(
                report.captions[finding.subject].facts
                if finding.subject in report.captions
                else {"metric": finding.metric}
            ),
        }
        for report in reports
        for finding in report.findings
    ]
    return Table(
        name="gate",
        title=f"gate of {reports[0].grid}, {_named(reports[0])}",
        columns=[
            word("model"),
            word("metric"),
            *([word("test_set", "test set")] if any(each.test_set for each in reports[0].findings) else []),
            *([word("lines")] if any(each.lines for each in reports[0].findings) else []),
            Column("bounded", "rule", lambda row: str(row["bounded"]).replace("_", " "), right=False),
            finer("limit", "bound"),
            word("over"),
            finer("value"),
            p_value("p_value", "p"),
            share("pairs", "scored", "pairs"),
            Column(
                "passed",
                "verdict",
                lambda row: "passed" if row["passed"] else "failed",
                right=False,
                style=lambda row: "green" if row["passed"] else "bold red",
                page=Decoration(
                    css=lambda row: f"verdict is-{'passed' if row['passed'] else 'failed'}",
                    html=lambda row: "✓ passed" if row["passed"] else "✗ failed",
                ),
            ),
            word("behind", "evidence"),
        ],
        content=rows,
        notes=notes,
        group="model",
        caption=" ".join(said) or None,
    )


def _named(report: GateReport) -> str:
    """A policy's name and version, where it has them, and its hash."""
    policy = report.held_to
    if policy is None or policy.policy is None:
        return report.policy
    return f"{policy.policy}{f' version {policy.version}' if policy.version else ''}, {report.policy}"


def trail_table(records: Sequence[AuditRecord], notes: Sequence[str] = ()) -> Table:
    """Audit records, the oldest first."""
    rows = [record.model_dump(mode="json") for record in records]
    return Table(
        name="trail",
        title="audit trail",
        columns=[
            word("sequence", "no."),
            Column("at", "when (UTC)", lambda row: str(row["at"])[:19].replace("T", " "), right=False),
            word("actor", "who"),
            word("action"),
            word("outcome"),
            word("name", "model"),
            word("alias"),
            word("from_version", "from"),
            word("to_version", "to"),
            word("reason"),
        ],
        content=rows,
        notes=notes,
    )


def champions_table(rows: Sequence[Row], notes: Sequence[str]) -> Table:
    """Where every alias stands, since when and by whom."""
    return Table(
        name="champions",
        title="champions",
        columns=[
            word("name", "model"),
            word("alias"),
            word("version"),
            word("model_name", "finetuning"),
            word("grid"),
            Column("since", "since (UTC)", lambda row: str(row["since"] or "-")[:19].replace("T", " "), right=False),
            word("actor", "by"),
            Column(
                "forced",
                "forced",
                lambda row: "forced" if row["forced"] else "-",
                right=False,
                style=lambda row: "bold red" if row["forced"] else "",
            ),
        ],
        content=rows,
        notes=notes,
        group="name",
    )
