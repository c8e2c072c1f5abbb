"""The analyses that have a page, by the names of their commands."""

from dragoman.reports.analysis_report import Analysis

ANALYSES: dict[str, Analysis] = {}
"""Each analysis, in the order of links to them."""
