"""The analyses that have a page, by the names of their commands."""

from dragoman.reports import claims, effect, suggestion
from dragoman.reports.analysis_report import Analysis

ANALYSES: dict[str, Analysis] = {
    effect.NAME: Analysis(effect.TITLE, "campaign", effect.effect_page),
    suggestion.NAME: Analysis(suggestion.TITLE, "campaign", suggestion.suggestion_page),
    claims.NAME: Analysis(claims.TITLE, "campaign", claims.claims_page, claims.version),
}
"""Each analysis, in the order of links to them."""
