"""The chance that people agree with a difference of two systems' scores, by its size.

Of pairs of systems whose scores differ by about so much, it is the share that people rank as the metric does (Kocmi,
Zouhar, Federmann and Post, 2024, "Navigating the Metrics Maze: Reconciling Score Magnitudes and Accuracies"). The
fitted curves are in `human_agreement.toml`, with their source.
"""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import exp
from typing import NamedTuple

COIN_TOSS = 50.0
"""Percent agreement of someone who decides by tossing a coin: curves end there."""

NOTICED = 75.0
"""Percent agreement from which a difference is called noticeable: half-way from a coin toss to certainty, the usual
threshold of a just noticeable difference between two things."""


class Curve(NamedTuple):
    """Agreement by size of the difference: a / (1 + e^(-b d)) percent for d points."""

    a: float
    """Percent agreement with differences without end."""
    b: float
    """How fast it is reached, by points."""

    def agreement(self, difference: float) -> float:
        """The percent of decisions in which people agree with a difference, at least that of a coin toss.

        Args:
            difference: in points of the metric, whatever its sign.
        """
        return max(COIN_TOSS, self.a / (1 + exp(-self.b * abs(difference))))


def curve(metric: str, signatures: Collection[str]) -> Curve | None:
    """The curve of a metric under some signatures; None where there is none of it, or of one of the signatures."""
    found = _curves().get(metric)
    if found is None or not signatures:
        return None
    known, wanted = found
    return known if all(_matches(text, wanted) for text in signatures) else None


@cache
def _curves() -> dict[str, tuple[Curve, Mapping[str, Sequence[str]]]]:
    text = files("dragoman.analysis").joinpath("human_agreement.toml").read_text(encoding="utf-8")
    return {metric: (Curve(its["a"], its["b"]), its["signature"]) for metric, its in tomllib.loads(text).items()}


def _matches(signature: str, wanted: Mapping[str, Sequence[str]]) -> bool:
    fields = dict(field.partition(":")[::2] for field in signature.split("|"))
    return all(fields.get(key) in values for key, values in wanted.items())
