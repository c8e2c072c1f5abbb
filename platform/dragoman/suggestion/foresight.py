"""How well a suggestion foretells: of two finished models of one size, is the better one known without either?

For every two models of one design and number of pairs, trained on other draws, the regression is fitted without the
draws of both and foretells which is better on the pairs that are unseen under both. Following it gains half the
difference over choosing one at random. The p-value is of permutations of the models among those of their size, rows
and columns together; the interval is the jackknife's over draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.seen_effect import jackknifed
from dragoman.suggestion.observed_models import ObservedModels

FEWEST_DRAWS = 4
"""Draws from which on models are left out and foretold."""

PERMUTATIONS = 10_000
"""Permutations of the models."""

MOST_FITS = 400
"""Pairs of draws that are left out at most."""


@dataclass(frozen=True)
class Foresight:
    """What following the regression gains over random draws."""

    finding: Finding
    """Gain on unseen pairs of the chosen one of two models, over one of them at random; its p-value is two-sided."""
    right: int
    """Choices that were right: k ..."""
    choices: int
    """... of n."""


def foresight(observed: ObservedModels, sizes: Sequence[tuple[str, int]], *, seed: int) -> Foresight:
    """Choose between every two models of one size without having seen either.

    Args:
        observed: the models.
        sizes: the design and the number of pairs of each.
        seed: of the permutations.
    """
    draws = observed.scores.draws
    pairs = [
        (one, two)
        for one, two in combinations(range(len(sizes)), 2)
        if sizes[one] == sizes[two] and draws[one] != draws[two]
    ]
    if len(set(draws)) < FEWEST_DRAWS or not pairs:
        why = (
            f"There are {len(set(draws))} draws of training pairs, and too few of one size: models are left out and "
            f"foretold from {FEWEST_DRAWS} draws on."
        )
        return Foresight(Finding(n=len(set(draws)), of_what="draws of training pairs", why=why), 0, 0)
    rng = np.random.default_rng(seed)
    if len(pairs) > MOST_FITS:
        pairs = [pairs[place] for place in sorted(rng.choice(len(pairs), MOST_FITS, replace=False).tolist())]
    foretold, actual = np.zeros((2, len(sizes), len(sizes)))
    for one, two in pairs:
        values = observed.values[one] - observed.values[two]
        known = ~np.isnan(values)
        if not known.any():
            continue
        without = (draws[one], draws[two])
        slopes = observed.model.coefficients(observed.model.chosen(without), without)[1:]
        apart = (observed.features[one] - observed.features[two])[known].mean(axis=0)
        foretold[one, two], actual[one, two] = apart @ slopes, values[known].mean()
        foretold[two, one], actual[two, one] = -foretold[one, two], -actual[one, two]
    chosen = np.array(pairs)
    gains = _gains(foretold, actual, chosen)
    every = sorted(set(draws))
    of_draw = np.array(draws)[chosen]
    left_out = [gains[(of_draw != draw).all(axis=1)] for draw in every]
    estimate = float(gains.mean())
    found = jackknifed(estimate, np.array([each.mean() if len(each) else estimate for each in left_out]))
    p = _permuted(foretold, actual, chosen, sizes, rng)
    finding = Finding(
        estimate=estimate, low=found.low, high=found.high, p=p, n=len(every), of_what="draws of training pairs"
    )
    return Foresight(finding, int((gains > 0).sum()), len(pairs))


def _gains(foretold: Numbers, actual: Numbers, pairs: np.ndarray) -> Numbers:
    one, two = pairs.T
    return np.sign(np.round(foretold[one, two], 12)) * actual[one, two] / 2


def _permuted(
    foretold: Numbers, actual: Numbers, pairs: np.ndarray, sizes: Sequence[tuple[str, int]], rng: np.random.Generator
) -> float:
    """Two-sided p-value by permutations of the models within their sizes; of ties half are counted."""
    observed = _gains(foretold, actual, pairs).sum()
    groups = [np.flatnonzero([size == each for each in sizes]) for size in dict.fromkeys(sizes)]
    above = below = 0.0
    for _ in range(PERMUTATIONS):
        order = np.arange(len(sizes))
        for group in groups:
            order[group] = rng.permutation(group)
        value = _gains(foretold[np.ix_(order, order)], actual, pairs).sum()
        tie = 0.5 if abs(value - observed) < 1e-12 else 0.0
        above += tie or float(value > observed)
        below += tie or float(value < observed)
    return min(1.0, 2 * (1 + min(above, below)) / (1 + PERMUTATIONS))
