"""Recipes compared over their seeds and sentences, against independent tests and simulated truth."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from dragoman.analysis.estimate import Estimate, Part
from dragoman.analysis.recipes import (
    RecipeScores,
    RecipeTests,
    difference_of_recipes,
    mean_of_recipe,
)
from dragoman.analysis.units import independent
from dragoman.metrics.base import MetricError, Statistics
from dragoman.metrics.sacrebleu import Bleu
from dragoman.pair import Pair

EN_DE = Pair("en", "de")


def scores(values, sentences, rng, samples=400) -> RecipeScores:
    """Scores of seeds (k) that differ from sentence to sentence alike (n), resampled by the given generator's draws."""
    weights = rng.multinomial(len(sentences), np.full(len(sentences), 1 / len(sentences)), size=samples)
    drawn = weights @ sentences / len(sentences) - sentences.mean()
    return RecipeScores(np.asarray(values, float), np.asarray(values, float)[:, None] + drawn)


def test_where_sentences_tell_nothing_it_is_welchs_test_of_the_seeds():
    rng = np.random.default_rng(1)
    a, b = rng.normal(30, 1, 5), rng.normal(31, 2, 4)
    still = np.zeros(100)
    found = difference_of_recipes(scores(a, still, rng), scores(b, still, rng), units=100)
    welch = ttest_ind(b, a, equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(welch.confidence_interval(0.95)))
    less = ttest_ind(b, a, equal_var=False, alternative="less")
    assert found.p_below == pytest.approx(less.pvalue)


def test_where_seeds_are_equal_it_is_the_test_of_the_sentences():
    """Two recipes whose seeds agree, and differ by another amount on each sentence: a t-test of the differences."""
    rng = np.random.default_rng(2)
    differences = rng.normal(0.2, 1, 200)
    draws = np.random.default_rng(3)
    a = RecipeScores(np.zeros(3), np.zeros((3, 20_000)))
    resampled = scores([differences.mean()] * 3, differences, draws, samples=20_000)
    found = difference_of_recipes(a, resampled, units=200)
    expected = ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected), abs=0.01)


def crossed(rng, n, k, by_seed, by_sentence_and_recipe, by_both):
    """Scores of a recipe's k models on n sentences: sentence, seed, recipe on a sentence, and seed on a sentence."""
    return (
        rng.normal(0, by_seed, (k, 1))
        + rng.normal(0, by_sentence_and_recipe, n)
        + rng.normal(0, by_both, (k, n))
    )  # fmt: skip


@pytest.mark.parametrize(("by_seed", "by_recipe"), [(1.0, 0.0), (1.0, 3.0), (0.0, 0.0)])
def test_equal_recipes_are_called_different_about_as_often_as_the_level_says(by_seed, by_recipe):
    """1,000 comparisons of five seeds with five: 5% are 50 alarms, of which chance makes 30 to 70 (three deviations).

    The benchmark `inference.py` has the same with corpus scores and more of them.
    """
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(1000):
        common = rng.normal(0, 5, 100)
        a, b = (common + crossed(rng, 100, 5, by_seed, by_recipe, 5.0) for _ in range(2))
        weights = rng.multinomial(100, np.full(100, 0.01), size=200) / 100
        sides = [RecipeScores(side.mean(axis=1), side @ weights.T) for side in (a, b)]
        alarms += difference_of_recipes(*sides, units=100).p_value <= 0.05
    assert 30 <= alarms <= 70


def test_the_p_value_agrees_with_the_interval():
    rng = np.random.default_rng(5)
    for _ in range(300):
        found = Estimate.of(rng.normal(0, 1), [Part(rng.uniform(0.1, 1), rng.uniform(1, 50))])
        assert (found.p_value <= 0.05) == (found.low > 0 or found.high < 0)
        assert 2 * min(found.p_below, 1 - found.p_below) == pytest.approx(found.p_value)


def test_one_seed_varies_as_the_other_recipes_do_and_two_of_one_seed_are_refused():
    rng = np.random.default_rng(6)
    still = np.zeros(50)
    several, one = scores([1.0, 2.0, 3.0], still, rng), scores([2.0], still, rng)
    found = difference_of_recipes(one, several, units=50)
    assert found.error == pytest.approx((1.0 / 1 + 1.0 / 3) ** 0.5)
    with pytest.raises(MetricError, match="one of each"):
        difference_of_recipes(one, one, units=50)
    with pytest.raises(MetricError, match="there is one"):
        mean_of_recipe(one, units=50)
    assert mean_of_recipe(several, units=50).error == pytest.approx(1 / 3**0.5)


def statistics(right: int, other: str = "nothing at all") -> dict[Pair, Statistics]:
    """Statistics of a model that gets so many of 60 sentences right."""
    references = [f"sentence number {number} says this and that" for number in range(60)]
    metric = Bleu(EN_DE)
    return {EN_DE: metric.statistics(references, references[:right] + [other] * (60 - right), references)}


def test_recipes_are_pooled_from_statistics():
    a, b = [statistics(30), statistics(34)], [statistics(40), statistics(44)]
    found = RecipeTests(Bleu, a, b, independent({EN_DE: 60})).difference({EN_DE: 1})
    values = [Bleu(EN_DE).score(model[EN_DE]) for model in (*a, *b)]
    assert found.value == pytest.approx((values[2] + values[3] - values[0] - values[1]) / 2)
    assert found.low < found.value < found.high
    turned = RecipeTests(Bleu, b, a, independent({EN_DE: 60})).difference({EN_DE: 1})
    assert (turned.value, turned.error) == pytest.approx((-found.value, found.error))
    same = RecipeTests(Bleu, a, list(reversed(a)), independent({EN_DE: 60})).difference({EN_DE: 1})
    assert same.value == pytest.approx(0) and same.p_value == pytest.approx(1)
