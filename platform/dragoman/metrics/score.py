"""A score: the value of one metric on one pair, and what tests of it need; or the reason why there is none."""

from dataclasses import dataclass, field

from dragoman.metrics.base import Statistics


@dataclass(frozen=True, eq=False)
class ScoreRecord:
    """One metric's verdict on a set of hypotheses."""

    metric: str
    """Name of the metric."""
    signature: str
    """Everything the value depends on besides the text; only equal signatures are compared."""
    value: float
    """The corpus score."""
    low: float
    """Lower end of the 95% bootstrap interval."""
    high: float
    """Upper end of it."""
    statistics: Statistics
    """Sufficient statistics, segments × k; `packing.pack` makes bytes of them."""
    details: dict[str, float] = field(default_factory=dict)
    """Figures shown beside the score (`Metric.details`)."""


@dataclass(frozen=True)
class Unscorable:
    """A metric that could not score a pair, which is neither a failure nor a zero."""

    metric: str
    """Name of the metric."""
    reason: str
    """A sentence."""
