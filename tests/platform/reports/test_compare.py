"""`dragoman compare`."""

import csv
import io
import json

import pytest

from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph

PAIRS = all_pairs(["en", "de", "fr"])


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("filled")) as campaign:
        models = {"base": TrainingGraph(), "tuned": TrainingGraph.of([Pair("en", "de"), Pair("en", "fr")])}
        quality = {"base": 0.5, "tuned": 0.9, ("tuned", PAIRS[0]): 0.2}
        yield campaign.fill(models, PAIRS, quality=quality, segments=30)


def test_shows_scopes_with_wins_and_the_worst_losses_and_gains(filled, dragoman):
    outcome = dragoman("compare", "g", "base", "tuned", "--samples", "500")
    assert outcome.code == 0, outcome.err
    lines = [line.split() for line in outcome.out.splitlines()]
    scope = next(line for line in lines if line[:1] == ["all"])
    assert scope[1:4] == ["6", "of", "6"] and scope[-19:-14] == ["5", "(5)", "1", "(1)", "0"]
    assert " ".join(scope[-14:]) == "5 of 6, 3 of 3 targets 1 of 6, 1 of 3 targets"
    assert "paired randomization, 500 samples, adjusted after Holm" in outcome.out
    losses = outcome.out.split("where tuned is worst against base")[1].split("where it is best")[0]
    assert [line.split()[:2] for line in losses.splitlines() if line.strip().startswith("de")] == [["de", "en"]]


def test_json_has_every_pair_and_csv_the_table_asked_for(filled, dragoman):
    arguments = ("compare", "g", "base", "tuned", "--samples", "200")
    found = json.loads(dragoman(*arguments, "--json").out)
    assert len(found["pairs"]) == 6 and {"scopes", "losses", "gains", "pairs"} == found.keys()
    rows = list(csv.DictReader(io.StringIO(dragoman(*arguments, "--csv", "--table", "pairs").out)))
    assert [float(row["delta"]) for row in rows] == [pair["delta"] for pair in found["pairs"]]


def test_json_and_csv_say_how_and_of_what(filled, dragoman):
    arguments = ("compare", "g", "base", "tuned", "--samples", "200", "--seed", "7", "--test", "bootstrap")
    found = json.loads(dragoman(*arguments, "--alpha", "0.01", "--json").out)
    how = {"metric": "bleu", "test": "bootstrap", "samples": 200, "correction": "holm", "alpha": 0.01, "seed": 7}
    for row in [*found["scopes"], *found["pairs"]]:
        assert how.items() <= row.items() and row["unit"] == "sentence" and row["signature"]
        assert "Intervals and p are about these pairs and these checkpoints" in row["notes"]
        assert "One checkpoint each: they say nothing of the recipe." in row["notes"]
    assert {(row["a"], row["b"]) for row in found["scopes"]} == {("base", "tuned")}
    assert {(row["system_a"], row["system_b"]) for row in found["pairs"]} == {("base", "tuned")}
    rows = list(csv.DictReader(io.StringIO(dragoman(*arguments, "--csv").out)))
    assert rows and all(row["a"] == "base" and row["seed"] == "7" and row["notes"] for row in rows)
    another = json.loads(dragoman(*arguments[:-3], "8", "--json").out)
    assert {row["seed"] for row in another["pairs"]} == {8}


def test_the_smallest_p_value_there_can_be_is_printed_as_a_bound(filled, dragoman):
    arguments = ("compare", "g", "base", "tuned", "--samples", "400")
    found = json.loads(dragoman(*arguments, "--json").out)
    floors = [pair for pair in found["pairs"] if pair["p_is_floor"]]
    # 1 / (400 + 1), rounded up
    assert floors and all(pair["p_value"] == round(1 / 401, 6) for pair in floors)
    for form in ("--markdown", "--latex"):
        out = dragoman(*arguments, "--table", "pairs", form).out.replace("\\ensuremath{<}", "<")
        assert out.count("< 0.0025") >= len(floors) and "0.0024 " not in out


def test_sacrebleus_own_bootstrap_is_named_one_sided(filled, dragoman):
    out = dragoman("compare", "g", "base", "tuned", "--samples", "200", "--test", "sacrebleu-bs").out
    assert "by sacreBLEU's paired bootstrap, whose p is one-sided, 200 samples" in out


def test_a_seed_below_zero_is_refused(filled, dragoman):
    assert dragoman("compare", "g", "base", "tuned", "--seed", "-1").code == 2


def test_equal_stores_print_equal_bytes(filled, dragoman):
    arguments = ("compare", "g", "base", "tuned", "--correction", "bh", "--test", "randomization", "--samples", "200")
    assert dragoman(*arguments) == dragoman(*arguments)


def test_says_that_pairs_are_tested_by_intervals_and_why(campaign, dragoman):
    campaign.fill({"base": TrainingGraph(), "tuned": TrainingGraph()}, PAIRS, quality={"tuned": 0.9}, statistics=False)
    said = " ".join(dragoman("compare", "g", "base", "tuned", "--table", "scopes", "--markdown").out.split())
    assert "All pairs are tested by the intervals of their scores, as no statistics are stored." in said
    assert "In brackets: significant at 0.05 by the two scores' 95% intervals, adjusted after Holm" in said
    assert "6 (6)" in said
    asked = json.loads(dragoman("compare", "g", "base", "tuned", "--test", "intervals", "--json").out)
    assert {pair["test"] for pair in asked["pairs"]} == {"intervals"}


def test_micro_weighs_pairs_by_their_segments(campaign, dragoman):
    segments = {pair: 10 + 10 * n for n, pair in enumerate(PAIRS)}
    campaign.fill({"base": TrainingGraph(), "tuned": TrainingGraph()}, PAIRS, segments=segments)
    found = json.loads(dragoman("compare", "g", "base", "tuned", "--samples", "100", "--micro", "--json").out)
    weights = [segments[Pair(pair["source"], pair["target"])] for pair in found["pairs"]]
    total = sum(weight * pair["delta"] for weight, pair in zip(weights, found["pairs"], strict=True))
    assert found["scopes"][-1]["delta"] == pytest.approx(total / sum(weights), abs=1e-5)
    titles = {
        option: dragoman("compare", "g", "base", "tuned", "--samples", "100", "--table", "scopes", *option).out
        for option in ((), ("--micro",))
    }
    assert "each pair alike" in titles[()] and "weighted by segments" in titles["--micro",]


def test_models_of_two_grids_are_compared(campaign, dragoman):
    campaign.fill({"base": TrainingGraph(), "a": TrainingGraph()}, PAIRS[:4], grid="one")
    campaign.fill({"base": TrainingGraph(), "b": TrainingGraph()}, PAIRS[1:], grid="two")
    outcome = dragoman("compare", "two", "one/a", "b", "--samples", "100", "--json")
    assert [row["pairs"] for row in json.loads(outcome.out)["scopes"]][-1] == 5
    assert len(json.loads(outcome.out)["pairs"]) == 3
    refused = dragoman("compare", "two", "tow/a", "b")
    assert (refused.code, refused.err.count("\n")) == (2, 1) and "did you mean 'two'?" in refused.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["g", "base", "tuned", "--alpha", "0"], "alpha of 0"),
        (["g", "base", "tuned", "--alpha", "nan"], "alpha of nan"),
        (["g", "base", "tune"], "did you mean 'tuned'?"),
        (["g", "base", "base"], "itself"),
        (["h", "base", "tuned"], "no grid 'h'"),
        (["g", "base", "tuned", "--metric", "blue"], "did you mean 'bleu'?"),
    ],
)
def test_wrong_input_is_one_sentence(filled, dragoman, arguments, said):
    outcome = dragoman("compare", *arguments)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (2, "", 1)
    assert said in outcome.err
