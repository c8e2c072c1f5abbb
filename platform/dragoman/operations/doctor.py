"""`dragoman doctor`: every part looked at, each fault named with its remedy."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from dragoman.errors import DragomanError
from dragoman.operations.checks import blobs, clock, configuration, installation, machine, mlflow, ray, store
from dragoman.operations.finding import Finding, State, fault
from dragoman.settings import settings
from dragoman.tables.render import Form, render
from dragoman.tables.table import Table, word

CHECKS = (configuration, store, blobs, mlflow, ray, machine, clock)
"""Modules with a function `check`, which takes the settings and yields findings, in the order of the report."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: every finding, as rows.")] = False,
) -> None:
    """Check Python and packages, settings, stores, MLflow, Ray, blobs, GPU, disk and clock, and say what to do.

    Ends with exit code 1 if a part does not work. Nothing is changed but for a file that is written and removed.

    Examples: dragoman doctor · dragoman doctor --json
    """
    findings = list(examine())
    sys.stdout.write(render([report(findings)], Form.JSON if as_json else Form.TEXT))
    if any(finding.state is State.FAULT for finding in findings):
        raise typer.Exit(1)


def examine() -> Iterator[Finding]:
    """Look at every part; no fault of one keeps the others from being looked at."""
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
