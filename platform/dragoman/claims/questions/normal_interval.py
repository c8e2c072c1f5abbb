"""The standard error behind a 95% interval that is as wide as that of a normal distribution."""

_QUANTILE = 1.959963984540054
"""Standard errors of half a 95% interval."""


def error_of(low: float, high: float) -> float:
    """The standard error, given both ends of the interval."""
    return (high - low) / 2 / _QUANTILE
