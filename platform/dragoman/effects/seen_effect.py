"""The seen effect with the pair held fixed: score = pair + model + partition, and intervals from draws of pairs.

    y_mp = α_p + γ_m + Σ_k δ_k · [partition of p under m is k] + ε

by least squares. Where every pair is in one partition whatever the model, difficulty and training can't be told apart,
and a contrast δ_seen - δ_k is not identified. What chance is over are draws of training pairs, not cells: the variance
is the jackknife's that leaves out one draw at a time with all its models (cluster-robust CV3: Bell and McCaffrey, 2002;
MacKinnon, Nielsen and Webb, 2023), and Student's t has a degree of freedom less than there are draws.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dragoman.analysis.aggregation import UNSEEN
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.campaign_scores import CampaignScores
from dragoman.effects.jackknife import DRAWS, jackknifed
from dragoman.partition import Partition
from dragoman.store.schema import PARTITIONS

_TOLERANCE = 1e-9
"""Share of the cells below which an eigenvalue is zero but for rounding."""

Groups = NDArray[np.int64]
"""The group of each cell by number, models × pairs; -1 where it counts in none."""


@dataclass(frozen=True)
class SeenEffect:
    """How much better a pair is scored for having been trained itself, against being in another partition."""

    against: str
    """The partition, or `unseen`: all of them."""
    finding: Finding
    """The effect."""
    cells: int
    """Cells of the two."""
    models: int
    """Models that have cells of either."""
    pairs: int
    """Pairs that are in the one under some model, and in the other under another."""


class Fit(NamedTuple):
    """The partition effects by least squares, as far as they can be told."""

    effects: Numbers
    """The effect of each group, of which only contrasts mean anything."""
    known: Numbers
    """Projection on the contrasts that can be told."""

    def contrast(self, one: int, two: int) -> float | None:
        """The effect of one group less that of another; None where it is not identified."""
        shares = np.zeros(len(self.effects))
        shares[[one, two]] = 1, -1
        if not np.allclose(self.known @ shares, shares, atol=1e-6):
            return None
        return float(shares @ self.effects)


def fit(values: Numbers, groups: Groups, count: int, weights: Numbers | None = None) -> Fit:
    """Least squares of values on pairs, models and groups.

    Args:
        values: models × pairs, NaN where there is none.
        groups: the group of each, below `count`; -1 leaves a cell out.
        count: how many groups there are.
        weights: weight of each model; all alike by default.
    """
    weights = np.ones(len(values)) if weights is None else weights
    held = (~np.isnan(values) & (groups >= 0)) * weights[:, None]
    y = np.where(held > 0, values, 0.0)
    inside = np.stack([(groups == number) * held for number in range(count)])
    totals = held.sum(axis=0)
    shares = np.divide(1.0, totals, out=np.zeros_like(totals), where=totals > 0)
    # sums over the cells of models and groups, less what pairs explain
    sums, mean = inside.sum(axis=1), (held * y).sum(axis=0) * shares
    by_model = np.diag(held.sum(axis=1)) - (held * shares) @ held.T
    across = inside.sum(axis=2).T - (held * shares) @ sums.T
    by_group = np.diag(inside.sum(axis=(1, 2))) - (sums * shares) @ sums.T
    y_model = (held * y).sum(axis=1) - held @ mean
    y_group = (inside * y).sum(axis=(1, 2)) - sums @ mean
    size = float(held.sum())
    solved = _inverse(by_model, size)[0] @ np.column_stack([across, y_model])
    left, right = by_group - across.T @ solved[:, :-1], y_group - across.T @ solved[:, -1]
    inverse, known = _inverse(left, size)
    return Fit(inverse @ right, known)


def contrast(
    values: Numbers, groups: Groups, count: int, draws: NDArray[np.int64], other: int, *, null: float = 0.0
) -> Finding:
    """The effect of group 0 less that of another, with its interval from draws.

    Args:
        values: models × pairs, NaN where there is none.
        groups: the group of each cell.
        count: how many groups there are.
        draws: the draw of each model.
        other: the number of the other group.
        null: the effect that is tested.
    """
    full = fit(values, groups, count).contrast(0, other)
    every = np.unique(draws).tolist()
    if full is None:
        return Finding(n=len(every), of_what=DRAWS, why=_unidentified(groups, other))
    if len(every) < 2:
        why = "There is one draw of training pairs, so there is no interval: train models on other pairs too."
        return Finding(estimate=full, n=1, of_what=DRAWS, why=why)
    without = [fit(values, groups, count, (draws != draw).astype(float)).contrast(0, other) for draw in every]
    known = [each for each in without if each is not None]
    if len(known) < len(every):
        why = "It rests on one draw of training pairs alone, without which it can't be told: there is no interval."
        return Finding(estimate=full, n=len(every), of_what=DRAWS, why=why)
    return Finding.of(jackknifed(full, np.array(known)), n=len(every), of_what=DRAWS, against=null)


def seen_effects(scores: CampaignScores, null: float = 0.0) -> list[SeenEffect]:
    """The effect of being seen, against all unseen pairs and against each unseen partition that occurs.

    Args:
        scores: the scores of the campaign.
        null: the effect that is tested.
    """
    known = ~np.isnan(scores.values) & (scores.partitions > 0)
    present = [number for number in np.unique(scores.partitions[known]).tolist() if PARTITIONS[number]]
    names = {number: str(PARTITIONS[number]) for number in present if PARTITIONS[number] is not Partition.SEEN}
    seen = np.isin(scores.partitions, [number for number in present if number not in names])
    draws = np.array(scores.draws, np.int64)
    merged = np.where(known, np.where(seen, 0, 1), -1)
    apart = np.full(merged.shape, -1, np.int64)
    apart[known & seen] = 0
    for place, number in enumerate(names, 1):
        apart[known & (scores.partitions == number)] = place
    found = [_effect(scores.values, merged, 2, draws, 1, UNSEEN, null)] if names else []
    found += [
        _effect(scores.values, apart, len(names) + 1, draws, place, name, null)
        for place, name in enumerate(names.values(), 1)
    ]
    return found


def _effect(
    values: Numbers, groups: Groups, count: int, draws: NDArray[np.int64], other: int, against: str, null: float
) -> SeenEffect:
    both = (groups == 0) | (groups == other)
    in_both = (groups == 0).any(axis=0) & (groups == other).any(axis=0)
    return SeenEffect(
        against=against,
        finding=contrast(values, groups, count, draws, other, null=null),
        cells=int(both.sum()),
        models=int(both.any(axis=1).sum()),
        pairs=int(in_both.sum()),
    )


def _unidentified(groups: Groups, other: int) -> str:
    one, two = (groups == 0).any(axis=0), (groups == other).any(axis=0)
    if not one.any():
        return "No pair that these models were trained on is evaluated, so nothing is seen: evaluate the trained pairs."
    if not (one & two).any():
        return (
            "Every pair is in the same partition under all models, so that seen and easy can't be told apart: train "
            "models on other draws of pairs."
        )
    return (
        "Models and partitions change together, so that their effects can't be told apart: train more draws of pairs."
    )


def _inverse(matrix: Numbers, size: float) -> tuple[Numbers, Numbers]:
    """The pseudo-inverse of a symmetric matrix of sums over so many cells, and the projection on its range."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    held = values > _TOLERANCE * max(size, 1.0)
    kept = vectors[:, held]
    return (kept / values[held]) @ kept.T, kept @ kept.T
