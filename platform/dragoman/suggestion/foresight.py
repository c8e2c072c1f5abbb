"""How well a suggestion foretells: of two finished models of one size, is the better one known without either?

For every two models of one design and number of pairs, trained on other draws, the regression is fitted without the
draws of both and foretells which is better on the pairs that are unseen under both. Following it gains half the
difference over choosing one at random. Interval and p-value are the jackknife's over draws. A regression that knows
nothing loses a little, as the mean of the other models is on the other side of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from dragoman.analysis.estimate import Estimate
from dragoman.analysis.finding import Finding
from dragoman.analysis.pair_scores import Numbers
from dragoman.effects.jackknife import DRAWS, jackknifed
from dragoman.suggestion.observed_models import ObservedModels

FEWEST_DRAWS = 4
"""Draws from which on models are left out and foretold."""

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
        seed: of the choice of models, where they are many.
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
    gains, of_pairs = np.zeros((2, len(pairs)))
    for place, (one, two) in enumerate(pairs):
        values = observed.values[one] - observed.values[two]
        known = ~np.isnan(values)
        if not known.any():
            continue
        without = (draws[one], draws[two])
        slopes = observed.model.slopes(observed.model.penalty(without), without)
        foretold, actual = (observed.features[one] - observed.features[two])[known] @ slopes, values[known]
        gains[place] = _sign(foretold.mean()) * actual.mean() / 2
        of_pairs[place] = _sign(foretold - foretold.mean()) @ (actual - actual.mean()) / (2 * len(actual))
    every = sorted(set(draws))
    of_draw = np.array(draws)[np.array(pairs)]
    kept = [(of_draw != draw).all(axis=1) for draw in every]

    def mean(values: Numbers) -> Estimate:
        full = float(values.mean())
        return jackknifed(full, np.array([values[held].mean() if held.any() else full for held in kept]))

    finding = Finding.of(mean(gains), n=len(every), of_what=DRAWS)
    within = Finding.of(mean(of_pairs), n=len(every), of_what=DRAWS)
    return Foresight(finding, int((gains > 0).sum()), len(pairs), within)


def _sign(values: Numbers) -> Numbers:
    """The signs of some differences, of which rounding makes none."""
    signs: Numbers = np.sign(np.round(values, 12))
    return signs
