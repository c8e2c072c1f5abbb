"""Disagreement of metrics: on systems, and on single sentences."""
