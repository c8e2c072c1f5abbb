"""Joint tests: of pairs as alone, of means over the same sentences, and calibrated whatever the order of lines."""

import numpy as np
import pytest

from dragoman.analysis.joint_tests import Contrast, joint_tests, joint_tests_of
from dragoman.analysis.segment_statistics import Stored
from dragoman.analysis.significance_plan import Plan
from dragoman.analysis.units import Block, Units, independent
from dragoman.metrics.base import MetricError
from dragoman.metrics.sacrebleu import Bleu
from dragoman.metrics.serialization import pack
from dragoman.metrics.significance import (
    Correction,
    Test,
    paired_approximate_randomization,
    paired_bootstrap,
    samples_for,
)
from dragoman.pair import Pair

PAIRS = [Pair("en", "de"), Pair("en", "fr"), Pair("en", "ru")]
N = 40


def made_up(seed, right=(0.5, 0.55)):
    """BLEU's statistics of two systems that get given shares of n-grams right."""
    rng = np.random.default_rng(seed)
    words = 4 + rng.poisson(12, size=N)
    hardness = rng.normal(0, 0.1, size=N)
    sides = []
    for share in right:
        columns = [words + rng.integers(-2, 3, size=N), words]
        columns += [rng.binomial(words - n, np.clip(share + hardness, 0.05, 0.95) ** (n + 1)) for n in range(4)]
        columns += [words - n for n in range(4)]
        sides.append(np.stack(columns, axis=1).astype(float))
    return tuple(sides)


@pytest.fixture
def statistics():
    return {pair: made_up(seed) for seed, pair in enumerate(PAIRS)}


def one_block(lines):
    return Units((Block(N, lines),), None)


def aligned():
    return one_block({pair: np.arange(N) for pair in PAIRS})


@pytest.mark.parametrize(
    ("test", "alone"),
    [(Test.RANDOMIZATION, paired_approximate_randomization), (Test.BOOTSTRAP, paired_bootstrap)],
)
def test_a_pair_of_a_multi_parallel_set_is_tested_as_alone(statistics, test, alone):
    found = joint_tests_of(Bleu, statistics, aligned(), Plan(test, samples=500), {"one": {PAIRS[0]: 2.0}})
    for pair in PAIRS:
        assert found.pairs[pair] == pytest.approx(alone(Bleu(pair), *statistics[pair], 500))
    assert found.means["one"] == pytest.approx(found.pairs[PAIRS[0]])


@pytest.mark.parametrize("test", [Test.RANDOMIZATION, Test.BOOTSTRAP])
def test_the_mean_of_a_test_and_its_copy_is_that_test(statistics, test):
    """A pair beside itself, in the same order or another, says no more than the pair alone."""
    one = statistics[PAIRS[0]]
    order = np.random.default_rng(1).permutation(N)
    for second, lines in ((one, np.arange(N)), (tuple(side[order] for side in one), order)):
        units = one_block({PAIRS[0]: np.arange(N), PAIRS[1]: lines})
        both = dict.fromkeys(PAIRS[:2], 1.0)
        plan = Plan(test, samples=500)
        found = joint_tests_of(Bleu, {PAIRS[0]: one, PAIRS[1]: second}, units, plan, {"mean": both})
        assert found.means["mean"] == pytest.approx(found.pairs[PAIRS[0]])
        assert found.means["mean"].units == N
    # taken as independent it would say more: the interval would be narrower by about √2
    apart = joint_tests_of(Bleu, {PAIRS[0]: one, PAIRS[1]: one}, independent({}), plan, {"mean": both}).means["mean"]
    width = found.means["mean"].high - found.means["mean"].low
    assert width / (apart.high - apart.low) == pytest.approx(2**0.5, rel=0.12)
    assert apart.units == 2 * N


def test_a_mean_is_over_all_its_pairs_with_their_weights(statistics):
    means = {"all": dict.fromkeys(PAIRS, 1.0), "heavy": {PAIRS[0]: 3.0, PAIRS[1]: 1.0}, "none": {}}
    means["lacking"] = {Pair("fr", "de"): 1.0, PAIRS[0]: 1.0}
    found = joint_tests_of(Bleu, statistics, aligned(), Plan(samples=200), means)
    assert found.means.keys() == {"all", "heavy"}
    deltas = [found.pairs[pair].delta for pair in PAIRS]
    assert found.means["all"].delta == pytest.approx(np.mean(deltas))
    assert found.means["heavy"].delta == pytest.approx(0.75 * deltas[0] + 0.25 * deltas[1])


@pytest.mark.parametrize("test", [Test.RANDOMIZATION, Test.BOOTSTRAP])
def test_intervals_of_pairs_and_means_never_contradict_their_p_values(test):
    rng = np.random.default_rng(2)
    for seed in range(25):
        some = rng.random((3, N)) < 0.7
        right = (0.5, 0.5 + rng.choice([0, 0.04, 0.1]))
        statistics, lines = {}, {}
        for place, pair in enumerate(PAIRS):
            sides = made_up(3 * seed + place, right)
            statistics[pair], lines[pair] = tuple(side[some[place]] for side in sides), np.flatnonzero(some[place])
        plan = Plan(test, samples=300, seed=seed)
        found = joint_tests_of(Bleu, statistics, one_block(lines), plan, {"mean": dict.fromkeys(PAIRS, 1.0)})
        for each in (*found.pairs.values(), *found.means.values()):
            assert (each.p_value <= 0.05) is (each.low > 0 or each.high < 0)


def test_pairs_whose_units_are_not_known_or_not_of_as_many_lines_stand_alone(statistics):
    units = Units((Block(N, {PAIRS[0]: np.arange(N), PAIRS[1]: np.arange(N - 1)}),), None)
    found = joint_tests_of(Bleu, statistics, units, Plan(samples=200), {"mean": dict.fromkeys(PAIRS, 1.0)})
    assert found.pairs.keys() == set(PAIRS) and found.means["mean"].units == 3 * N


def test_stored_statistics_that_do_not_give_the_score_are_not_tested_and_what_was_found_is_kept(statistics):
    stored = {
        pair: Contrast(*(Stored(Bleu(pair).score(side), pack(side)) for side in sides))
        for pair, sides in statistics.items()
    }
    odd = stored | {PAIRS[2]: stored[PAIRS[2]]._replace(system=Stored(1.0, pack(statistics[PAIRS[2]][1])))}
    means = {"all": dict.fromkeys(PAIRS, 1.0), "two": dict.fromkeys(PAIRS[:2], 1.0)}
    found = joint_tests(Bleu, odd, aligned(), Plan(samples=200), means)
    assert found.odd == {PAIRS[2]} and found.means.keys() == {"two"} and found.pairs.keys() == set(PAIRS[:2])
    assert joint_tests(Bleu, dict(odd), aligned(), Plan(samples=200), dict(means)) is found
    for other in (Plan(samples=201), Plan(samples=200, seed=1), Plan(Test.BOOTSTRAP, samples=200)):
        assert joint_tests(Bleu, odd, aligned(), other, means) is not found
    assert joint_tests(Bleu, odd, independent({}), Plan(samples=200), means) is not found
    whole = joint_tests(Bleu, stored, aligned(), Plan(samples=200), means)
    assert not whole.odd and whole.means["two"] == found.means["two"]
    with pytest.raises(MetricError, match="damaged"):
        joint_tests(
            Bleu, odd | {PAIRS[0]: Contrast(Stored(1.0, b"\x01no"), Stored(1.0, b"\x01no"))}, aligned(), Plan(), {}
        )


def test_samples_by_default_are_enough_or_the_tail_is_fitted():
    assert Plan().samples_of(1) == 10_000 and Plan().samples_of(156) == samples_for(156) == 62_400
    assert not Plan().fits_tail(156)
    assert Plan().fits_tail(1000) and Plan().samples_of(1000) < samples_for(1000)
    assert not Plan(Test.BOOTSTRAP).fits_tail(1000) and not Plan(samples=1000).fits_tail(1000)


def test_what_few_trials_can_not_decide_is_tested_with_more():
    # a difference whose p-value is close to 0.05, found among random ones, beside one that is clear
    for seed in range(200):
        close = made_up(seed, right=(0.5, 0.55))
        alone = paired_approximate_randomization(Bleu(PAIRS[0]), *close, 10_000)
        if abs(alone.p_value - 0.05) < 0.003:
            break
    statistics = {PAIRS[0]: close, PAIRS[1]: made_up(1, right=(0.2, 0.9))}
    plan, units = Plan(correction=Correction.NONE), aligned()
    found = joint_tests_of(Bleu, statistics, units, plan, {})
    more = [paired_approximate_randomization(Bleu(PAIRS[0]), *close, count) for count in (100_000, 1_000_000)]
    assert any(np.allclose(found.pairs[PAIRS[0]], each) for each in more)
    assert found.pairs[PAIRS[1]].p_value == pytest.approx(1 / 10_001)
    asked = joint_tests_of(Bleu, statistics, units, plan._replace(samples=10_000), {})
    assert asked.pairs[PAIRS[0]] == pytest.approx(alone)


def test_means_alone_are_tested_as_with_their_pairs_in_less_time():
    plan, spared = Plan(), 0
    for seed in range(4):
        statistics = {pair: made_up(10 * seed + number, (0.5, 0.53)) for number, pair in enumerate(PAIRS)}
        means = {"all": dict.fromkeys(PAIRS, 1.0), "first": {PAIRS[0]: 1.0, PAIRS[1]: 1.0}}
        both = joint_tests_of(Bleu, statistics, aligned(), plan, means)
        alone = joint_tests_of(Bleu, statistics, aligned(), plan, means, for_means=True)
        assert alone.means == both.means
        assert {pair: found.delta for pair, found in alone.pairs.items()} == {
            pair: found.delta for pair, found in both.pairs.items()
        }
        spared += alone.samples < both.samples or alone.pairs != both.pairs
    assert spared > 0
