"""The analyses that have a page, by the names of their commands."""

from dragoman.reports import (
    alignment,
    claims,
    effect,
    grid_overview,
    instructions,
    metric_disagreement,
    suggestion,
    sweep_results,
)
from dragoman.reports.analysis_report import Analysis
from dragoman.reports.detectors import detectors_page
from dragoman.reports.errors import errors_page
from dragoman.reports.explanation import explanation_of

ANALYSES: dict[str, Analysis] = {
    "overview": grid_overview.ANALYSIS,
    "errors": Analysis("Errors of hypotheses", "grid", errors_page),
    "instructions": instructions.ANALYSIS,
    "explain": Analysis("Why it is good where it is", "grid", explanation_of),
    "align": alignment.ANALYSIS,
    "detectors": Analysis("Language detectors", "grid", detectors_page),
    metric_disagreement.NAME: Analysis("Where metrics disagree", "grid", metric_disagreement.report_of_page),
    sweep_results.NAME: sweep_results.ANALYSIS,
    effect.NAME: Analysis(effect.TITLE, "campaign", effect.effect_page),
    suggestion.NAME: Analysis(suggestion.TITLE, "campaign", suggestion.suggestion_page),
    claims.NAME: Analysis(claims.TITLE, "campaign", claims.claims_page, claims.version),
}
"""Each analysis, in the order of links to them."""
