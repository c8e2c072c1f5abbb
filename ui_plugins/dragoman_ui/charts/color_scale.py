"""The colour scale of a heat map: numbers to steps. The style sheet defines the colours of the steps."""

import math
from collections.abc import Iterable
from typing import NamedTuple, Self

STEPS = 20
"""Steps from one end of a scale to the other: more than an eye tells apart, few enough for one class each."""

_ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
"""Ends of a scale, times a power of ten."""

_NOTHING = 1e-6
"""Below this no table shows a digit; a scale of it would show noise."""


class Scale(NamedTuple):
    """A range of numbers in steps; the last step is the best, so for error rates it is the lowest number."""

    worst: float
    """The number at step 0."""
    best: float
    """The number at the last step."""
    diverging: bool = False
    """Whether the middle step is zero, and what lies on its two sides is of opposite sign."""

    @classmethod
    def of_scores(cls, values: Iterable[float], higher_is_better: bool = True) -> Self:
        """A scale from zero (or, where scores are negative, from below) to a round number that holds all."""
        found = list(values)
        low, high = min(0.0, *found, 0.0), max(0.0, *found, 0.0)
        ends = (-_round_up(-low) if low < 0 else 0.0, _round_up(high))
        return cls(*(ends if higher_is_better else ends[::-1]))

    @classmethod
    def of_differences(cls, values: Iterable[float], higher_is_better: bool = True) -> Self:
        """A scale with zero in its middle that holds all."""
        end = _round_up(max(map(abs, values), default=0.0))
        return cls(-end, end, True) if higher_is_better else cls(end, -end, True)

    def step(self, value: float) -> int:
        """The step of a number, 0 to `STEPS`."""
        share = (value - self.worst) / (self.best - self.worst)
        return round(STEPS * min(1.0, max(0.0, share)))

    @property
    def ticks(self) -> list[float]:
        """The numbers at both ends and at the quarters between them."""
        return [self.worst + (self.best - self.worst) * quarter / 4 for quarter in range(5)]

    @property
    def digits(self) -> int:
        """Digits after the point that tell the ticks apart: none of a scale to 8 and more, then one, and so on."""
        end = max(abs(self.worst), abs(self.best))
        return 0 if end >= 8 else 1 - min(0, math.floor(math.log10(end)))


def _round_up(value: float) -> float:
    if value < _NOTHING:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(factor * power for factor in _ROUND if factor * power >= value * (1 - 1e-9))
