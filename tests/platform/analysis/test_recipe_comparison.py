"""Recipes of a grid compared by their names: values by hand, and one seed more of a recipe is no other recipe."""

import json
from statistics import fmean

import pytest

from dragoman.analysis.pair_scores import pair_scores
from dragoman.analysis.recipe_comparison import asked_recipes, compare_recipes
from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.seeds import over_seeds, seed_groups
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fr"])
GRAPH = TrainingGraph.of([Pair("en", "de"), Pair("de", "en"), Pair("en", "fr")])
SEEDS = {f"{recipe}-seed{seed}": seed for recipe in ("good", "bad") for seed in (1, 2, 3)}
QUALITY = {"good-seed1": 0.8, "good-seed2": 0.75, "good-seed3": 0.78, "bad-seed1": 0.6, "bad-seed2": 0.55}
BLEU = ScoreQuestion("g", "bleu")


@pytest.fixture
def filled(campaign):
    # of a recipe the made models have the part of their names before @
    models = {"base": TrainingGraph(), **dict.fromkeys(("good@1", "good@2", "good@3", "bad@1", "bad@2"), GRAPH)}
    quality = {name.replace("-seed", "@"): value for name, value in QUALITY.items()}
    seeds = {name: int(name[-1]) for name in models if "@" in name}
    return campaign.fill(models, PAIRS, quality=quality, seeds=seeds, segments=60)


def test_the_means_are_over_seeds_and_pairs(filled):
    found = compare_recipes(filled, BLEU, a="bad@1", b="good@2")
    assert found is not None
    assert (found.models_a, found.models_b) == (("bad@1", "bad@2"), ("good@1", "good@2", "good@3"))
    values = {
        model: {score.pair: score.value for score in pair_scores(filled, BLEU, model=model)}
        for model in (*found.models_a, *found.models_b)
    }
    for row in found.scopes:
        inside = [pair for pair in PAIRS if row.scope in ("all", GRAPH.partition(pair))]
        if row.scope == "unseen":
            inside = [pair for pair in PAIRS if GRAPH.partition(pair).is_unseen]
        assert (row.done, row.pairs) == (len(inside), len(inside))
        for side, models in ((row.mean_a, found.models_a), (row.mean_b, found.models_b)):
            assert side == pytest.approx(fmean(values[model][pair] for model in models for pair in inside))
        assert row.delta == pytest.approx(row.mean_b - row.mean_a)
        assert row.low < row.delta < row.high and row.p_value <= row.adjusted
    assert [row.scope for row in found.pairs] == sorted(map(str, PAIRS))
    assert found.scopes[-1].p_value < 0.05
    assert "3 seeds of good@2 (good@1 good@2 good@3) and 2 of bad@1 (bad@1 bad@2)" in found.basis


def test_a_base_does_not_vary_and_a_single_seed_does(filled):
    against_base = compare_recipes(filled, BLEU, a="base", b="good@1")
    assert against_base is not None and against_base.models_a == ("base",)
    turned = compare_recipes(filled, BLEU, a="good@1", b="base")
    assert turned is not None
    (row,), (other,) = ([each for each in found.scopes if each.scope == "all"] for found in (against_base, turned))
    assert (row.delta, row.low, row.high) == pytest.approx((-other.delta, -other.high, -other.low))
    assert compare_recipes(filled, BLEU, a="good@1", b="good@2") is None  # one recipe


def test_the_mean_of_a_recipe_has_an_interval_wider_than_that_of_its_sentences(filled):
    rows = {row.scope: row for row in over_seeds(filled, BLEU) if "good@1" in row.models}
    for row in rows.values():
        assert row.low < row.mean < row.high
    # of three seeds with this spread alone the half-width is t(2) sd / sqrt(3)
    assert rows["all"].high - rows["all"].mean > 2 * rows["all"].sd / 3**0.5


def test_a_recipe_is_called_as_its_models_are_without_the_seed(campaign):
    seeds = {name: seed for name, seed in SEEDS.items() if name != "bad-seed3"}
    store = campaign.fill({"base": TrainingGraph(), **dict.fromkeys(seeds, GRAPH)}, PAIRS, quality=QUALITY, seeds=seeds)
    assert seed_groups(store, "g") == [["good-seed1", "good-seed2", "good-seed3"], ["bad-seed1", "bad-seed2"]]
    assert asked_recipes(store, BLEU, a="base", b="good").by_name
    assert not asked_recipes(store, BLEU, a="base", b="good-seed1").by_name
    named, by_models = (
        compare_recipes(store, BLEU, a=a, b=b) for a, b in (("bad", "good"), ("bad-seed2", "good-seed1"))
    )
    assert named is not None and by_models is not None
    assert named.scopes == by_models.scopes and named.pairs == by_models.pairs


def test_recipes_that_can_not_be_compared_say_so(filled, dragoman):
    code, _, err = dragoman("compare", "g", "good@1", "nobody")
    assert code == 2 and "has no model 'nobody'" in err


def test_the_command_prints_recipes_by_name_and_beside_checkpoints(campaign, dragoman):
    seeds = {name: seed for name, seed in SEEDS.items() if name != "bad-seed3"}
    campaign.fill({"base": TrainingGraph(), **dict.fromkeys(seeds, GRAPH)}, PAIRS, quality=QUALITY, seeds=seeds)
    code, out, _ = dragoman("compare", "g", "bad", "good", "--json")
    tables = json.loads(out)
    assert code == 0 and tables.keys() == {"recipes", "pairs"}
    assert tables["recipes"][-1]["models_b"] == ["good-seed1", "good-seed2", "good-seed3"]
    code, out, _ = dragoman("compare", "g", "bad-seed1", "good-seed1", "--json")
    assert [row["delta"] for row in json.loads(out)["recipes"]] == [row["delta"] for row in tables["recipes"]]
