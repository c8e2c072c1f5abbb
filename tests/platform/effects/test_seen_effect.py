"""The seen effect with the pair held fixed: against plain least squares, and planted effects."""

import numpy as np
import pytest
from scipy.stats import t as student
from tests.fixtures.made_panels import LANGUAGES, drawn, made_scores

from dragoman.effects.seen_effect import contrast, fit, seen_effects
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Partition

EFFECTS = {
    Partition.SEEN: 3.0, Partition.REVERSED: 1.5, Partition.RECOMBINED: 1.0, Partition.ONE_SIDED: 0.5,
    Partition.UNSEEN_SOURCE: 0.2, Partition.UNSEEN_TARGET: 0.1, Partition.UNSEEN_BOTH: 0.0,
}  # fmt: skip
PLACES = {partition: place for place, partition in enumerate(EFFECTS)}


def least_squares(values, groups, count, kept, one, two):
    """The contrast by dummies of every pair, model and group, and NumPy's solver."""
    rows = [(m, p) for m, p in np.argwhere(~np.isnan(values) & (groups >= 0)).tolist() if kept[m]]
    design = np.zeros((len(rows), sum(values.shape) + count))
    for row, (model, pair) in enumerate(rows):
        design[row, [pair, values.shape[1] + model, sum(values.shape) + groups[model, pair]]] = 1
    found = np.linalg.lstsq(design, np.array([values[m, p] for m, p in rows]), rcond=None)[0]
    return found[sum(values.shape) + one] - found[sum(values.shape) + two]


@pytest.mark.parametrize("seed", range(8))
def test_contrasts_are_those_of_least_squares_with_dummies(seed):
    rng = np.random.default_rng(seed)
    models, pairs, count = 7, 12, 4
    values, groups = rng.normal(20, 5, (models, pairs)), rng.integers(0, count, (models, pairs))
    values[rng.random(values.shape) < 0.15] = np.nan
    groups[rng.random(values.shape) < 0.1] = -1
    kept = rng.random(models) < 0.8
    for weights, chosen in ((None, np.full(models, True)), (kept.astype(float), kept)):
        found = fit(values, groups, count, weights)
        for other in range(1, count):
            expected = least_squares(values, groups, count, chosen, 0, other)
            assert found.contrast(0, other) == pytest.approx(expected, abs=1e-8)


def test_the_interval_is_of_the_jackknife_over_draws():
    rng = np.random.default_rng(3)
    values, groups = rng.normal(20, 5, (6, 15)), rng.integers(0, 3, (6, 15))
    draws = np.array([0, 0, 1, 1, 2, 3])
    found = contrast(values, groups, 3, draws, 1)
    full = least_squares(values, groups, 3, np.full(6, True), 0, 1)
    left_out = np.array([least_squares(values, groups, 3, draws != draw, 0, 1) for draw in range(4)])
    error = np.sqrt(3 / 4 * np.sum((left_out - full) ** 2))
    half = student.ppf(0.975, 3) * error
    assert (found.estimate, found.low, found.high) == pytest.approx((full, full - half, full + half))
    assert found.p == pytest.approx(2 * student.sf(abs(full) / error, 3))
    assert (found.n, found.of_what) == (4, "draws of training pairs")
    shifted = contrast(values, groups, 3, draws, 1, null=full - half)
    assert shifted.p == pytest.approx(0.05)


@pytest.mark.parametrize(("draws", "sizes"), [(4, (4, 10, 20)), (8, (10,)), (6, (4, 10))])
def test_the_interval_covers_a_planted_effect_in_93_of_100_draws(draws, sizes):
    """Pairs, models, partitions, draws' own effects and shocks of a draw on each pair that nested sizes share."""
    rng = np.random.default_rng([2026, draws])
    pairs = all_pairs(LANGUAGES)
    covered, tried = 0, 500
    for _ in range(tried):
        alpha, values, groups, of_draw = rng.normal(20, 6, len(pairs)), [], [], []
        for draw in range(draws):
            order = rng.permutation(len(pairs)).tolist()
            shock, own = rng.normal(0, 1, len(pairs)), rng.normal(0, 0.8)
            for size in sizes:
                chosen = {pairs[place] for place in order[:size]}
                group = _groups(chosen, pairs)
                effects = np.array(list(EFFECTS.values()))[group] + own * (group == 0)
                values.append(alpha + rng.normal(0, 2) + effects + shock + rng.normal(0, 1, len(pairs)))
                groups.append(group)
                of_draw.append(draw)
        found = contrast(np.array(values), np.array(groups), len(EFFECTS), np.array(of_draw), PLACES["recombined"])
        covered += found.low <= EFFECTS[Partition.SEEN] - EFFECTS[Partition.RECOMBINED] <= found.high
    assert covered >= 0.93 * tried


def _groups(chosen, pairs):
    sources, targets = {pair.source for pair in chosen}, {pair.target for pair in chosen}
    known, found = sources | targets, []
    for pair in pairs:
        source, target = pair
        if pair in chosen:
            found.append(0)
        elif pair.reverse in chosen:
            found.append(1)
        elif source in sources and target in targets:
            found.append(2)
        else:
            found.append({(True, True): 3, (False, True): 4, (True, False): 5, (False, False): 6}[
                source in known, target in known
            ])  # fmt: skip
    return np.array(found)


def test_planted_effects_without_noise_are_found_exactly():
    rng = np.random.default_rng(1)
    hard = {pair: rng.normal(20, 6) for pair in all_pairs(LANGUAGES)}
    scores = made_scores(
        drawn(rng, 4, (4, 9)), lambda graph, pair: hard[pair] + len(graph.pairs) + EFFECTS[graph.partition(pair)]
    )
    found = {each.against: each for each in seen_effects(scores)}
    assert next(iter(found)) == "unseen"
    assert {name: each.finding.estimate for name, each in found.items() if name != "unseen"} == pytest.approx(
        {str(p): 3.0 - effect for p, effect in EFFECTS.items() if str(p) in found and p is not Partition.SEEN}
    )
    assert scores.draw_count == 4 and found["unseen"].cells == 8 * 30


def test_what_is_not_identified_is_said():
    pairs = all_pairs(LANGUAGES)
    same = made_scores([pairs[:6]] * 3, lambda graph, pair: 1.0)
    (found, *_) = seen_effects(same)
    assert found.finding.estimate is None and "seen and easy can't be told apart" in found.finding.why
    nested = made_scores([pairs[:3], pairs[:6]], lambda graph, pair: float(graph.partition(pair) is Partition.SEEN))
    (found, *_) = seen_effects(nested)
    assert found.finding.estimate is not None and found.finding.low is None
    assert "one draw of training pairs" in found.finding.why
    elsewhere = made_scores([[Pair("sw", "hi")], [Pair("sw", "ko")], [Pair("de", "sw")]], lambda graph, pair: 1.0)
    assert "nothing is seen" in seen_effects(elsewhere)[0].finding.why
