"""`dragoman query`."""

import json

import pytest

from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fi"])


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("filled")) as campaign:
        models = {"base": TrainingGraph(), "tuned": TrainingGraph.of([Pair("en", "de"), Pair("en", "fi")])}
        yield campaign.fill(models, PAIRS, quality={"base": 0.4, "tuned": 0.7})


def test_groups_by_any_dimensions_and_compares(filled, dragoman):
    outcome = dragoman(
        "query", "g", "--by", "partition", "--by", "target", "--model", "tuned", "--against", "base", "--json"
    )
    rows = json.loads(outcome.out)["groups"]
    assert [(row["partition"], row["target"], row["done"]) for row in rows] == [
        ("seen", "de", 1), ("seen", "fi", 1), ("reversed", "en", 2), ("one_sided", "de", 1), ("one_sided", "fi", 1),
    ]  # fmt: skip
    assert all(row["delta"] == pytest.approx(row["mean"] - row["other_mean"], abs=1e-5) for row in rows)


def test_dimensions_may_stand_in_one_option(filled, dragoman):
    together = dragoman("query", "g", "--by", "partition,target", "--json").out
    assert together == dragoman("query", "g", "--by", "partition", "--by", "target", "--json").out
    outcome = dragoman("query", "g", "--by", "partition,tagret")
    assert outcome.code == 2 and "grouped by 'tagret': did you mean 'target'?" in outcome.err


def test_a_grid_without_cells_says_that_there_is_nothing(filled, dragoman):
    filled.grids.add(filled.grids.get("g").model_copy(update={"name": "empty"}), [])
    for arguments in (["query", "empty"], ["results", "empty"], ["compare", "empty", "base", "tuned"]):
        assert dragoman(*arguments) == (0, "", "There are no rows to show.\n")
    assert json.loads(dragoman("query", "empty", "--json").out)["groups"] == []
    ranked = dragoman("rank", "empty")
    assert ranked.code == 2 and "A ranking needs two systems, and 0 of those asked for in grid 'empty'" in ranked.err


def test_a_grid_without_metrics_has_nothing_to_ask_for(filled, dragoman):
    filled.grids.add(filled.grids.get("g").model_copy(update={"name": "bare", "metrics": ()}), [])
    for arguments in (["query", "bare"], ["results", "bare"], ["rank", "bare"], ["compare", "bare", "base", "tuned"]):
        outcome = dragoman(*arguments)
        assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
        assert "Grid 'bare' names no metric and has no scores" in outcome.err


def test_a_baseline_of_a_grid_without_cells_is_one_sentence(filled, dragoman):
    spec = {"name": "early", "baselines": [{"name": "few"}]}
    filled.grids.add(filled.grids.get("g").model_copy(update={"name": "early", "spec": spec}), [])
    outcome = dragoman("compare", "early", "few", "tuned")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "'few' is the base asked with another prompt, and the grid has no cells yet." in outcome.err


def test_micro_is_said_and_refused_for_the_best_models(filled, dragoman):
    assert "weighted by segments" in dragoman("query", "g", "--by", "target", "--micro").out
    assert "each pair alike" in dragoman("query", "g", "--by", "target").out
    assert json.loads(dragoman("query", "g", "--micro", "--json").out).keys() == {"groups"}
    outcome = dragoman("query", "g", "--micro", "--table", "best")
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert "ask for it without --micro" in outcome.err


def test_narrows_and_names_families(filled, dragoman):
    outcome = dragoman(
        "query", "g", "--by", "target_family", "--where", "source=eng,de", "--where", "partition=unseen,seen"
    )
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["tuned", "Uralic", "languages", "2", "of", "2"] in [line[:6] for line in lines]


def test_shows_the_best_model_into_each_target(filled, dragoman):
    rows = json.loads(dragoman("query", "g", "--table", "best", "--json").out)["best"]
    assert [(row["target"], row["model"], row["done"], row["pairs"]) for row in rows] == [
        ("de", "tuned", 2, 2), ("en", "tuned", 2, 2), ("fi", "tuned", 2, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--where", "target"], "DIMENSION=VALUE"),
        (["--where", "targt=de"], "did you mean 'target'?"),
        (["--where", "partition=sen"], "did you mean 'seen'?"),
        (["--where", "source=nonsense"], "not a language"),
        (["--against", "bse"], "did you mean 'base'?"),
    ],
)
def test_wrong_input_is_one_sentence(filled, dragoman, arguments, said):
    outcome = dragoman("query", "g", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err
