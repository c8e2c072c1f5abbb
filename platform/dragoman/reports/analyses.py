"""The analyses that have a page, by the names of their commands."""

from dragoman.reports import metric_disagreement
from dragoman.reports.analysis_report import Analysis

ANALYSES: dict[str, Analysis] = {
    metric_disagreement.NAME: Analysis("Where metrics disagree", "grid", metric_disagreement.report_of_page),
}
"""Each analysis, in the order of links to them."""
