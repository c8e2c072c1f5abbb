"""Tables of gate reports, the audit log and current aliases."""

from collections.abc import Sequence

from dragoman.tables.table import Column, Decoration, Row, Table, sentence, share, word
from dragoman_registry.audit.log import AuditRecord, Outcome
from dragoman_registry.gate.report import GateReport


def gate_table(reports: Sequence[GateReport], notes: Sequence[str] = (), *, with_reasons: bool = True) -> Table:
    """Every bound with its value and verdict, one report below the other; what its tests can tell stands below.

    Args:
        reports: the reports.
        notes: sentences below it.
        with_reasons: whether it has a column of reasons, which the reports' sentences hold too.
    """
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
            "found": finding.found(report.held_to.alias if report.held_to else "champion"),
            "asked": finding.asked,
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
        title=f"Gate report of {reports[0].grid}, {_named(reports[0])}",
        columns=[
            word("model"),
            *([word("test_set", "test set")] if any(each.test_set for each in reports[0].findings) else []),
            *([word("lines")] if any(each.lines for each in reports[0].findings) else []),
            sentence("found"),
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
            sentence("asked", "asked for"),
            *([share("pairs", "scored", "pairs")] if any(row["scored"] < row["pairs"] for row in rows) else []),
            *([_reason()] if with_reasons and any(row["behind"] not in ("", row["found"]) for row in rows) else []),
        ],
        content=rows,
        notes=notes,
        group="model",
        caption=" ".join(said) or None,
    )


def _reason() -> Column:
    """The pairs behind a verdict, or what decided it, where that is not what was found."""
    return Column("behind", "reason", lambda row: "" if row["behind"] == row["found"] else row["behind"], right=False,
                  values=("behind", "found"), wraps=True)  # fmt: skip


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
        title="Audit trail",
        columns=[
            word("sequence", "no."),
            Column("at", "when (UTC)", lambda row: str(row["at"])[:19].replace("T", " "), right=False),
            word("actor", "who"),
            Column("action", "action", lambda row: f"{row['action']} {row['outcome']}", right=False,
                   values=("action", "outcome"), style=lambda row: _STYLES.get(str(row["outcome"]), "")),
            Column("name", "alias", lambda row: f"{row['name']}@{row['alias']}", right=False, values=("name", "alias")),
            Column("to_version", "version", _move, right=False, values=("from_version", "to_version")),
            sentence("reason"),
        ],
        content=rows,
        notes=notes,
        stub=2,
        is_of_records=True,
    )  # fmt: skip


_STYLES = {Outcome.DONE.value: "green", Outcome.REFUSED.value: "bold red"}
"""Looks of outcomes, beside their words."""


def _move(row: Row) -> str:
    """Where an alias moved, from where: ``1 → 2``."""
    return f"{row['from_version'] or 'unset'} → {row['to_version'] or 'unset'}"


def champions_table(rows: Sequence[Row], notes: Sequence[str]) -> Table:
    """Where every alias stands, since when and by whom."""
    return Table(
        name="champions",
        title="Champions",
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
