"""Suggested pairs: planted gains are found, and where there is nothing to find it is said."""

import numpy as np
import pytest
import yaml
from tests.fixtures.made_panels import LANGUAGES, drawn, made_scores

from dragoman.errors import StoreError
from dragoman.pair import Pair, all_pairs
from dragoman.reports.suggestion import pairs_yaml
from dragoman.suggestion.suggested_pairs import suggested_pairs


def planted(seed, effect, draws=12, shock=0.0, size=8):
    """Unseen pairs gain with the pairs into their target, and by a language to reach them by."""
    rng = np.random.default_rng(seed)
    hard = {pair: rng.normal(20, 5) for pair in all_pairs(LANGUAGES)}
    shocks: dict[frozenset[Pair], float] = {}

    def value(graph, pair):
        into = sum(other.target == pair.target and other != pair for other in graph.pairs)
        pivots = sum(
            Pair(pair.source, tag) in graph.pairs and Pair(tag, pair.target) in graph.pairs
            for tag in LANGUAGES
            if tag not in pair
        )
        own = shocks.setdefault(graph.pairs, rng.normal(0, shock))
        return hard[pair] + own + effect * (np.log2(1 + into) + np.log2(1 + pivots)) + rng.normal(0, 0.6)

    return made_scores(drawn(rng, draws, (size,)), value)


def test_planted_gains_are_found_and_foretold():
    scores = planted(1, 1.0)
    found = suggested_pairs(scores, ["d"] * 12, budget=8)
    chosen = [each.pair for each in found.pairs]
    assert len(set(chosen)) == 8 and {pair.target for pair in chosen} == set(LANGUAGES)
    assert found.against_random.low > 0
    assert found.foresight.within.p < 0.001 and found.foresight.within.low > 0
    assert found.foresight.finding.p < 0.05 and found.foresight.right > 40
    assert "better than chance" in found.verdict and found.foresight.choices == 66
    # what was planted is what the reasons say
    assert any("pairs into the target" in each.reason or "language" in each.reason for each in found.pairs)
    assert yaml.safe_load(pairs_yaml(found)) == {"pairs": sorted(map(str, chosen))}


def test_the_suggested_set_is_better_than_random_ones_by_what_was_planted():
    found = suggested_pairs(planted(1, 1.0), ["d"] * 12, budget=8)
    rng = np.random.default_rng(3)

    def worth(chosen):
        into = {tag: sum(pair.target == tag for pair in chosen) for tag in LANGUAGES}
        total = 0.0
        for pair in all_pairs(LANGUAGES):
            pivots = sum(
                Pair(pair.source, t) in chosen and Pair(t, pair.target) in chosen for t in LANGUAGES if t not in pair
            )
            total += np.log2(1 + into[pair.target] - (pair in chosen)) + np.log2(1 + pivots)
        return total / 30

    pairs = all_pairs(LANGUAGES)
    random = [worth({pairs[p] for p in rng.choice(30, 8, replace=False).tolist()}) for _ in range(300)]
    assert worth({each.pair for each in found.pairs}) > np.quantile(random, 0.9)


def test_where_the_training_graph_means_nothing_it_is_said():
    said = [suggested_pairs(planted(seed, 0.0), ["d"] * 12, budget=1) for seed in range(10)]
    assert sum("too little to tell" in each.verdict for each in said) >= 3
    assert sum("better than chance" in each.verdict for each in said) <= 2
    nothing = next(each for each in said if not each.pairs)
    with pytest.raises(StoreError, match="too little to tell"):
        pairs_yaml(nothing)


def test_few_draws_are_too_few():
    found = suggested_pairs(planted(1, 1.0, draws=3), ["d"] * 3, budget=2)
    assert not found.pairs and "3 draws of training pairs, and 4 are needed" in found.verdict


def test_pairs_are_added_to_those_of_a_model():
    scores = planted(1, 1.0)
    found = suggested_pairs(scores, ["d"] * 12, budget=3, start="g2/m")
    before = scores.models[2].own.pairs
    assert not {each.pair for each in found.pairs} & before
    assert len(yaml.safe_load(pairs_yaml(found))["pairs"]) == len(before) + 3
    with pytest.raises(StoreError, match="There is no model 'g2/n' in 'made'"):
        suggested_pairs(scores, ["d"] * 12, budget=3, start="g2/n")
    with pytest.raises(StoreError, match="A budget of 31 pairs is more than the 30"):
        suggested_pairs(scores, ["d"] * 12, budget=31)


def test_an_error_rate_gains_by_falling():
    scores = planted(1, 1.0)
    flipped = made_scores([sorted(m.own.pairs) for m in scores.models], lambda graph, pair: 0.0, metric="ter")
    flipped = type(flipped)(**{**flipped.__dict__, "own": 100 - scores.own})
    one, two = (suggested_pairs(each, ["d"] * 12, budget=4) for each in (scores, flipped))
    assert [each.pair for each in one.pairs] == [each.pair for each in two.pairs]
