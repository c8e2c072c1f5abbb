"""Two models on common pairs: tests, corrections, wins and losses, regressions, best models, seeds."""

from statistics import fmean

import numpy as np
import pytest

from dragoman import plugins
from dragoman.analysis.comparison import compare, scope_differences
from dragoman.analysis.pair_differences import regressions
from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.ranking import best_models
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics import significance
from dragoman.metrics.replicates import Sides, standard_error
from dragoman.metrics.resampling import SAMPLES, SEED
from dragoman.metrics.serialization import unpack
from dragoman.metrics.significance import (
    Correction,
    Test,
    adjusted,
    benjamini_hochberg,
    holm,
    interval_tests,
    replicates,
)
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Partition, TrainingGraph

PAIRS = all_pairs(["en", "de", "fr", "ru"])
GRAPHS = {
    "base": TrainingGraph(),
    "a": TrainingGraph.of([Pair("en", "de"), Pair("en", "fr")]),
    "b": TrainingGraph.of([Pair("en", "de"), Pair("de", "en")]),
}
UNTRIED = (CellState.PLANNED, None)


@pytest.fixture(scope="module")
def store(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("compared")) as campaign:
        quality = {("b", pair): 0.9 if index % 2 else 0.55 for index, pair in enumerate(PAIRS)}
        without = {("a", PAIRS[0]): UNTRIED, ("b", PAIRS[1]): (CellState.FAILED, "out of memory")}
        yield campaign.fill(
            GRAPHS, PAIRS, metrics=("bleu", "off_target"), quality=quality | {"a": 0.6}, without=without, segments=40
        )


def statistics(store, model, pair):
    cell = next(
        record.cell.id
        for record in store.cells.of_grid("g")
        if (record.cell.model, record.cell.pair) == (f"model-{model}", pair)
    )
    return unpack(next(score.statistics for score in store.cells.scores(cell) if score.metric == "bleu"))


@pytest.mark.parametrize("test", [Test.BOOTSTRAP, Test.RANDOMIZATION, Test.SACREBLEU_BS])
@pytest.mark.parametrize(("correction", "adjust"), [(Correction.HOLM, holm), (Correction.BH, benjamini_hochberg)])
def test_every_common_pair_is_tested_and_all_are_adjusted_together(store, test, correction, adjust):
    found = compare(store, ScoreQuestion("g", "bleu"), a="a", b="b", test=test, correction=correction, samples=SAMPLES)
    assert [difference.pair for difference in found.pairs] == PAIRS[2:]
    metric = plugins.load("metrics", "bleu")
    expected = []
    # the store has no sentences: each pair is a block of its own
    for block, pair in enumerate(PAIRS[2:]):
        sides = Sides.of(metric(pair), statistics(store, "a", pair), statistics(store, "b", pair))
        (replicated,) = replicates(test, [sides], SAMPLES, SEED, block)
        expected.append(
            significance.difference(test, sides.delta, replicated, se=standard_error(sides.left_out), units=40)
        )
    assert [each.p_value for each in found.pairs] == [result.p_value for result in expected]
    assert [each.p_is_floor for each in found.pairs] == [result.p_is_floor for result in expected]
    assert [each.delta for each in found.pairs] == pytest.approx([result.delta for result in expected])
    assert [(each.low, each.high) for each in found.pairs] == [(result.low, result.high) for result in expected]
    assert [each.adjusted for each in found.pairs] == pytest.approx(adjust([result.p_value for result in expected]))
    assert all(each.significant is (each.adjusted <= 0.05) for each in found.pairs)
    known = [scope for scope in found.scopes if scope.p_value is not None]
    assert [scope.adjusted for scope in known] == pytest.approx(adjust([scope.p_value for scope in known]))


def test_scopes_count_wins_over_common_pairs_of_b_s_partitions(store):
    found = compare(store, ScoreQuestion("g", "bleu"), a="a", b="b", samples=200)
    scopes = {scope.scope: scope for scope in found.scopes}
    for name, scope in scopes.items():
        pairs = [
            pair for pair in found.pairs
            if name in (pair.partition_b, "all") or (name == "unseen" and pair.partition_b is not Partition.SEEN)
        ]  # fmt: skip
        assert scope.done == len(pairs) == scope.wins + scope.losses + scope.ties
        assert scope.wins == sum(pair.delta > 0 for pair in pairs)
        assert scope.significant_wins == sum(pair.delta > 0 and pair.significant for pair in pairs)
        assert scope.significant_losses == sum(pair.delta < 0 and pair.significant for pair in pairs)
        if pairs:
            assert scope.delta == pytest.approx(np.mean([pair.delta for pair in pairs]))
            assert scope.mean_b - scope.mean_a == pytest.approx(scope.delta)
            assert scope.low < scope.delta < scope.high
    assert (scopes["all"].done, scopes["all"].pairs) == (10, 12)
    summed = {scope.scope: scope for scope in scope_differences(store, ScoreQuestion("g", "bleu"), a="a", b="b")}
    assert summed["all"].delta == scopes["all"].delta and summed["all"].significant_wins is None


def test_enough_trials_are_made_that_chance_seldom_decides(store):
    found = compare(store, ScoreQuestion("g", "bleu"), a="base", b="b")
    assert found.samples == 10_000 >= 20 * len(found.pairs) / 0.05
    assert any(difference.significant for difference in found.pairs)


def test_the_base_s_own_comparison_takes_the_partitions_of_the_model(store):
    scopes = [scope.scope for scope in scope_differences(store, ScoreQuestion("g", "bleu"), a="base", b="b")]
    assert scopes == ["seen", "unseen_source", "unseen_target", "unseen_both", "unseen", "all"]


def test_where_less_is_better_the_signs_turn(store):
    found = {scope.scope: scope for scope in scope_differences(store, ScoreQuestion("g", "off_target"), a="a", b="b")}[
        "all"
    ]
    deltas = [
        difference.delta
        for difference in compare(store, ScoreQuestion("g", "off_target"), a="a", b="b", samples=200).pairs
    ]
    assert (found.wins, found.losses) == (sum(delta < 0 for delta in deltas), sum(delta > 0 for delta in deltas))
    worst = [difference.delta for difference in regressions(store, ScoreQuestion("g", "off_target"), a="a", b="b")]
    assert worst == sorted((delta for delta in deltas if delta > 0), reverse=True)


def test_regressions_come_worst_first(store):
    deltas = sorted(
        difference.delta for difference in compare(store, ScoreQuestion("g", "bleu"), a="a", b="b", samples=200).pairs
    )
    worse = [delta for delta in deltas if delta < 0]
    assert len(worse) > 2
    for limit in (2, 50):
        found = [
            difference.delta for difference in regressions(store, ScoreQuestion("g", "bleu"), a="a", b="b", limit=limit)
        ]
        assert found == worse[:limit]


@pytest.mark.parametrize("correction", Correction)
def test_pairs_unseen_for_both_that_differ_by_intervals_are_corrected_for_the_number_of_pairs(store, correction):
    """Against the definition on every pair."""
    scores = {
        name: {
            score.pair: score
            for score in pair_scores(store, ScoreQuestion("g", "bleu"), model=name)
            if score.value is not None
        }
        for name in ("a", "b")
    }
    both = sorted(scores["a"].keys() & scores["b"].keys())
    unseen = {pair for pair in both if all(scores[name][pair].partition.is_unseen for name in ("a", "b"))}
    deltas = np.array([scores["b"][pair].value - scores["a"][pair].value for pair in both])
    widths = [np.array([scores[name][pair].high - scores[name][pair].low for pair in both]) for name in ("a", "b")]
    expected = dict(zip(both, adjusted(interval_tests(deltas, *widths).p_values, correction), strict=True))
    for alpha in (0.001, 0.05, 0.6):
        found = compare(
            store, ScoreQuestion("g", "bleu"), a="a", b="b", test=Test.INTERVALS, correction=correction, alpha=alpha
        ).pairs
        told = {
            each.pair: each.adjusted
            for each in found
            if each.significant and each.partition_a.is_unseen and each.partition_b.is_unseen
        }
        assert told == pytest.approx({pair: expected[pair] for pair in unseen if expected[pair] <= alpha})
    assert told


def test_only_models_with_the_most_pairs_into_a_target_compete_for_it(store):
    best = {row.target: row for row in best_models(store, ScoreQuestion("g", "bleu"))}
    scores = {
        name: [score for score in pair_scores(store, ScoreQuestion("g", "bleu"), model=name) if score.value is not None]
        for name in GRAPHS
    }
    for target in ("en", "de", "fr", "ru"):
        means = {}
        for name, found in scores.items():
            values = [score.value for score in found if score.pair.target == target]
            means[name] = (len(values), fmean(values))
        assert (best[target].done, best[target].pairs) == (3, 3)
        assert best[target].model == max(means, key=means.get)
        assert best[target].mean == pytest.approx(max(means.values())[1])


def test_a_model_is_not_compared_with_itself(store):
    with pytest.raises(StoreError, match="itself"):
        compare(store, ScoreQuestion("g", "bleu"), a="a", b="a")
    with pytest.raises(StoreError, match="no model 'c'"):
        compare(store, ScoreQuestion("g", "bleu"), a="a", b="c")


def test_means_over_pairs_weigh_them_by_segments_where_asked(campaign):
    segments = {pair: 10 + 5 * n for n, pair in enumerate(PAIRS)}
    store = campaign.fill(GRAPHS, PAIRS, segments=segments)
    macro, micro = (
        compare(store, ScoreQuestion("g", "bleu", micro=micro), a="a", b="b", samples=200) for micro in (False, True)
    )
    deltas = [difference.delta for difference in micro.pairs]
    weights = [segments[difference.pair] for difference in micro.pairs]
    assert macro.scopes[-1].delta == pytest.approx(np.mean(deltas))
    assert micro.scopes[-1].delta == pytest.approx(np.average(deltas, weights=weights))
    assert (macro.micro, micro.micro, macro.pairs) == (False, True, micro.pairs)
    assert micro.scopes[-1].low < micro.scopes[-1].delta < micro.scopes[-1].high


@pytest.fixture
def grids(campaign):
    """One model in one grid and another in another, with some pairs in common."""
    campaign.fill({"base": GRAPHS["base"], "a": GRAPHS["a"]}, PAIRS[:9], grid="one", segments=30)
    campaign.fill({"base": GRAPHS["base"], "b": GRAPHS["b"]}, PAIRS[4:], grid="two", segments=30)
    return campaign


def test_models_of_two_grids_are_compared_on_the_pairs_of_both(grids):
    store = grids.store
    found = compare(store, ScoreQuestion("two", "bleu"), a="one/a", b="b", samples=200)
    assert [difference.pair for difference in found.pairs] == PAIRS[4:9]
    assert (found.scopes[-1].done, found.scopes[-1].pairs, found.note) == (5, len(PAIRS) - 4, None)
    ours, theirs = (
        {score.pair: score for score in pair_scores(store, ScoreQuestion(grid, "bleu"), model=name)}
        for grid, name in (("two", "b"), ("one", "a"))
    )
    for difference in found.pairs:
        pair = difference.pair
        assert (difference.a, difference.b) == (theirs[pair].value, ours[pair].value)
        assert (difference.partition_a, difference.partition_b) == (theirs[pair].partition, ours[pair].partition)
    assert found.scopes[-1].p_value is not None and found.test is Test.RANDOMIZATION
    turned = compare(store, ScoreQuestion("one", "bleu"), a="two/b", b="a", samples=200)
    assert [difference.delta for difference in turned.pairs] == [-difference.delta for difference in found.pairs]
    assert [row.pair for row in regressions(store, ScoreQuestion("two", "bleu"), a="one/a", b="b", limit=9)] == [
        each.pair for each in sorted(found.pairs, key=lambda each: each.delta) if each.delta < 0
    ]


def test_models_of_two_grids_that_can_not_be_compared_are_refused(grids):
    store = grids.store
    with pytest.raises(StoreError, match="'one/base' can't be compared with itself"):
        compare(store, ScoreQuestion("two", "bleu"), a="one/base", b="base")
    with pytest.raises(StoreError, match="no grid 'tow'"):
        compare(store, ScoreQuestion("two", "bleu"), a="tow/a", b="b")
    with pytest.raises(StoreError, match="Grid 'one' has no model 'b'"):
        compare(store, ScoreQuestion("two", "bleu"), a="one/b", b="b")
    models = {"another base": GRAPHS["base"], "c": GRAPHS["a"]}
    grids.fill(models, PAIRS[4:], grid="three", signature="tok:13a|version:2")
    with pytest.raises(StoreError, match=r"Grids 'three' and 'two' have bleu scores into .* under 2 signatures"):
        compare(store, ScoreQuestion("two", "bleu"), a="three/c", b="b")
