"""The smallest detectable difference, held against simulated test sets."""

import numpy as np
import pytest

from dragoman.analysis.detectable import smallest_detectable, units_to_detect
from dragoman.metrics.replicates import Sides, standard_error
from dragoman.metrics.sacrebleu import Bleu
from dragoman.metrics.significance import paired_approximate_randomization
from dragoman.pair import Pair

METRIC = Bleu(Pair("en", "de"))


def two_systems(rng, sentences, gain):
    """BLEU's statistics of two systems on sentences that are hard or easy for both."""
    words = 5 + rng.poisson(14, size=sentences)
    hardness = rng.normal(0.5, 0.1, size=sentences)
    sides = []
    for quality in (hardness, hardness + gain):
        chance = np.clip(quality + rng.normal(0, 0.05, size=sentences), 0.05, 0.95)
        right = [rng.binomial(words - n, chance ** (n + 1)) for n in range(4)]
        sides.append(np.stack([words, words, *right, *(words - n for n in range(4))], axis=1).astype(float))
    return Sides.of(METRIC, *sides)


def gain_of(difference):
    """The gain in quality by which the second system is better by so much BLEU, on very many sentences."""
    low, high = 0.0, 0.1
    for _ in range(12):
        middle = (low + high) / 2
        # the same random numbers for every gain
        low, high = (
            (middle, high)
            if two_systems(np.random.default_rng(0), 60_000, middle).delta < difference
            else (low, middle)
        )
    return middle


def found(sentences, gain, sets, trials=400):
    """The share of simulated test sets on which the difference is significant at 0.05."""
    rng = np.random.default_rng(7)
    drawn = [two_systems(rng, sentences, gain) for _ in range(sets)]
    tests = [
        paired_approximate_randomization(METRIC, each.baseline, each.system, trials, seed)
        for seed, each in enumerate(drawn)
    ]
    return np.mean([test.p_value <= 0.05 for test in tests])


def test_four_in_five_simulated_test_sets_show_the_smallest_detectable_difference():
    rng, sentences = np.random.default_rng(1), 200
    errors = [standard_error(two_systems(rng, sentences, 0.0).left_out) for _ in range(20)]
    error = float(np.mean(errors))
    gain = gain_of(smallest_detectable(error))
    # the standard error of a share of 80% of 300 is 2.3%, of 120 3.7%
    assert found(sentences, gain, sets=300) == pytest.approx(0.8, abs=0.07)
    # half of it takes four times the sentences
    needed = units_to_detect(sentences, error, smallest_detectable(error) / 2)
    assert needed in (4 * sentences, 4 * sentences + 1)
    assert found(needed, gain_of(smallest_detectable(error) / 2), sets=120) == pytest.approx(0.8, abs=0.11)


def test_the_smallest_detectable_difference_is_that_of_the_two_quantiles():
    # 1.960 of a test at 0.05 and 0.842 of four times in five; 0.05 / 66 has the quantile 3.369
    assert smallest_detectable(1.0) == pytest.approx(2.8016, abs=1e-4)
    assert smallest_detectable(0.5, tests=66) == pytest.approx(0.5 * (3.3690 + 0.8416), abs=1e-3)
    assert smallest_detectable(1.0, alpha=0.01) == pytest.approx(2.5758 + 0.8416, abs=1e-4)
    assert units_to_detect(1000, 1.0, 0.0) is None
    # 2 of 2^5 deals are more than 0.05 of them, 2 of 2^6 are less
    assert units_to_detect(1000, 0.0, 1.0) == 6
    assert units_to_detect(1000, 0.5, -2.0) == units_to_detect(1000, 0.5, 2.0)
