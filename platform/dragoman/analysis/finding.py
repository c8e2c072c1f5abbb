"""A finding: an estimate with its interval and p-value, how many of what it rests on, and the cells behind it."""

from dataclasses import dataclass
from typing import Self

from dragoman.analysis.estimate import Estimate


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an analysis found; what it can't tell is None, and `why` says why."""

    estimate: float | None = None
    """The value."""
    low: float | None = None
    """Lower end of its 95% interval."""
    high: float | None = None
    """Upper end of it."""
    p: float | None = None
    """Two-sided p-value of the value's being what it is compared with, which is 0 unless it is said otherwise."""
    n: int = 0
    """How many there are ..."""
    of_what: str = ""
    """... of what chance is counted over, in the plural: draws of training pairs, sentences."""
    cells: str = ""
    """Hash of the cells behind it (`analysis.cells_hash`)."""
    why: str | None = None
    """Why there is no estimate, or no interval, as a sentence."""

    @classmethod
    def of(cls, found: Estimate, *, n: int, of_what: str, against: float = 0.0) -> Self:
        """The finding of an estimate with an error.

        Args:
            found: the estimate.
            n: how many of what it rests on.
            of_what: of what.
            against: the value that it is tested against.
        """
        return cls(
            estimate=found.value, low=found.low, high=found.high, p=found.p_against(against), n=n, of_what=of_what
        )
