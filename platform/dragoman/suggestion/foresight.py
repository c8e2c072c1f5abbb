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
from numpy.typing import NDArray

from dragoman.analysis.estimate import Estimate
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.seen_effect import DRAWS, jackknifed
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
    within: Finding
    """The gain of choosing the better of two models for each unseen pair by itself, over the better for all of them:
    both what is foretold and what came out are taken less their means over the pairs."""


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
        nothing = Finding(n=len(set(draws)), of_what=DRAWS, why=why)
        return Foresight(nothing, 0, 0, nothing)
    rng = np.random.default_rng(seed)
    if len(pairs) > MOST_FITS:
        pairs = [pairs[place] for place in sorted(rng.choice(len(pairs), MOST_FITS, replace=False).tolist())]
    foretold, actual, of_pairs = np.zeros((3, len(sizes), len(sizes)))
    for one, two in pairs:
        values = observed.values[one] - observed.values[two]
        known = ~np.isnan(values)
        if not known.any():
            continue
        without = (draws[one], draws[two])
        slopes = observed.model.slopes(observed.model.penalty(without), without)
        apart = (observed.features[one] - observed.features[two])[known] @ slopes
        foretold[one, two], actual[one, two] = apart.mean(), values[known].mean()
        of_pairs[one, two] = _centred_sign(apart) @ (values[known] - values[known].mean()) / (2 * known.sum())
        foretold[two, one], actual[two, one] = -foretold[one, two], -actual[one, two]
    chosen = np.array(pairs)
    gains = _gains(foretold, actual, chosen)
    every = sorted(set(draws))
    of_draw = np.array(draws)[chosen]
    kept = [(of_draw != draw).all(axis=1) for draw in every]

    def mean(values: Numbers) -> Estimate:
        full = float(values.mean())
        return jackknifed(full, np.array([values[held].mean() if held.any() else full for held in kept]))

    found, p = mean(gains), _permuted(foretold, actual, chosen, sizes, rng)
    finding = Finding(estimate=found.value, low=found.low, high=found.high, p=p, n=len(every), of_what=DRAWS)
    within = Finding.of(mean(of_pairs[chosen[:, 0], chosen[:, 1]]), n=len(every), of_what=DRAWS)
    return Foresight(finding, int((gains > 0).sum()), len(pairs), within)


def _centred_sign(foretold: Numbers) -> Numbers:
    signs: Numbers = np.sign(np.round(foretold - foretold.mean(), 12))
    return signs


def _gains(foretold: Numbers, actual: Numbers, pairs: NDArray[np.intp]) -> Numbers:
    one, two = pairs.T
    gains: Numbers = np.sign(np.round(foretold[one, two], 12)) * actual[one, two] / 2
    return gains


def _permuted(
    foretold: Numbers,
    actual: Numbers,
    pairs: NDArray[np.intp],
    sizes: Sequence[tuple[str, int]],
    rng: np.random.Generator,
) -> float:
    """Two-sided p-value by permutations of the models within their sizes; of ties half are counted."""
    observed = _gains(foretold, actual, pairs).sum()
    groups = [np.flatnonzero([size == each for each in sizes]) for size in dict.fromkeys(sizes)]
    one, two = pairs.T
    signs = np.sign(np.round(foretold, 12))
    orders = np.tile(np.arange(len(sizes)), (PERMUTATIONS, 1))
    for group in groups:
        orders[:, group] = rng.permuted(orders[:, group], axis=1)
    values = (signs[orders[:, one], orders[:, two]] * actual[one, two] / 2).sum(axis=1)
    ties = np.isclose(values, observed, rtol=0, atol=1e-12)
    above = float((values > observed)[~ties].sum()) + ties.sum() / 2
    return float(min(1.0, 2 * (1 + min(above, PERMUTATIONS - above)) / (1 + PERMUTATIONS)))
