"""Models that differ only in their seed."""

from statistics import fmean, stdev

import pytest

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import over_seeds, seed_groups
from dragoman.cell import CellState
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fr", "ru"])
GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("en", "fr")])
NAMES = ("m@1", "m@2", "m@3")


def test_mean_and_spread_are_over_the_pairs_all_seeds_have(campaign):
    models = {"base": TrainingGraph(), **dict.fromkeys((*NAMES, "other"), GRAPH)}
    seeds = {"m@1": 1, "m@2": 2, "m@3": 3, "other": 1}
    without = {("m@2", Pair("en", "de")): (CellState.PLANNED, None)}
    campaign.fill(models, PAIRS, seeds=seeds, without=without)
    assert seed_groups(campaign.store, "g") == [list(NAMES)]
    rows = {row.scope: row for row in over_seeds(campaign.store, ScoreQuestion("g", "bleu"))}
    means = []
    for name in NAMES:
        found = [
            score
            for score in pair_scores(campaign.store, ScoreQuestion("g", "bleu"), model=name)
            if score.pair != Pair("en", "de")
        ]
        means.append(fmean(score.value for score in found))
    assert (rows["all"].done, rows["all"].pairs) == (11, 12)
    assert (rows["all"].mean, rows["all"].sd) == (pytest.approx(fmean(means)), pytest.approx(stdev(means)))
    assert (rows["seen"].done, rows["seen"].pairs) == (1, 2)


def test_seeds_trained_on_other_pairs_are_averaged_over_those_of_one_scope_under_all(campaign):
    graphs = {"base": TrainingGraph(), "m@1": GRAPH, "m@2": TrainingGraph.of([Pair("en", "de"), Pair("de", "en")])}
    store = campaign.fill(graphs, PAIRS, seeds={"m@1": 1, "m@2": 2})
    rows = {row.scope: row for row in over_seeds(store, ScoreQuestion("g", "bleu"))}
    assert (rows["seen"].done, rows["seen"].pairs) == (1, 1)  # en-fr and de-en are seen by one of the two
    values = [
        score.value
        for name in ("m@1", "m@2")
        for score in pair_scores(store, ScoreQuestion("g", "bleu"), model=name)
        if score.pair == Pair("en", "de")
    ]
    assert (rows["seen"].mean, rows["seen"].sd) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))
    assert rows["unseen"].pairs == 9 and rows["all"].pairs == 12
