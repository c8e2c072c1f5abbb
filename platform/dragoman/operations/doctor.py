"""Health checks of every part of an installation, each fault with its remedy."""

from collections.abc import Iterator

from dragoman.errors import DragomanError
from dragoman.operations.checks import (
    blobs,
    clock,
    configuration,
    environments,
    installation,
    machine,
    mlflow,
    ray,
    store,
)
from dragoman.operations.finding import Finding, State, fault
from dragoman.settings import settings
from dragoman.tables.table import Table, word

CHECKS = (configuration, store, blobs, mlflow, ray, environments, machine, clock)
"""Modules with a function `check`, which takes the settings and yields findings, in the order of the report."""


def examine() -> Iterator[Finding]:
    """Run every check; a fault of one doesn't stop the others."""
    yield from installation.check()
    try:
        chosen = settings()
    except DragomanError as error:
        yield fault("settings", str(error), "mend it; the other parts can't be looked at before")
        return
    for part in CHECKS:
        yield from part.check(chosen)


def report(findings: list[Finding]) -> Table:
    """The findings as a table."""
    rows = [{**finding._asdict(), "state": finding.state.value} for finding in findings]
    columns = [word("state"), word("part"), word("what", "found"), word("remedy", "what to do")]
    faults = sum(finding.state is State.FAULT for finding in findings)
    return Table("findings", f"{faults} of {len(findings)} checks found a fault", columns, rows, stub=2)
