"""Errors of hypotheses: one definition of each label, which metrics, profiles and pages share."""
