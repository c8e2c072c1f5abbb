"""Looks at a test set: how many recorded decisions rest on its scores.

A test set that is looked at again and again to decide fits the models that pass to itself (Dwork et al., 2015): the
number of looks stands beside each verdict.
"""

from collections.abc import Sequence

from dragoman.reading import parse_json
from dragoman_registry.audit.log import AuditLog, Outcome
from dragoman_registry.gate.report import GateReport


def looks_at(log: AuditLog, report: GateReport) -> int:
    """How many promotions and refusals so far rest on the test set of a report, or on its grid where none was kept."""
    looks = 0
    for record in log.records():
        if record.outcome is Outcome.BEGUN:
            continue
        evidence = parse_json(record.evidence, f"the evidence of decision {record.sequence}")
        known = {evidence.get("test_set"), *evidence.get("further_test_sets", ())} - {None}
        looked = report.test_set in known if known else evidence.get("grid") == report.grid
        looks += looked
    return looks


def looks_notes(log: AuditLog, reports: Sequence[GateReport]) -> list[str]:
    """How often the test sets of some reports were looked at for decisions, as sentences."""
    counts = {report.test_set or report.grid: (report, looks_at(log, report)) for report in reports}
    return [
        f"The test set of {report.grid} was looked at for {count} recorded decision{'' if count == 1 else 's'} so far: "
        "each further one makes its scores flatter the models that pass."
        for report, count in counts.values()
        if count
    ]
