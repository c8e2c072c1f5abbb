"""Two models on common pairs: tests, corrections, wins and losses, regressions, best models, seeds."""

from statistics import fmean, stdev

import numpy as np
import pytest

from dragoman import plugins
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics.packing import unpack
from dragoman.metrics.resampling import SAMPLES, SEED
from dragoman.metrics.significance import (
    Correction,
    benjamini_hochberg,
    holm,
    paired_approximate_randomization,
    paired_bootstrap,
)
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Partition, TrainingGraph
from dragoman.store.comparison import Test, compare, scope_differences
from dragoman.store.differences import regressions, unseen_differences
from dragoman.store.queries import pair_scores
from dragoman.store.ranking import best_models
from dragoman.store.seeds import over_seeds, seed_groups

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
        for record in store.cells("g")
        if (record.cell.model, record.cell.pair) == (f"model-{model}", pair)
    )
    return unpack(next(score.statistics for score in store.scores_of(cell) if score.metric == "bleu"))


@pytest.mark.parametrize(
    ("test", "run"), [(Test.BOOTSTRAP, paired_bootstrap), (Test.RANDOMIZATION, paired_approximate_randomization)]
)
@pytest.mark.parametrize(("correction", "adjust"), [(Correction.HOLM, holm), (Correction.BH, benjamini_hochberg)])
def test_every_common_pair_is_tested_and_all_are_adjusted_together(store, test, run, correction, adjust):
    found = compare(store, "g", "a", "b", "bleu", test=test, correction=correction, samples=SAMPLES)
    assert [difference.pair for difference in found.pairs] == PAIRS[2:]
    metric = plugins.load("metrics", "bleu")
    expected = [
        run(metric(pair), statistics(store, "a", pair), statistics(store, "b", pair), SAMPLES, SEED)
        for pair in PAIRS[2:]
    ]
    assert [difference.p_value for difference in found.pairs] == [result.p_value for result in expected]
    assert [difference.delta for difference in found.pairs] == pytest.approx([result.delta for result in expected])
    assert [difference.adjusted for difference in found.pairs] == pytest.approx(
        adjust([result.p_value for result in expected])
    )
    assert all(difference.significant is (difference.adjusted <= 0.05) for difference in found.pairs)


def test_scopes_count_wins_over_common_pairs_of_b_s_partitions(store):
    found = compare(store, "g", "a", "b", "bleu", samples=200)
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
    summed = {scope.scope: scope for scope in scope_differences(store, "g", "a", "b", "bleu")}
    assert summed["all"].delta == scopes["all"].delta and summed["all"].significant_wins is None


def test_enough_resamples_are_drawn_for_one_pair_to_be_significant_after_holm(store):
    found = compare(store, "g", "base", "b", "bleu")
    assert found.samples * 0.05 > len(found.pairs)
    assert any(difference.significant for difference in found.pairs)


def test_the_base_s_own_comparison_takes_the_partitions_of_the_model(store):
    scopes = [scope.scope for scope in scope_differences(store, "g", "base", "b", "bleu")]
    assert scopes == ["seen", "unseen_source", "unseen_target", "unseen_both", "unseen", "all"]


def test_where_less_is_better_the_signs_turn(store):
    found = {scope.scope: scope for scope in scope_differences(store, "g", "a", "b", "off_target")}["all"]
    deltas = [difference.delta for difference in compare(store, "g", "a", "b", "off_target", samples=200).pairs]
    assert (found.wins, found.losses) == (sum(delta < 0 for delta in deltas), sum(delta > 0 for delta in deltas))
    worst = [difference.delta for difference in regressions(store, "g", "a", "b", "off_target")]
    assert worst == sorted(deltas, reverse=True)


def test_regressions_come_worst_first(store):
    deltas = sorted(difference.delta for difference in compare(store, "g", "a", "b", "bleu", samples=200).pairs)
    assert [difference.delta for difference in regressions(store, "g", "a", "b", "bleu", limit=4)] == deltas[:4]


def test_the_screen_takes_pairs_unseen_for_both_beyond_both_intervals(store):
    scores = {name: {score.pair: score for score in pair_scores(store, "g", name, "bleu")} for name in ("a", "b")}
    expected = set()
    for pair in PAIRS[2:]:
        a, b = (scores[name][pair] for name in ("a", "b"))
        widths = [(score.high - score.low) / 2 for score in (a, b)]
        if a.partition.is_unseen and b.partition.is_unseen and abs(b.value - a.value) > np.hypot(*widths):
            expected.add(pair)
    found = unseen_differences(store, "g", "a", "b", "bleu")
    assert {difference.pair for difference in found} == expected and expected
    sizes = [abs(difference.delta) for difference in found]
    assert sizes == sorted(sizes, reverse=True)


def test_only_models_with_the_most_pairs_into_a_target_compete_for_it(store):
    best = {row.target: row for row in best_models(store, "g", "bleu")}
    scores = {
        name: [score for score in pair_scores(store, "g", name, "bleu") if score.value is not None] for name in GRAPHS
    }
    for target in ("en", "de", "fr", "ru"):
        means = {}
        for name, found in scores.items():
            values = [score.value for score in found if score.pair.target == target]
            means[name] = (len(values), fmean(values))
        assert (best[target].done, best[target].pairs) == (3, 3)
        assert best[target].model == max(means, key=means.get)
        assert best[target].mean == pytest.approx(max(means.values())[1])


def test_without_statistics_there_are_differences_but_no_tests(campaign):
    campaign.fill(GRAPHS, PAIRS[:4], statistics=False)
    found = compare(campaign.store, "g", "a", "b", "bleu")
    assert found.samples is None and all(difference.p_value is None for difference in found.pairs)
    assert found.scopes[-1].delta is not None and found.scopes[-1].p_value is None


def test_a_model_is_not_compared_with_itself(store):
    with pytest.raises(StoreError, match="itself"):
        compare(store, "g", "a", "a", "bleu")
    with pytest.raises(StoreError, match="no model 'c'"):
        compare(store, "g", "a", "c", "bleu")


def test_mean_and_spread_over_seeds_are_over_the_pairs_all_seeds_have(campaign):
    graph = GRAPHS["a"]
    models = {"base": TrainingGraph(), "m@1": graph, "m@2": graph, "m@3": graph, "other": graph}
    seeds = {"m@1": 1, "m@2": 2, "m@3": 3, "other": 1}
    campaign.fill(models, PAIRS, seeds=seeds, without={("m@2", Pair("en", "de")): UNTRIED})
    assert seed_groups(campaign.store, "g") == [["m@1", "m@2", "m@3"]]
    rows = {row.scope: row for row in over_seeds(campaign.store, "g", "bleu")}
    means = []
    for name in ("m@1", "m@2", "m@3"):
        found = [score for score in pair_scores(campaign.store, "g", name, "bleu") if score.pair != Pair("en", "de")]
        means.append(fmean(score.value for score in found))
    assert (rows["all"].pairs, rows["all"].mean, rows["all"].sd) == (
        11,
        pytest.approx(fmean(means)),
        pytest.approx(stdev(means)),
    )
    assert rows["seen"].pairs == 1
