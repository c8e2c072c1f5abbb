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
    assert scope[1:4] == ["6", "of", "6"] and scope[-5:] == ["5", "(5)", "1", "(1)", "0"]
    assert "paired bootstrap, 500 samples, adjusted after Holm" in outcome.out
    losses = outcome.out.split("where tuned is worst against base")[1].split("where it is best")[0]
    assert [line.split()[:2] for line in losses.splitlines() if line.strip().startswith("de")] == [["de", "en"]]


def test_json_has_every_pair_and_csv_the_table_asked_for(filled, dragoman):
    arguments = ("compare", "g", "base", "tuned", "--samples", "200")
    found = json.loads(dragoman(*arguments, "--json").out)
    assert len(found["pairs"]) == 6 and {"scopes", "losses", "gains", "pairs"} == found.keys()
    rows = list(csv.DictReader(io.StringIO(dragoman(*arguments, "--csv", "--table", "pairs").out)))
    assert [float(row["delta"]) for row in rows] == [pair["delta"] for pair in found["pairs"]]


def test_equal_stores_print_equal_bytes(filled, dragoman):
    arguments = ("compare", "g", "base", "tuned", "--correction", "bh", "--test", "randomization", "--samples", "200")
    assert dragoman(*arguments) == dragoman(*arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
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
