"""Replicability: on at least how many pairs, and into how many languages, a system is better."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm

from dragoman.analysis.comparison import compare
from dragoman.analysis.joint_tests import joint_tests_of
from dragoman.analysis.replicability import Replicated, at_least, by_target, replicated
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import Block, Units
from dragoman.metrics.off_target import OffTarget
from dragoman.metrics.significance import Correction, holm
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.store.schema import PARTITION_IDS

ALPHA = 0.05


def partial_conjunction(p_values, u):
    """The p-value of "an effect in at least u": the largest of Bonferroni's over all n - u + 1 of the tests at once.

    Benjamini and Heller (2008), Screening for partial conjunction hypotheses, section 2.
    """
    size = len(p_values) - u + 1
    return max(min(1.0, size * min(chosen)) for chosen in combinations(p_values, size))


def test_the_count_is_the_largest_u_whose_partial_conjunction_is_rejected_up_to_it():
    rng = np.random.default_rng(3)
    for _ in range(200):
        p_values = rng.uniform(size=6) ** rng.choice([1, 4])
        rejected = [partial_conjunction(p_values, u) <= ALPHA for u in range(1, 7)]
        up_to = next((place for place, holds in enumerate(rejected) if not holds), 6)
        assert at_least(p_values, ALPHA) == up_to


def test_what_is_not_tested_speaks_for_nothing():
    assert at_least(np.array([0.02, np.nan]), ALPHA) == 1 == at_least(np.array([0.02, 1.0]), ALPHA)
    assert at_least(np.array([0.02, np.nan, np.nan]), ALPHA) == 0
    assert at_least(np.array([]), ALPHA) == 0


def test_pairs_into_one_language_are_taken_together_after_bonferroni():
    p_values = by_target(
        np.array([0.01, 0.5, 0.04, np.nan, 0.9, np.nan]), np.array(["de", "de", "fr", "fr", "ru", "fi"])
    )
    # in the order of the tags: de 2 x 0.01, fi without a test, fr 2 x 0.04, ru 0.9
    np.testing.assert_allclose(p_values, [0.02, np.nan, 0.08, 0.9])


def test_a_claim_is_made_of_each_scope():
    partitions = np.array([PARTITION_IDS[each] for each in ("seen", "unseen_both", "unseen_both")], np.int8)
    found = replicated(
        np.array([0.001, 0.02, 0.3]), partitions=partitions, targets=np.array(["de", "fr", "ru"]), alpha=ALPHA
    )
    assert found["seen"] == Replicated(1, 1) and found["unseen"] == Replicated(1, 1) == found["unseen_both"]
    assert found["all"] == Replicated(2, 2)


@pytest.mark.parametrize("correlation", [0.0, 0.8])
@pytest.mark.parametrize("better", [0, 3, 9])
def test_the_count_seldom_exceeds_the_planted_truth(better, correlation):
    """Of ten pairs some are truly better and the rest no worse and no better, all with the same sentences."""
    rng, runs = np.random.default_rng(better), 4000
    shared, own = rng.standard_normal((runs, 1)), rng.standard_normal((runs, 10))
    z = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own + np.where(np.arange(10) < better, 5.0, 0.0)
    counts = np.array([at_least(row, ALPHA) for row in norm.sf(z)])
    # three standard errors of a rate of 5 % in 4,000 are 1 %
    assert np.mean(counts > better) <= ALPHA + 0.01
    assert np.mean(counts >= better) > 0.85  # and it finds what is there
    if better < 9:
        assert np.mean((norm.sf(z) <= ALPHA).sum(axis=1) > better) > 0.1  # which counting p-values does not keep


def test_the_tests_of_two_systems_keep_it_too():
    """Four pairs on the same sentences; system b is truly better on the first of them."""
    rng, runs, lines = np.random.default_rng(8), 300, 120
    pairs = [Pair("en", target) for target in ("de", "fr", "ru", "fi")]
    units = Units((Block(lines, {pair: np.arange(lines) for pair in pairs}),), None)
    exceeded = found = 0
    for seed in range(runs):
        hard = rng.random(lines) < 0.3
        statistics = {}
        for pair in pairs:
            sides = np.zeros((2, lines, 5))
            sides[..., 4] = 1
            sides[..., 0] = rng.random((2, lines)) < np.where(hard, 0.8, 0.1)
            if pair.target == "de":
                sides[1, :, 0] *= rng.random(lines) < 0.3
            statistics[pair] = (sides[0], sides[1])
        tests = joint_tests_of(OffTarget, statistics, units, Plan(samples=400, seed=seed), {})
        count = at_least(np.array([tests.pairs[pair].p_better for pair in pairs]), ALPHA)
        exceeded += count > 1
        found += count >= 1
    assert found > 0.9 * runs
    assert exceeded / runs <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / runs)


def test_a_comparison_counts_by_the_one_sided_tests_whatever_its_correction(campaign_in, tmp_path):
    pairs = all_pairs(["en", "de", "fr"])
    with campaign_in(tmp_path) as campaign:
        models = {"base": TrainingGraph(), "tuned": TrainingGraph.of([Pair("en", "de"), Pair("en", "fr")])}
        quality = {"base": 0.5, "tuned": 0.9, ("tuned", pairs[0]): 0.2}
        store = campaign.fill(models, pairs, quality=quality, segments=30)
        for correction in Correction:
            found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="tuned", correction=correction)
            scope = next(scope for scope in found.scopes if scope.scope == "all")
            better = holm([each.p_better for each in found.pairs]) <= ALPHA
            worse = holm([each.p_worse for each in found.pairs]) <= ALPHA
            assert (scope.better_on, scope.worse_on) == (better.sum(), worse.sum()) == (5, 1)
            assert (scope.better_into, scope.worse_into, scope.targets) == (3, 1, 3)
        for each in found.pairs:
            # one side holds the observation, and the two share what ties with it
            assert (each.p_better < each.p_worse) is (each.delta > 0)
            assert each.p_better + each.p_worse == pytest.approx(1, abs=0.01)


def test_an_error_rate_is_better_where_it_is_lower(campaign_in, tmp_path):
    pairs = all_pairs(["en", "de"])
    with campaign_in(tmp_path) as campaign:
        store = campaign.fill(
            {"base": TrainingGraph(), "tuned": TrainingGraph()},
            pairs, metrics=("off_target",), quality={"base": 0.3, "tuned": 0.95}, segments=60,
        )  # fmt: skip
        for test in ("randomization", "bootstrap", "intervals"):
            found = compare(store, ScoreQuestion("g", "off_target"), a="base", b="tuned", test=test)
            assert all(each.delta < 0 and each.p_better < 0.01 < each.p_worse for each in found.pairs)
            assert next(scope for scope in found.scopes if scope.scope == "all").better_on == 2
