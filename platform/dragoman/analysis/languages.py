"""Means over pairs as of a sample of languages: how much they would change with other languages.

The pairs of a grid share their languages, so they are no sample of pairs: what was sampled, if anything was, are
languages, each of which is in many pairs as a source and as a target. The standard error is the jackknife's that
leaves out one language at a time with all its pairs (Tukey, 1958; for pairs of a sample: Snijders and Borgatti, 1999).
"""

from collections.abc import Mapping

import numpy as np

from dragoman.analysis.estimate import Estimate, Part
from dragoman.pair import Pair

FEWEST_LANGUAGES = 3
"""Languages from which their spread is known."""


def over_languages(
    values: Mapping[Pair, float],
    weights: Mapping[Pair, float] | None = None,
    *,
    sentences: float = 0.0,
    units: int = 2,
) -> Estimate | None:
    """The weighted mean over some pairs, as of languages that others may stand for.

    A language that is in all of the pairs stays: then the mean is about this one with others.

    Args:
        values: the score, or the difference, of each pair.
        weights: the pairs with their weights; by default all that have a value, alike.
        sentences: the variance of the mean with other sentences, which is added.
        units: how many sentences that is of.

    Returns:
        The mean with its interval; None where fewer than three languages can be left out.
    """
    weights = dict.fromkeys(values, 1.0) if weights is None else weights
    pairs = list(weights)
    shares = np.array([weights[pair] for pair in pairs])
    own = np.array([values[pair] for pair in pairs])
    languages = sorted({tag for pair in pairs for tag in pair})
    kept = [np.array([tag not in pair for pair in pairs]) for tag in languages]
    left_out = np.array([np.average(own[held], weights=shares[held]) for held in kept if held.any()])
    if len(left_out) < FEWEST_LANGUAGES:
        return None
    parts = [Part.jackknife(left_out), Part(sentences, max(units - 1, 1))]
    return Estimate.of(float(np.average(own, weights=shares)), parts)
