"""Transfer ratios."""

import numpy as np
import pytest
from tests.fixtures.made_panels import LANGUAGES, drawn, made_scores

from dragoman.effects.transfer_ratio import transfer_ratios
from dragoman.partition import Partition


def made(draws, noise=0.0, seed=2):
    rng = np.random.default_rng(seed)

    def value(graph, pair):
        gain = 8.0 if graph.partition(pair) is Partition.SEEN else 3.0
        return 10 + LANGUAGES.index(pair.target) + gain + rng.normal(0, noise)

    return made_scores(drawn(rng, draws, (8,)), value, base=lambda pair: 10.0 + LANGUAGES.index(pair.target))


def test_a_planted_ratio_is_recovered_on_the_same_pairs():
    found = {each.partition: each for each in transfer_ratios(made(4), None)}
    for each in found.values():
        assert (each.unseen_gain, each.seen_gain) == pytest.approx((3, 8))
        assert each.finding.estimate == pytest.approx(3 / 8) and each.is_of_same_pairs
    assert found["unseen"].finding.n == 4


def test_the_interval_is_the_jackknifes_over_draws():
    scores = made(4, noise=1.0)
    (found, *_) = transfer_ratios(scores, None)

    def ratio(kept):
        gains, seen = scores.gains[kept], scores.partitions[kept] == 1
        both = seen.any(axis=0) & (~seen).any(axis=0)
        means = [np.mean([gains[side[:, p], p].mean() for p in np.flatnonzero(both)]) for side in (~seen, seen)]
        return means[0] / means[1]

    every = np.arange(4)
    full = ratio(every)
    left_out = np.array([ratio(every[every != draw]) for draw in every])
    error = np.sqrt(3 / 4 * np.sum((left_out - full) ** 2))
    assert found.finding.estimate == pytest.approx(full)
    assert found.finding.high - full == pytest.approx(3.182446305284263 * error)


def test_a_gain_on_seen_pairs_that_is_not_clear_has_no_ratio():
    rng = np.random.default_rng(1)
    scores = made_scores(drawn(rng, 4, (8,)), lambda graph, pair: rng.normal(0, 5))
    assert any("ratio to it means nothing" in (each.finding.why or "") for each in transfer_ratios(scores, None))


def test_one_draw_is_of_other_pairs_and_has_no_interval_without_sentences():
    (found, *_) = transfer_ratios(made(1), None)
    assert not found.is_of_same_pairs and found.finding.low is None and "one draw" in found.finding.why
