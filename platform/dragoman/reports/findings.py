"""Columns and values of findings, the same in every table that has them."""

from collections.abc import Sequence

from dragoman.analysis.finding import Finding
from dragoman.tables.table import Column, Row, interval, number, p_value

_WIDEST = 160
"""Characters of a note."""


def of_finding(finding: Finding) -> Row:
    """The values of a finding's columns, for programs too."""
    return {
        "estimate": finding.estimate,
        "low": finding.low,
        "high": finding.high,
        "p": finding.p,
        "p_is_floor": False,
        "n": finding.n,
        "of_what": finding.of_what,
        "why": finding.why,
    }


def finding_columns(heading: str, *, digits: int = 2, sign: bool = True) -> list[Column]:
    """The columns of a finding: the estimate, its interval, its p-value, and how many of what it is of.

    Args:
        heading: heading of the estimate.
        digits: digits after the point.
        sign: whether a plus is written.
    """
    return [
        number("estimate", heading, digits=digits, sign=sign),
        interval("low", "high", digits=digits, sign=sign),
        p_value("p"),
        Column("n", "n", lambda row: f"{row['n']:,}", values=("n", "of_what")),
    ]


def notes_of(rows: Sequence[Row], named: str, of: str = "n") -> list[str]:
    """What n is of, and why estimates or intervals are not there, each once with the rows it is said of.

    Args:
        rows: the rows.
        named: key of a row's name.
        of: what the first sentence begins with.
    """
    counted = dict.fromkeys(row["of_what"] for row in rows if row["of_what"])
    notes = [f"{of}: {' or '.join(counted)}."] if counted else []
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["why"]:
            reasons.setdefault(row["why"], []).append(str(row[named]).replace("_", " "))
    every = len(rows)
    return [
        *notes,
        *(
            why if len(names) == every else f"{', '.join(dict.fromkeys(names))}: {why}"
            for why, names in reasons.items()
        ),
    ]
