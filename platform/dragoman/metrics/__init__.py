"""Metrics: what they are, sacreBLEU's and the off-target rate, and tests on stored statistics."""
