"""Differences of every two of many systems: what scoring every deal would give, from few scored deals."""

from itertools import combinations

import numpy as np
import pytest

from dragoman.metrics import many_systems
from dragoman.metrics.difference import Difference
from dragoman.metrics.many_systems import Panel, systems_of
from dragoman.metrics.off_target import OffTarget
from dragoman.metrics.replicates import Lines, Sides, dealt, standard_error
from dragoman.metrics.resampling import SEED, expanded_interval, resampled_scores
from dragoman.metrics.sacrebleu import Bleu, Ter
from dragoman.metrics.serialization import pack
from dragoman.metrics.significance import Test, difference, paired_approximate_randomization
from dragoman.pair import Pair

PAIRS = [Pair("en", "de"), Pair("en", "fr"), Pair("de", "fr"), Pair("fr", "de")]
SHARES = (0.1, 0.2, 0.3, 0.4)
TRIALS = 999


def bleu(rng, lines, quality):
    """BLEU's statistics of a system that gets a share of words right, more of them in easy sentences."""
    words = 5 + rng.poisson(14, size=lines)
    chance = np.clip(quality + rng.normal(0, 0.1, size=lines), 0.05, 0.95)
    right = [rng.binomial(words - n, chance ** (n + 1)) for n in range(4)]
    return np.stack([words + rng.integers(-2, 3, size=lines), words, *right, *(words - n for n in range(4))], axis=1)


def ter(rng, lines, quality):
    words = 5 + rng.poisson(14, size=lines)
    return np.stack([rng.binomial(words, 1 - quality), words], axis=1)


def off_target(rng, lines, quality):
    verdicts = np.zeros((lines, 5))
    verdicts[:, 4] = 1
    verdicts[:, 0] = rng.random(lines) > quality
    return verdicts


MADE = {Bleu: bleu, Ter: ter, OffTarget: off_target}


def made(kind, seed, qualities, lines, orders):
    """The statistics of some systems on each pair, and the panels of them."""
    tables, panels = [], []
    for place, (pair, order) in enumerate(zip(PAIRS, orders, strict=True)):
        rng = np.random.default_rng([seed, place])
        own = [MADE[kind](rng, len(order), quality).astype(float) for quality in qualities]
        tables.append(own)
        panels.append(Panel(kind(pair), [pack(each) for each in own], Lines(lines, order), SHARES[place]))
    return tables, panels


def every_deal(kind, tables, orders, lines, one, two, trials):
    """The test of two systems of which every deal is scored."""
    sides = [
        Sides.of(kind(pair), own[two], own[one], Lines(lines, order))
        for pair, own, order in zip(PAIRS, tables, orders, strict=True)
    ]
    shares = np.array(SHARES)
    return difference(
        Test.RANDOMIZATION,
        float(shares @ [side.delta for side in sides]),
        shares @ dealt(sides, trials, SEED),
        se=standard_error(shares @ np.array([side.left_out for side in sides])),
        units=int(np.any([side.held for side in sides], axis=0).sum()),
        higher_is_better=kind.higher_is_better,
    )


def orders_of(layout, lines):
    rng = np.random.default_rng(9)
    if layout == "aligned":
        return [np.arange(lines) for _ in PAIRS]
    if layout == "reordered":
        return [rng.permutation(lines) for _ in PAIRS]
    return [np.sort(rng.choice(lines, size=lines - 7, replace=False)) for _ in PAIRS]


@pytest.mark.parametrize("layout", ["aligned", "reordered", "holes"])
@pytest.mark.parametrize("kind", list(MADE))
@pytest.mark.parametrize("lines", [25, 150])
def test_every_two_are_tested_as_though_every_deal_were_scored(kind, lines, layout):
    qualities = [0.5, 0.5, 0.52, 0.55, 0.8]
    orders = orders_of(layout, lines)
    for seed in range(2):
        tables, panels = made(kind, seed, qualities, lines, orders)
        systems = systems_of([panels])
        assert sorted(systems.order) == list(range(5)) and systems.versus == tuple(combinations(systems.order, 2))
        for (one, two), found in zip(systems.versus, systems.tested(range(10), TRIALS), strict=True):
            expected = every_deal(kind, tables, orders, lines, one, two, TRIALS)
            assert (found.p_value, found.p_worse, found.p_is_floor, found.units) == (
                expected.p_value,
                expected.p_worse,
                expected.p_is_floor,
                expected.units,
            )
            assert (found.delta, found.se) == pytest.approx((expected.delta, expected.se))
            assert abs(found.low - expected.low) < 0.01 * (expected.high - expected.low)


def test_few_deals_are_scored():
    tables, panels = made(Bleu, 1, [0.5, 0.51, 0.6], 400, orders_of("aligned", 400))
    found = many_systems._Dealt(systems_of([panels]), range(3), 20_000, SEED)
    found.refine(64)
    assert 64 / 20_000 < found._is_scored.mean() < 0.1
    shares = np.array(SHARES)
    sides = [Sides.of(Bleu(pair), own[1], own[2]) for pair, own in zip(PAIRS, tables, strict=True)]
    exact = shares @ dealt(sides, 20_000, SEED)
    place = systems_of([panels]).versus.index((2, 1))
    is_scored = found._is_scored[place]
    assert found.replicates[place][is_scored] == pytest.approx(exact[is_scored])
    assert found.replicates[place] == pytest.approx(exact, abs=0.1 * exact.std())


def test_one_pair_is_tested_as_by_itself_with_the_deals_of_sacrebleu():
    tables, panels = made(Bleu, 5, [0.5, 0.53], 80, orders_of("aligned", 80))
    systems = systems_of([[panels[0]._replace(weight=1.0)]])
    (found,) = systems.tested([0], 500)
    one, two = systems.versus[0]
    expected = paired_approximate_randomization(Bleu(PAIRS[0]), tables[0][two], tables[0][one], 500)
    assert found.p_value == expected.p_value and found.delta == pytest.approx(expected.delta)


def test_blocks_have_deals_of_their_own():
    orders = orders_of("aligned", 60)
    tables, panels = made(Bleu, 3, [0.5, 0.52], 60, orders)
    apart = systems_of([[panel] for panel in panels])
    (found,) = apart.tested([0], TRIALS)
    one, two = apart.versus[0]
    sides = [Sides.of(Bleu(pair), own[two], own[one]) for pair, own in zip(PAIRS, tables, strict=True)]
    drawn = sum(share * dealt([sides[block]], TRIALS, SEED, block)[0] for block, share in enumerate(SHARES))
    beyond = np.count_nonzero(np.abs(drawn) > abs(found.delta))
    assert found.p_value == pytest.approx((1 + beyond) / (1 + TRIALS)) and found.units == 240


def test_equal_systems_do_not_differ():
    _, panels = made(Bleu, 1, [0.5], 50, orders_of("aligned", 50))
    twice = [panel._replace(packed=[*panel.packed, *panel.packed]) for panel in panels]
    (found,) = systems_of([twice]).tested([0], TRIALS)
    assert found == Difference(0.0, 0.0, 0.0, 1.0, p_worse=1.0, p_better=1.0, units=50)


def test_systems_without_a_match_have_no_slope_and_are_tested_all_the_same():
    # BLEU is 0 for both on either side of their middle: only deals that mix them have a score
    lines = 30
    one, two = np.ones((2, lines, 10))
    one[:, 2:6] = two[:, 2:6] = 0
    one[:15, 2:6], two[15:, 2:6] = 1, 1
    panels = [Panel(Bleu(PAIRS[0]), [pack(one), pack(two)], Lines(lines, np.arange(lines)), 1.0)]
    (found,) = systems_of([panels]).tested([0], TRIALS)
    expected = paired_approximate_randomization(Bleu(PAIRS[0]), two, one, TRIALS)
    assert found.p_value == expected.p_value


def test_means_have_the_interval_of_resampled_units():
    tables, panels = made(Bleu, 2, [0.5, 0.7], 90, orders_of("aligned", 90))
    systems = systems_of([panels])
    for place, level in enumerate(systems.levels):
        scores = [resampled_scores(Bleu(pair), own[place]) for pair, own in zip(PAIRS, tables, strict=True)]
        low, high = expanded_interval(np.array(SHARES) @ np.array(scores), 90)
        value = sum(s * Bleu(PAIRS[0]).score(own[place]) for s, own in zip(SHARES, tables, strict=True))
        assert tuple(level) == pytest.approx((value, low, high))


def test_the_tail_is_fitted_to_scored_deals():
    tables, panels = made(Bleu, 2, [0.5, 0.58], 120, orders_of("aligned", 120))
    systems = systems_of([panels])
    (found,) = systems.tested([0], TRIALS, fits_tail=True)
    one, two = systems.versus[0]
    sides = [Sides.of(Bleu(pair), own[two], own[one]) for pair, own in zip(PAIRS, tables, strict=True)]
    exact = np.array(SHARES) @ dealt(sides, TRIALS, SEED)
    expected = difference(Test.RANDOMIZATION, found.delta, exact, se=found.se, units=120, fits_tail=True)
    assert found.p_value == pytest.approx(expected.p_value, rel=1e-6)
