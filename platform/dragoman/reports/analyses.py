"""The analyses that have a page, by the names of their commands."""

from dragoman.reports.analysis_report import Analysis
from dragoman.reports.explanation import explanation_of

ANALYSES: dict[str, Analysis] = {
    "explain": Analysis("Why it is good where it is", "grid", explanation_of),
}
"""Each analysis, in the order of links to them."""
