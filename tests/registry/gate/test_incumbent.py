"""A model's pairs and means tested against the incumbent's, as checkpoints and as recipes."""

import pytest
from tests.registry.promoting import promote
from tests.registry.promotion.test_promotion import NAME, policy_of, score_with_statistics

from dragoman.analysis import joint_tests, significance_plan
from dragoman.analysis.scores_by_text import scores_by_lines
from dragoman.analysis.segment_statistics import Stored
from dragoman.analysis.units import independent
from dragoman.metrics.sacrebleu import Bleu, ChrfPlusPlus
from dragoman.metrics.serialization import pack, unpack
from dragoman.metrics.significance import paired_approximate_randomization
from dragoman.pair import Pair
from dragoman.planning.quoted_systems import add_scores, baseline_with_scores
from dragoman_registry.gate import incumbent
from dragoman_registry.gate.evidence import PolicyError, gate
from dragoman_registry.promotion.promotion import Promotions
from dragoman_registry.registry_client.versions import version_at

LINES = 60
"""Sentences that `score_with_statistics` scores."""


@pytest.fixture
def promotions(world):
    return Promotions(world.store, world.settings.mlflow_url)


@pytest.fixture
def pairs(world):
    return [str(score) for score in world.scores["english"]]


def findings_of(world, promotions, model, **rule):
    """What the gate finds of a model under one rule, against the champion."""
    champion = version_at(promotions.uri, NAME, "champion")
    (finding,) = gate(world.store, world.grid, model, policy_of({"metric": "chrf++", **rule}), champion).findings
    return finding


def test_a_regression_of_one_pair_is_tested_one_sided_by_randomization(world, promotions, pairs):
    score_with_statistics(world, "english", {**dict.fromkeys(pairs, 30), "en-fr": 20})
    promote(promotions, world.bare_version("english"), policy_of({"metric": "chrf++", "at_least": 0}), "champion")
    score_with_statistics(world, "german", {**dict.fromkeys(pairs, 30), "en-fr": 16})
    finding = findings_of(world, promotions, "german", over="en-fr", no_significant_regression=True)
    metric, stored = ChrfPlusPlus(Pair("en", "fr")), {}
    for name in ("english", "german"):
        scored = scores_by_lines(world.store, model_id(world, name), "chrf++", with_statistics=True)
        (packed,) = next(each.statistics for (pair, _), each in scored.items() if str(pair) == "en-fr").values()
        stored[name] = unpack(packed)
    expected = paired_approximate_randomization(metric, stored["english"], stored["german"])
    # other deals of the same sentences: three standard errors of two shares of 10,000
    assert finding.p_value == pytest.approx(expected.p_worse, abs=3 * (2 * expected.p_worse / 10_000) ** 0.5)
    assert finding.method == "randomization"
    assert finding.error == pytest.approx(expected.se)
    assert finding.remark.startswith("One checkpoint each: says nothing of the recipes.")
    upper = findings_of(world, promotions, "german", over="en-fr", regression_upper_at_most=100)
    assert (upper.value, upper.passed) == (pytest.approx(-expected.low, rel=0.03), True)
    assert not findings_of(world, promotions, "german", over="en-fr", regression_upper_at_most=1).passed


def model_id(world, name):
    return next(identity for identity, known in world.grid.names.items() if known == name)


def test_another_seed_of_the_incumbents_recipe_is_no_regression_of_the_recipe(world, promotions, pairs):
    """The second seed is clearly worse: as a checkpoint that is significant, as a recipe the two are equal."""
    score_with_statistics(world, "english", dict.fromkeys(pairs, 40))
    promote(promotions, world.bare_version("english"), policy_of({"metric": "chrf++", "at_least": 0}), "champion")
    world.run({"seed": 2})
    score_with_statistics(world, "english", dict.fromkeys(pairs, 20))
    for rule in ({"no_significant_regression": True}, {"significant_losses_at_most": 0}):
        assert findings_of(world, promotions, "english", **rule).passed
        assert not findings_of(world, promotions, "english", seeds="checkpoint", **rule).passed
    finding = findings_of(world, promotions, "english", no_significant_regression=True, seeds="pooled")
    assert "another seed of the same recipe" in finding.remark
    assert "as checkpoints the regression is +" in finding.remark
    # the checkpoint that would be served is worse by its numbers, and that is said
    assert not findings_of(world, promotions, "english", regression_at_most=1).passed
    assert not findings_of(world, promotions, "english", regression_upper_at_most=1).passed
    assert findings_of(world, promotions, "english", regression_upper_at_most=1, seeds="pooled").passed


def test_recipes_of_several_seeds_are_compared_over_them(world, promotions, pairs):
    """Seeds of one recipe differ by as much as the two recipes do, which no test of two checkpoints can know."""
    for seed, right in ((2, 20), (3, 30), (4, 40)):
        world.run({"seed": seed})
        score_with_statistics(world, "english", dict.fromkeys(pairs, right + 2))
        score_with_statistics(world, "german", dict.fromkeys(pairs, right - 8))
    promote(promotions, world.bare_version("english"), policy_of({"metric": "chrf++", "at_least": 0}), "champion")
    alone = findings_of(world, promotions, "german", no_significant_regression=True, seeds="checkpoint")
    recipes = findings_of(world, promotions, "german", no_significant_regression=True)
    assert (alone.passed, alone.method, recipes.passed, recipes.method) == (False, "randomization", True, "seeds")
    assert recipes.error > 3 * alone.error
    assert recipes.remark.startswith("Recipes, over 3 and 3 seeds and other sentences of this kind")
    assert findings_of(world, promotions, "german", significant_losses_at_most=0).passed


def test_a_model_against_itself_has_not_regressed(world, promotions, pairs):
    score_with_statistics(world, "english", dict.fromkeys(pairs, 40))
    promote(promotions, world.bare_version("english"), policy_of({"metric": "chrf++", "at_least": 0}), "champion")
    finding = findings_of(world, promotions, "english", no_significant_regression=True)
    assert (finding.passed, finding.remark) == (True, "It is the incumbent itself.")


GOOD = [f"the house number {number} stands there" for number in range(30)]
BAD = [f"a home {number} is" for number in range(30)]


def scored(pair, hypotheses):
    metric = Bleu(pair)
    statistics = metric.statistics(hypotheses, hypotheses, GOOD)
    return Stored(metric.score(statistics), pack(statistics))


def losses_of(theirs, ours, languages):
    """Whether a model loses on each pair from English, by what both wrote there."""
    pairs = [Pair("en", each) for each in languages]
    both = [[{pair: scored(pair, side) for pair in pairs}] for side in (theirs, ours)]
    sides, units = incumbent._Sides(*both, False, False), independent({pair: len(GOOD) for pair in pairs})
    plan = significance_plan.Plan()
    tests = joint_tests.joint_tests(Bleu, sides.contrasts, units, plan, {})
    assert incumbent._recipe_losses(Bleu, sides, incumbent._recipe_tests(Bleu, sides, units), plan) == {}
    return incumbent._losses({pair: each.p_worse for pair, each in tests.pairs.items()}, plan, tests.samples)


@pytest.mark.parametrize(("replicates", "worse"), [(2**24, 6), (6 * 1000, 6), (6 * 100, 0)])
def test_more_pairs_than_the_trials_can_tell_apart_are_untested_and_not_equal(replicates, worse, monkeypatch):
    """Of 100 trials no p-value is below 1 in 101, and none to fit a tail: times six that is more than 0.05."""
    monkeypatch.setattr(significance_plan, "_MOST_REPLICATES", replicates)
    monkeypatch.setattr(significance_plan, "FURTHEST", 1 if replicates < 2**10 else 100)
    joint_tests._tests.cache_clear()
    found = losses_of(GOOD, BAD, ("de", "fr", "fi", "ru", "ar", "hi"))
    assert len(found) == worse and all(found.values())


def test_a_model_that_is_better_is_not_worse():
    assert losses_of(BAD, GOOD, ("de",)) == {Pair("en", "de"): False}


def test_other_seeds_are_read_for_recipes_alone(world, promotions, pairs, monkeypatch):
    for seed, right in ((2, 20), (3, 30)):
        world.run({"seed": seed})
        score_with_statistics(world, "english", dict.fromkeys(pairs, right + 2))
        score_with_statistics(world, "german", dict.fromkeys(pairs, right - 8))
    promote(promotions, world.bare_version("english"), policy_of({"metric": "chrf++", "at_least": 0}), "champion")
    read, real = [], incumbent.scores_by_lines

    def scores(store, model, *rest, **lines):
        read.append(model)
        return real(store, model, *rest, **lines)

    monkeypatch.setattr(incumbent, "scores_by_lines", scores)
    findings_of(world, promotions, "german", no_significant_regression=True, seeds="checkpoint")
    of_checkpoints = list(read)
    read.clear()
    findings_of(world, promotions, "german", no_significant_regression=True)
    assert set(of_checkpoints) == {model_id(world, "english"), model_id(world, "german")}
    assert len(set(read)) == 6  # with the seed of the grid that was there


def test_a_system_whose_scores_are_quoted_is_never_promoted(world, promotions, tmp_path):
    (tmp_path / "table.csv").write_text("pair,bleu\nen-fr,99\n")
    scores = {"path": f"{tmp_path}/table.csv", "cite": "Doe 2026"}
    add_scores(world.store, world.grid.name, baseline_with_scores("paper", scores, "unknown"))
    with pytest.raises(PolicyError, match="'paper' has no model that could be promoted: its scores are quoted"):
        gate(world.store, world.grid, "paper", policy_of({"metric": "bleu", "at_least": 0}), None)
