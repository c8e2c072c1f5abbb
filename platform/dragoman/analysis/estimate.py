"""An estimate with Student's t interval and p-values, from the parts of its variance."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from dragoman.metrics.resampling import LEVEL


class Part(NamedTuple):
    """A part of a variance."""

    variance: float
    """The part."""
    degrees: float
    """Its degrees of freedom."""

    @classmethod
    def jackknife(cls, left_out: NDArray[np.float64]) -> Self:
        """The variance of a value, given what it is without each of some units (Tukey, 1958)."""
        count = len(left_out)
        return cls((count - 1) / count * float(np.sum((left_out - left_out.mean()) ** 2)), count - 1)


class Estimate(NamedTuple):
    """A value with what chance may change of it."""

    value: float
    """The value."""
    low: float
    """Lower end of its 95% interval."""
    high: float
    """Upper end of it."""
    p_value: float
    """Probability of a value this far from zero by chance, two-sided: at most 0.05 exactly where the interval leaves
    zero out."""
    p_below: float
    """Probability of a value this low by chance, one-sided."""
    error: float
    """Standard error."""
    degrees: float
    """Degrees of freedom."""

    @classmethod
    def of(cls, value: float, parts: Sequence[Part], level: float = LEVEL) -> Self:
        """A value whose variance is a sum, with the degrees of freedom of Satterthwaite (1946).

        A value without error is certain.
        """
        from scipy.special import stdtr, stdtrit

        variance = sum(part.variance for part in parts)
        squares = sum(part.variance**2 / part.degrees for part in parts)
        degrees = variance**2 / squares if squares else 1.0
        error = variance**0.5
        if error == 0:
            certain = 1.0 if value == 0 else 0.0
            return cls(value, value, value, certain, float(value >= 0), error, degrees)
        half, ratio = float(stdtrit(degrees, (1 + level) / 2)) * error, value / error
        return cls(
            value, value - half, value + half, 2 * float(stdtr(degrees, -abs(ratio))), float(stdtr(degrees, ratio)),
            error, degrees,
        )  # fmt: skip

    def p_against(self, value: float) -> float:
        """Two-sided p-value of its being another value by chance alone."""
        from scipy.special import stdtr

        if self.error == 0:
            return 1.0 if self.value == value else 0.0
        return 2 * float(stdtr(self.degrees, -abs(self.value - value) / self.error))
