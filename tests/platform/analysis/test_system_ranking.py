"""Ranking of a grid's systems: the tests are those of comparisons, the pairs those that all systems have."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from dragoman.analysis import entrants
from dragoman.analysis.comparison import compare
from dragoman.analysis.partition_table import partition_table
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.cell import CellState
from dragoman.errors import StoreError
from dragoman.metrics import many_systems
from dragoman.metrics.significance import holm
from dragoman.pair import Pair, all_pairs
from dragoman.partition import Evidence, TrainingGraph

PAIRS = all_pairs(["en", "de", "fr", "ru"])
CHAIN = [Pair("en", "de"), Pair("de", "fr")]
GRAPHS = {
    "base": TrainingGraph(),
    "hub": TrainingGraph.of([Pair("en", "de"), Pair("en", "fr")]),
    "chain": TrainingGraph.of(CHAIN),
    "other": TrainingGraph(evidence=Evidence.UNKNOWN),
}
QUALITY = {"base": 0.5, "hub": 0.56, "chain": 0.555, "other": 0.62}
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:1"
SAMPLES = 2000


@pytest.fixture(scope="module")
def store(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("ranked")) as campaign:
        yield campaign.fill(GRAPHS, PAIRS, metrics=("bleu", "ter"), quality=QUALITY, segments=40, signature=SIGNATURE)


def asked(metric="bleu", **how):
    return ScoreQuestion("g", metric, **how)


@pytest.fixture(scope="module")
def found(store):
    return rank(store, asked(), samples=SAMPLES)


def test_every_two_systems_have_the_p_value_of_their_comparison(store, found):
    assert [(each.better, each.worse) for each in found.differences] == list(
        combinations([each.system for each in found.systems], 2)
    )
    for each in found.differences:
        compared = compare(store, asked(), a=each.worse, b=each.better, samples=SAMPLES)
        (scope,) = (scope for scope in compared.scopes if scope.scope == "all")
        assert (each.p_value, each.p_is_floor) == (scope.p_value, scope.p_is_floor)
        assert each.ahead == pytest.approx(scope.delta) and each.ahead >= 0
        assert (each.low, each.high) == pytest.approx((scope.low, scope.high), abs=0.02 * (scope.high - scope.low))
    adjusted = holm([each.p_value for each in found.differences])
    assert [each.adjusted for each in found.differences] == pytest.approx(adjusted)
    assert [each.significant for each in found.differences] == [bool(each <= 0.05) for each in adjusted]


def test_means_are_those_of_the_partition_table(store, found):
    assert [each.mean for each in found.systems] == sorted((each.mean for each in found.systems), reverse=True)
    for each in found.systems:
        (row,) = (row for row in partition_table(store, asked(), model=each.system) if row.scope == "all")
        assert (each.mean, each.low, each.high) == pytest.approx((row.mean, row.low, row.high))


def test_standings_follow_from_the_tests(found):
    names = [each.system for each in found.systems]
    assert names[0] == "other" and names[-1] == "base" and {*names[1:3]} == {"hub", "chain"}
    wins = {name: sum(each.significant for each in found.differences if each.better == name) for name in names}
    losses = {name: sum(each.significant for each in found.differences if each.worse == name) for name in names}
    assert [(each.rank, each.wins, each.losses) for each in found.systems] == [
        (place, wins[name], losses[name]) for place, name in enumerate(names, start=1)
    ]
    assert [each.cluster for each in found.systems] == [1, 2, 2, 3]
    assert [(each.best_rank, each.worst_rank) for each in found.systems] == [(1, 1), (2, 3), (2, 3), (4, 4)]
    assert [(each.better, each.worse) for each in found.neighbours] == list(pairwise(names))


def test_an_error_rate_is_better_by_being_lower(store):
    ter = rank(store, asked("ter"), samples=SAMPLES)
    assert [each.mean for each in ter.systems] == sorted(each.mean for each in ter.systems)
    assert ter.systems[0].system == "other" and ter.systems[-1].system == "base"
    assert all(each.ahead >= 0 and each.low <= each.ahead <= each.high for each in ter.differences)
    assert all(each.agreement is None for each in ter.differences)
    assert sum(each.ahead for each in ter.shares if each.system == "base") == pytest.approx(
        ter.systems[-1].mean - ter.systems[0].mean
    )


def test_partitions_add_up_to_the_difference(found):
    first, *others = found.systems
    for each in others:
        rows = [row for row in found.shares if row.system == each.system]
        assert sum(row.ahead for row in rows) == pytest.approx(first.mean - each.mean)
        assert sum(row.share for row in rows) == pytest.approx(100) and sum(row.pairs for row in rows) == len(PAIRS)
    hub = {row.partition: row for row in found.shares if row.system == "hub"}
    assert hub["seen"].pairs == 2 and hub["seen"].partitions_of == "hub"
    # all pairs are alike to the base, and of the first nothing is known
    (base,) = (row for row in found.shares if row.system == "base")
    assert (base.partition, base.partitions_of) == ("unknown", "other")


def test_one_partition_is_that_of_all_systems(store):
    # trained alike, so that the partitions are the same
    one = rank(store, asked(), models=["base", "hub"], over="seen", samples=SAMPLES)
    assert (one.done, one.pairs) == (2, 2)
    assert any("base saw no language of these pairs: seen is by the training of the others." in n for n in one.notes)
    both = rank(store, asked(), models=["base", "hub", "chain"], over="seen", samples=SAMPLES)
    # en-de is trained in both, en-fr and de-fr in one each
    assert (both.done, both.pairs) == (1, 1)
    assert "Partitions differ by model: these are the 1 that are seen under each (hub 2, chain 2)." in both.notes
    unseen = rank(store, asked(), over="unseen", samples=SAMPLES)
    assert unseen.done == len(set(PAIRS) - {Pair("en", "de"), Pair("en", "fr"), Pair("de", "fr")})
    assert "What other saw is unknown: to it a pair may be another than unseen." in unseen.notes


def test_a_scope_that_nothing_is_known_of_is_refused(store, campaign):
    unknown = TrainingGraph(evidence=Evidence.UNKNOWN)
    campaign.fill({"base": unknown, "other": unknown}, PAIRS, quality=QUALITY)
    with pytest.raises(StoreError, match="no pair is known to be seen"):
        rank(campaign.store, asked(), over="seen")
    assert rank(campaign.store, asked(), over="unknown", samples=200).done == len(PAIRS)
    with pytest.raises(StoreError, match="'unsen' is no partition; did you mean 'unseen'"):
        rank(store, asked(), over="unsen")


def test_people_agree_more_with_larger_differences(found):
    known = sorted((each.ahead, each.agreement) for each in found.differences)
    assert [agreement for _, agreement in known] == sorted(agreement for _, agreement in known)
    assert 50 <= known[0][1] < known[-1][1] < 88.4


def test_what_is_detectable_follows_from_the_standard_error(found):
    for each in found.differences:
        assert each.detectable == pytest.approx(2.8016 * each.error, rel=1e-4)
        assert each.detectable < each.detectable_of_all
        assert each.sentences == pytest.approx(max(6, found.units * (each.detectable / each.ahead) ** 2), abs=1)


def test_only_pairs_that_all_systems_have_count(campaign):
    without = {("hub", PAIRS[0]): (CellState.PLANNED, None), ("chain", PAIRS[1]): (CellState.FAILED, "no memory")}
    store = campaign.fill(GRAPHS, PAIRS, quality=QUALITY, without=without)
    found = rank(store, asked(), samples=200)
    assert (found.done, found.pairs) == (len(PAIRS) - 2, len(PAIRS))
    assert rank(store, asked(), models=["base", "hub"], samples=200).done == len(PAIRS) - 1


def test_systems_without_scores_are_left_out_and_said(campaign):
    none = {("chain", pair): (CellState.PLANNED, None) for pair in PAIRS}
    store = campaign.fill(GRAPHS, PAIRS, quality=QUALITY, without=none)
    found = rank(store, asked(), samples=200)
    assert [each.system for each in found.systems] == ["other", "hub", "base"]
    assert "Left out, as there is no bleu score: chain." in found.notes
    with pytest.raises(StoreError, match="A ranking needs two systems, and 1 of those asked for in grid 'g' has bleu"):
        rank(store, asked(), models=["chain", "hub"])


def test_systems_without_a_pair_in_common_are_refused(campaign):
    half = {("hub", pair): (CellState.PLANNED, None) for pair in PAIRS[:6]}
    rest = {("chain", pair): (CellState.PLANNED, None) for pair in PAIRS[6:]}
    store = campaign.fill(GRAPHS, PAIRS, quality=QUALITY, without=half | rest)
    with pytest.raises(StoreError, match="No pair has a score with statistics of all 4 systems"):
        rank(store, asked())


def test_scores_without_statistics_can_not_be_ranked(campaign):
    store = campaign.fill(GRAPHS, PAIRS, quality=QUALITY, statistics=False)
    with pytest.raises(StoreError, match="No pair has a score with statistics of all 4 systems"):
        rank(store, asked())


def test_seeds_of_one_recipe_are_marked(campaign):
    graph = TrainingGraph.of(CHAIN)
    models = {"base": TrainingGraph(), "tuned@1": graph, "tuned@2": graph, "else": graph}
    quality = {"base": 0.5, "tuned@1": 0.6, "tuned@2": 0.61, "else": 0.55}
    store = campaign.fill(models, PAIRS, quality=quality, seeds={"tuned@1": 1, "tuned@2": 2, "else": 1})
    found = rank(store, asked(), samples=200)
    assert {each.system: each.seeds for each in found.systems} == {
        "base": (), "else": (), "tuned@1": ("tuned@2",), "tuned@2": ("tuned@1",),
    }  # fmt: skip
    assert any("tuned@1 and tuned@2 are seeds of one recipe" in note for note in found.notes)
    assert any("One checkpoint each: they say nothing of the recipe." in note for note in found.notes)


@pytest.fixture
def prompted(campaign):
    """A grid asked with two prompts, the second of which all but the base do better with."""
    graphs = {"base": TrainingGraph(), "hub": GRAPHS["hub"]}
    for name, prompt, gain in (("p0", "[{source}]", 0.0), ("p1", "To {source}", 0.1)):
        quality = {"base": 0.5, "hub": 0.55 + gain}
        campaign.fill(graphs, PAIRS, grid=name, prompt=prompt, quality=quality, segments=30)
    store = campaign.store
    cells = [cell for grid in ("p0", "p1") for cell in store.cells.of_grid(grid)]
    store.grids.add(store.grids.get("p0").model_copy(update={"name": "g", "spec_hash": "g"}), cells)
    return store


def test_a_model_is_ranked_with_each_of_its_prompts(prompted):
    found = rank(prompted, asked(), samples=200)
    assert [each.system for each in found.systems] == [
        "hub:To {source}", "hub:[{source}]", "base:To {source}", "base:[{source}]",
    ]  # fmt: skip
    assert found.done == len(PAIRS) and "The systems are not run alike: their prompts differ." in found.notes
    # the base was made up alike under both
    alike = found.differences[-1]
    assert (alike.ahead, alike.p_value, alike.significant, alike.sentences) == (0.0, 1.0, False, None)
    compared = compare(prompted, asked(), a="base:[{source}]", b="hub:To {source}", samples=200)
    (pair,) = (each for each in found.differences if (each.better, each.worse) == (compared.b, compared.a))
    assert pair.p_value == compared.scopes[-1].p_value and pair.ahead == pytest.approx(compared.scopes[-1].delta)


def test_prompts_and_systems_can_be_chosen(prompted):
    one = rank(prompted, asked(prompt="To {source}"), samples=200)
    assert [each.system for each in one.systems] == ["hub", "base"] and not any("alike" in note for note in one.notes)
    some = rank(prompted, asked(), models=["hub", "base:[{source}]"], samples=200)
    assert [each.system for each in some.systems] == ["hub:To {source}", "hub:[{source}]", "base:[{source}]"]


def test_where_chance_could_decide_there_are_more_deals(store, monkeypatch):
    two = {"models": ["hub", "chain"], "over": "seen"}
    (close,) = rank(store, asked(), **two).differences
    made = []
    tested = many_systems.Systems.tested
    monkeypatch.setattr(
        many_systems.Systems,
        "tested",
        lambda self, which, trials, *rest, **how: made.append(trials) or tested(self, which, trials, *rest, **how),
    )
    # its own p-value as alpha: on either side by chance
    again = rank(store, asked(), alpha=close.adjusted, **two)
    assert made[0] == again.samples < made[1] and len(made) <= 4
    assert rank(store, asked(), samples=500, **two).samples == 500 and made[-1] == 500


def test_each_systems_statistics_are_read_once(store, monkeypatch):
    read = []
    scores_of_texts = entrants.scores_of_texts
    monkeypatch.setattr(entrants, "scores_of_texts", lambda *asked: read.append(asked[2]) or scores_of_texts(*asked))
    rank(store, asked(), samples=200)
    assert len(read) == len(set(read)) == 4


def test_too_many_systems_are_refused(store, monkeypatch):
    monkeypatch.setattr(entrants, "MOST_SYSTEMS", 3)
    with pytest.raises(StoreError, match="Up to 3 systems are ranked at once, and grid 'g' has 4: name the systems"):
        rank(store, asked())
    monkeypatch.setattr(entrants, "MOST_DIFFERENCES", 30)
    with pytest.raises(StoreError, match="3 systems on 12 pairs differ in 36 ways, and up to 30 are tested"):
        rank(store, asked(), models=["base", "hub", "chain"])
    assert rank(store, asked(), models=["base", "hub", "chain"], over="unseen", samples=200).done == 9


def test_names_that_are_not_there_are_refused(store):
    with pytest.raises(StoreError, match="has no system 'hob'; did you mean 'hub'"):
        rank(store, asked(), models=["hob"])
    with pytest.raises(StoreError, match="has no prompt 'x'"):
        rank(store, asked(prompt="x"))


def test_the_same_question_has_the_same_answer(store, found):
    assert rank(store, asked(), samples=SAMPLES) == found
    assert rank(store, asked(), samples=SAMPLES, seed=1) != found
    assert np.ptp([each.mean for each in rank(store, asked(), samples=SAMPLES, seed=1).systems]) == pytest.approx(
        np.ptp([each.mean for each in found.systems])
    )
