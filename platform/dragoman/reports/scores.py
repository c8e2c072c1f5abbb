"""Columns of scores in tables whose rows are of several metrics: each with the digits of its own."""

from dragoman.metrics.lookup import digits_of
from dragoman.tables.table import Column, Row, figure


def score(key: str, heading: str | None = None) -> Column:
    """A column of scores of the metric that the row names."""
    return Column(key, heading or key.replace("_", " "), lambda row: figure(row[key], _digits(row)))


def finer(key: str, heading: str | None = None) -> Column:
    """A column of figures with one digit more than the scores of the metric that the row names."""
    return Column(key, heading or key.replace("_", " "), lambda row: figure(row[key], _digits(row) + 1))


def score_interval(low: str, high: str, heading: str = "95% interval") -> Column:
    """A column of two bounds of the metric that the row names."""

    def bounds(row: Row) -> str:
        if row[low] is None or row[high] is None:
            return "-"
        return f"[{figure(row[low], _digits(row))}, {figure(row[high], _digits(row))}]"

    return Column(low, heading, bounds, values=(low, high))


def _digits(row: Row) -> int:
    return digits_of(row["metric"] or "")
