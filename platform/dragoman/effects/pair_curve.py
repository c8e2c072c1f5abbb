"""The curve over the number of training pairs by partition, for each design of training apart.

Points are the means over draws of pairs. Through them go a straight line over log2 n, whose slope is what a doubling of
the pairs brings, and y(n) = a - b n^(-c), by least squares: for each c the best a and b are those of a line (variable
projection: Golub and Pereyra, 1973). Intervals are the jackknife's over draws. A fixed number of examples in all and a
fixed number for each pair are two designs: in the first more pairs mean fewer examples of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import fmean, stdev

import numpy as np

from dragoman.analysis.aggregation import SCOPES, masks_by_scope
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.effects.jackknife import DRAWS, jackknifed

_LEAST, _MOST = 0.01, 5.0
"""Bounds of the exponent c: a curve beyond them is a line over log n, or a step."""

_BENT = 1.01
"""How far within its bounds, as a ratio, the exponent is that the numbers of pairs determine."""

_STEPS = 60
"""Values of c that are tried before the best is refined."""

SLOPE, CEILING, SPAN, RATE = "slope", "a", "b", "c"
"""What is fitted: the gain of a doubling, and the three parameters of a - b n^(-c)."""


_STRAIGHT = (
    "Within these numbers of pairs the curve is as good as a straight line over log n, or a step, so that a, b and c "
    "are not determined: try more numbers of pairs, or more draws."
)


@dataclass(frozen=True)
class CurvePoint:
    """Models trained on one number of pairs."""

    design: str
    """Their design."""
    scope: str
    """The partition, `unseen` or `all`."""
    pairs: int
    """Directed pairs that they were trained on."""
    mean: float
    """Mean over draws of the mean over pairs."""
    sd: float | None
    """Standard deviation over draws; None of one draw."""
    draws: int
    """Draws."""
    evaluated: float
    """Evaluated pairs of the scope, on average."""


@dataclass(frozen=True)
class CurveFit:
    """A number of a fitted curve."""

    design: str
    """The design."""
    scope: str
    """The scope."""
    what: str
    """`slope`, `a`, `b` or `c`."""
    finding: Finding
    """The number."""
    models: int
    """Models that it is fitted to."""


@dataclass(frozen=True)
class _Sample:
    """The models of a design with their means over one scope."""

    numbers: Numbers
    means: Numbers
    draws: Numbers
    evaluated: Numbers


def curve_points(scores: CampaignScores, designs: Sequence[str]) -> list[CurvePoint]:
    """The points of each design and scope."""
    found = []
    for (design, scope), sample in _samples(scores, designs).items():
        for number in np.unique(sample.numbers).tolist():
            held = sample.numbers == number
            means = [
                fmean(sample.means[held & (sample.draws == draw)].tolist())
                for draw in np.unique(sample.draws[held]).tolist()
            ]
            found.append(
                CurvePoint(
                    design=design,
                    scope=scope,
                    pairs=int(number),
                    mean=fmean(means),
                    sd=stdev(means) if len(means) > 1 else None,
                    draws=len(means),
                    evaluated=fmean(sample.evaluated[held].tolist()),
                )
            )
    return found


def curve_fits(scores: CampaignScores, designs: Sequence[str], against: float = 0.0) -> list[CurveFit]:
    """The fitted numbers of each design and scope that several numbers of pairs were tried of.

    Args:
        scores: the scores of the campaign.
        designs: the design of each model.
        against: the slope that is tested.
    """
    found = []
    for (design, scope), sample in _samples(scores, designs).items():
        distinct = len(np.unique(sample.numbers))
        if distinct < 2:
            continue
        names: dict[str, Callable[[Numbers, Numbers], float | None]] = {SLOPE: _slope}
        if distinct > 2 and len(sample.numbers) > 3:
            names |= {name: _parameter(place) for place, name in enumerate((CEILING, SPAN, RATE))}
        for name, estimated in names.items():
            finding = _finding(sample, estimated, against if name == SLOPE else None)
            found.append(CurveFit(design, scope, name, finding, len(sample.numbers)))
    return found


def saturating(numbers: Numbers, means: Numbers) -> tuple[float, float, float]:
    """The a, b and c of a - b n^(-c) by least squares, with c between 0.01 and 5."""
    from scipy.optimize import minimize_scalar

    def solved(rate: float) -> tuple[float, Numbers]:
        columns = np.column_stack([np.ones(len(numbers)), -(numbers**-rate)])
        best = np.asarray(np.linalg.lstsq(columns, means, rcond=None)[0], np.float64)
        return float(np.sum((columns @ best - means) ** 2)), best

    grid = np.geomspace(_LEAST, _MOST, _STEPS)
    place = int(np.argmin([solved(rate)[0] for rate in grid]))
    bounds = (log(grid[max(place - 1, 0)]), log(grid[min(place + 1, _STEPS - 1)]))
    refined = minimize_scalar(lambda x: solved(np.exp(x))[0], bounds=bounds, method="bounded", options={"xatol": 1e-10})
    rate = float(np.exp(refined.x))
    ceiling, span = solved(rate)[1].tolist()
    return ceiling, span, rate


def _slope(numbers: Numbers, means: Numbers) -> float | None:
    x = np.log2(numbers)
    x = x - x.mean()
    return float(x @ means / (x @ x))


def _parameter(place: int) -> Callable[[Numbers, Numbers], float | None]:
    def estimated(numbers: Numbers, means: Numbers) -> float | None:
        found = saturating(numbers, means)
        return found[place] if _LEAST * _BENT < found[-1] < _MOST / _BENT else None

    return estimated


def _finding(sample: _Sample, estimated: Callable[[Numbers, Numbers], float | None], against: float | None) -> Finding:
    every = np.unique(sample.draws).tolist()
    full = estimated(sample.numbers, sample.means)
    kept = [sample.draws != draw for draw in every]
    if full is None:
        return Finding(n=len(every), of_what=DRAWS, why=_STRAIGHT)
    least = 2 if against is not None else 3
    if len(every) < 2 or any(len(np.unique(sample.numbers[held])) < least for held in kept):
        why = "There are too few draws of training pairs for an interval: draw each number of pairs with several seeds."
        return Finding(estimate=full, n=len(every), of_what=DRAWS, why=why)
    left_out = [estimated(sample.numbers[held], sample.means[held]) for held in kept]
    known = [each for each in left_out if each is not None]
    if len(known) < len(left_out):
        return Finding(estimate=full, n=len(every), of_what=DRAWS, why=_STRAIGHT)
    found = jackknifed(full, np.array(known))
    finding = Finding.of(found, n=len(every), of_what=DRAWS, against=against or 0.0)
    return finding if against is not None else replace(finding, p=None)


def _samples(scores: CampaignScores, designs: Sequence[str]) -> dict[tuple[str, str], _Sample]:
    rows: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for place, model in enumerate(scores.models):
        values, known = scores.values[place], ~np.isnan(scores.values[place])
        for name, held in masks_by_scope(
            scores.partitions[place], chosen=known & (scores.partitions[place] > 0)
        ).items():
            row = (len(model.own.pairs), float(values[held].mean()), scores.draws[place], int(held.sum()))
            rows.setdefault((designs[place], str(name)), []).append(row)
    order = {design: number for number, design in enumerate(dict.fromkeys(designs))}
    keys = sorted(rows, key=lambda key: (order[key[0]], SCOPES.index(key[1])))
    return {key: _Sample(*np.array(rows[key], np.float64).T) for key in keys}
