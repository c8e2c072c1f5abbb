"""Means, gains, gaps and their intervals, held to pandas and to a resampling written out by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman import plugins
from dragoman.analysis import segment_statistics
from dragoman.analysis.comparison import compare
from dragoman.analysis.pair_scores import pair_scores, unscored
from dragoman.analysis.partition_gap import partition_gap
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_query import scores
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.systems import metric_names, model_names
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics.replicates import generator
from dragoman.metrics.resampling import SAMPLES, SEED, expanded_interval
from dragoman.metrics.serialization import unpack
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Evidence, Partition, TrainingGraph
from dragoman.store.records import CellRecord
from dragoman.testing import random_score

PAIRS = all_pairs(["en", "de", "fr", "ru"])
GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("en", "fr"), Pair("fr", "en")])


def table(store, model, **options):
    return {row.scope: row for row in partition_table(store, ScoreQuestion("g", "bleu", **options), model=model)}


def test_the_partitions_of_the_paper(campaign):
    # 13 languages, roles as in the code of Li et al. (2024): 22 / 16 / 0 / 4 / 42 / 42 / 30
    both, source, target = ["en", "ko", "sw"], ["zh-Hans", "fi"], ["de", "hi"]
    pairs = all_pairs([*both, *source, *target, "ru", "fr", "bg", "ar", "ca", "ta"])
    trained = [pair for pair in pairs if pair.source in both + source and pair.target in both + target]
    planned = {("tuned", pair): (CellState.PLANNED, None) for pair in pairs}
    campaign.fill(
        {"base": TrainingGraph(), "tuned": TrainingGraph.of(trained)},
        pairs,
        without=planned | {("base", pair): (CellState.PLANNED, None) for pair in pairs},
    )
    counted = {scope: row.pairs for scope, row in table(campaign.store, "tuned").items()}
    assert counted == {
        "seen": 22, "reversed": 16, "one_sided": 4, "unseen_source": 42, "unseen_target": 42, "unseen_both": 30,
        "unseen": 134, "all": 156,
    }  # fmt: skip


cells = st.fixed_dictionaries(
    {pair: st.sampled_from([None, CellState.PLANNED, CellState.FAILED]) for pair in PAIRS[:6]}
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    graph=st.lists(st.sampled_from(PAIRS), max_size=6), base=cells, tuned=cells, number=st.uuids(), micro=st.booleans()
)
def test_random_grids_equal_pandas(campaign, graph, base, tuned, number, micro):
    grid, base_name, name = f"g{number.hex}", f"base-{number.hex}", f"tuned-{number.hex}"
    without = {
        (model, pair): (state, "broken" if state is CellState.FAILED else None)
        for model, states in ((base_name, base), (name, tuned))
        for pair, state in states.items()
        if state is not None
    }
    segments = {pair: 5 + index for index, pair in enumerate(PAIRS)}
    trained = TrainingGraph.of(graph)
    campaign.fill({base_name: TrainingGraph(), name: trained}, PAIRS, grid=grid, without=without, segments=segments)
    found = {
        row.scope: row for row in partition_table(campaign.store, ScoreQuestion(grid, "bleu", micro=micro), model=name)
    }
    rows = pd.DataFrame(
        [
            {"scope": trained.partition(score.pair).value, "value": score.value, "base": score.base_value,
             "weight": segments[score.pair] if micro else 1}
            for score in pair_scores(campaign.store, ScoreQuestion(grid, "bleu"), model=name)
        ]
    ).astype({"value": float, "base": float})  # fmt: skip
    scopes = dict(tuple(rows.groupby("scope"))) | {"all": rows}
    if (rows.scope != "seen").any():
        scopes["unseen"] = rows[rows.scope != "seen"]
    assert found.keys() == scopes.keys()
    for scope, group in scopes.items():
        row, done, both = found[scope], group.dropna(subset="value"), group.dropna(subset=["value", "base"])
        assert (row.pairs, row.done, row.gain_pairs) == (len(group), len(done), len(both))
        if len(done):
            assert row.mean == pytest.approx(np.average(done.value, weights=done.weight))
            assert row.low <= row.mean + 1e-6 and row.mean - 1e-6 <= row.high
        if len(both):
            assert row.gain == pytest.approx(np.average(both.value - both.base, weights=both.weight))
            assert row.base_mean == pytest.approx(np.average(both.base, weights=both.weight))
        else:
            assert row.gain is None and row.gain_low is None


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("queried")) as campaign:
        without = {("tuned", Pair("de", "fr")): (CellState.FAILED, "out of memory")}
        unscorable = {("tuned", Pair("ru", "de")): ("bleu", "no tokeniser")}
        segments = {pair: 12 if pair.source == "en" else 9 for pair in PAIRS}
        yield campaign.fill(
            {"base": TrainingGraph(), "tuned": GRAPH}, PAIRS, metrics=("bleu", "off_target"),
            quality={"base": 0.4, "tuned": 0.8}, without=without, unscorable=unscorable, segments=segments,
        )  # fmt: skip


def test_names_stand_in_the_order_of_the_grid(filled):
    assert model_names(filled, "g") == ["base", "tuned"]
    assert metric_names(filled, "g") == ["bleu", "off_target"]


def test_a_pair_says_why_it_has_no_score(filled):
    scores = {score.pair: score for score in pair_scores(filled, ScoreQuestion("g", "bleu"), model="tuned")}
    failed, unscorable = scores[Pair("de", "fr")], scores[Pair("ru", "de")]
    assert (failed.state, failed.reason, failed.value) == (CellState.FAILED, "out of memory", None)
    assert (unscorable.state, unscorable.reason, unscorable.value) == (CellState.UNSCORABLE, "no tokeniser", None)
    assert scores[Pair("en", "de")].partition is Partition.SEEN and scores[Pair("en", "de")].base_value is not None
    assert unscored(filled, ScoreQuestion("g", "bleu"), model="tuned") == [failed, unscorable]
    assert list(scores) == sorted(scores)


def resampled_mean(store, model, pairs):
    """The mean over pairs in each resample, segment by segment drawn, each pair apart: slow and plain."""
    metric = plugins.load("metrics", "bleu")
    stored = {
        cell.cell.pair: unpack(score.statistics)
        for cell in store.cells.of_grid("g")
        if cell.cell.model == f"model-{model}"
        for score in store.cells.scores(cell.cell.id)
        if score.metric == "bleu"
    }
    values = []
    # the store has no sentences: each pair is a block of its own, the largest first
    for block, pair in enumerate(sorted(stored, key=lambda pair: (-len(stored[pair]), pair))):
        rows = stored[pair]
        draws = generator(SEED, block).choice(len(rows), size=(SAMPLES, len(rows)), replace=True)
        if pair in pairs:
            values.append([float(metric(pair).aggregate(rows[draw].sum(axis=0))) for draw in draws])
    return np.mean(values, axis=0)


def test_intervals_resample_all_pairs_jointly(filled):
    seen, recombined = list(GRAPH.pairs), [Pair("fr", "de")]
    row = table(filled, "tuned")["seen"]
    units = sum(12 if pair.source == "en" else 9 for pair in seen)
    expected = expanded_interval(resampled_mean(filled, "tuned", seen), units)
    assert (row.low, row.high) == pytest.approx(expected, abs=1e-4)
    gap = partition_gap(filled, ScoreQuestion("g", "bleu"), model="tuned", better="seen", worse="recombined")
    apart = resampled_mean(filled, "tuned", seen) - resampled_mean(filled, "tuned", recombined)
    assert (gap.raw_low, gap.raw_high) == pytest.approx(expanded_interval(apart, units + 9), abs=1e-4)
    assert gap.raw == pytest.approx(row.mean - table(filled, "tuned")["recombined"].mean)


def test_the_interval_of_a_gain_is_that_of_the_comparison_with_the_base(filled):
    compared = {scope.scope: scope for scope in compare(filled, ScoreQuestion("g", "bleu"), a="base", b="tuned").scopes}
    for scope, row in table(filled, "tuned").items():
        assert (row.gain, row.gain_low, row.gain_high) == (
            compared[scope].delta,
            compared[scope].low,
            compared[scope].high,
        )
        assert row.gain_low is None or row.gain_low < row.gain < row.gain_high
    assert table(filled, "tuned")["seen"].gain_low is not None


def test_there_is_no_gap_to_a_scope_without_scores(filled):
    assert partition_gap(filled, ScoreQuestion("g", "bleu"), model="tuned", better="seen", worse="unseen_both") is None
    assert partition_gap(filled, ScoreQuestion("g", "bleu"), model="base", better="seen", worse="recombined") is None


def test_without_statistics_or_with_too_many_pairs_there_are_means_but_no_intervals(campaign, monkeypatch):
    campaign.fill({"base": TrainingGraph(), "tuned": GRAPH}, PAIRS[:4], statistics=False)
    row = table(campaign.store, "tuned")["all"]
    assert row.mean is not None and row.gain is not None
    assert row.low is row.high is row.gain_low is None
    campaign.fill({"base2": TrainingGraph(), "tuned2": GRAPH}, PAIRS[:4], grid="g2")
    assert partition_table(campaign.store, ScoreQuestion("g2", "bleu"), model="tuned2")[-1].low is not None
    monkeypatch.setattr(segment_statistics, "MOST_PAIRS", 3)
    assert partition_table(campaign.store, ScoreQuestion("g2", "bleu"), model="tuned2")[-1].low is None


def test_what_a_model_of_unknown_training_has_not_seen_is_unknown(campaign):
    unknown = TrainingGraph(evidence=Evidence.UNKNOWN)
    campaign.fill({"base": unknown, "tuned": unknown}, PAIRS[:3])
    assert {scope: row.pairs for scope, row in table(campaign.store, "tuned").items()} == {"unknown": 3, "all": 3}


def test_a_grid_sees_only_its_own_pairs_of_a_model_it_shares(campaign):
    models = {"base": TrainingGraph(), "tuned": GRAPH}
    campaign.fill(models, PAIRS[:8], grid="large")
    campaign.fill(models, PAIRS[:3], grid="g")
    assert [row.pairs for row in partition_table(campaign.store, ScoreQuestion("large", "bleu"), model="tuned")][
        -1
    ] == 8
    row = table(campaign.store, "tuned")["all"]
    values = [score.value for score in pair_scores(campaign.store, ScoreQuestion("g", "bleu"), model="tuned")]
    assert (row.pairs, row.done) == (3, 3)
    assert row.mean == pytest.approx(math.fsum(values) / 3)


def test_signatures_of_one_target_are_never_mixed(campaign):
    store = campaign.fill({"base": TrainingGraph(), "tuned": GRAPH}, PAIRS[:4])
    again = random_score("bleu", "tuned", PAIRS[0], segments=20, quality=0.7, signature="tok:13a|version:2")
    cell = next(
        cell.cell
        for cell in store.cells.of_grid("g")
        if cell.cell.model == "model-tuned" and cell.cell.pair == PAIRS[0]
    )
    store.cells.add_scores(cell.id, [again])
    with pytest.raises(StoreError, match=r"into en under 2 signatures, .*version:1.*version:2.*not comparable"):
        partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")
    assert table(store, "tuned", signature="version:2")["all"].done == 1
    assert table(store, "tuned", signature="version:1")["all"].done == 4
    assert table(store, "tuned", signature="version:2")["all"].gain_pairs == 0  # the base has no such score
    with pytest.raises(StoreError, match="version:3"):
        partition_table(store, ScoreQuestion("g", "bleu", signature="version:3"), model="tuned")


def regrid(store, name, cells):
    """A grid of cells that belong to others already."""
    known = store.grids.get(cells[0])
    store.grids.add(
        known.model_copy(update={"name": name, "spec_hash": name}),
        [cell for grid in cells for cell in store.cells.of_grid(grid)],
    )


def test_prompts_are_never_mixed(campaign):
    models = {"base": TrainingGraph(), "tuned": GRAPH}
    for number, prompt in enumerate(["[{source}]", "Translate: {source}"]):
        campaign.fill(models, PAIRS[:3], grid=f"p{number}", prompt=prompt)
    store = campaign.store
    regrid(store, "g", ["p0", "p1"])
    with pytest.raises(StoreError, match=r"2 prompts \(.*Translate.*\[\{source\}\].*not comparable.*prompt=TEXT"):
        partition_table(store, ScoreQuestion("g", "bleu"), model="tuned")
    one = scores(store, "bleu", model="tuned", grid="g", prompt="Translate").rows()[0]
    assert (one.pairs, one.done) == (3, 3)
    with pytest.raises(StoreError, match="no cells with prompt 'nothing'"):
        scores(store, "bleu", model="tuned", grid="g", prompt="nothing").rows()


def test_two_texts_of_one_test_set_are_never_mixed(campaign):
    store = campaign.fill({"base": TrainingGraph()}, PAIRS[:2], grid="old")
    old = store.cells.of_grid("old")
    changed = [record.cell.model_copy(update={"content": "changed"}) for record in old]
    store.grids.add(
        store.grids.get("old").model_copy(update={"name": "new"}), [CellRecord(cell=cell) for cell in changed]
    )
    regrid(store, "g", ["old", "new"])
    with pytest.raises(StoreError, match=f"{PAIRS[0]} with two texts of one test set"):
        partition_table(store, ScoreQuestion("g", "bleu"), model="base")
    assert partition_table(store, ScoreQuestion("old", "bleu"), model="base")[-1].done == 2
    assert partition_table(store, ScoreQuestion("new", "bleu"), model="base")[-1].done == 0
