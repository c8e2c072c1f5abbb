"""`dragoman rank`."""

import csv
import io
import json

import pytest

from dragoman.analysis.score_question import ScoreQuestion
from dragoman.analysis.system_ranking import rank
from dragoman.pair import Pair, all_pairs
from dragoman.partition import TrainingGraph
from dragoman.reports.ranking import neighbours

PAIRS = all_pairs(["en", "de", "fr"])
GRAPHS = {"base": TrainingGraph(), "far": TrainingGraph.of([Pair("en", "de")]), "near": TrainingGraph()}
SIGNATURE = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:1"


@pytest.fixture(scope="module")
def filled(campaign_in, tmp_path_factory):
    with campaign_in(tmp_path_factory.mktemp("filled")) as campaign:
        quality = {"base": 0.5, "far": 0.7, "near": 0.5}
        campaign.fill(GRAPHS, PAIRS, metrics=("bleu", "ter"), quality=quality, segments=60, signature=SIGNATURE)
        yield campaign


def test_shows_clusters_and_each_system_against_the_next(filled, dragoman):
    outcome = dragoman("rank", "g", "--samples", "500")
    assert outcome.code == 0, outcome.err
    ranking, against, shares = outcome.out.split("\ng: ")
    lines = [line.split() for line in ranking.splitlines()]
    first = next(line for line in lines if line[:3] == ["1", "1", "far"])
    assert first[-3:] == ["2", "0", "1"]  # two wins, no loss, rank 1
    assert [line[-1] for line in lines if line[:2] in (["2", "2"], ["3", "2"])] == ["2-3", "2-3"]
    assert "paired randomization of the means, 500 trials, adjusted after Holm for 3 pairs of systems" in (
        " ".join(ranking.split())
    )
    assert "each system against the next" in against and "50 is a coin toss" in " ".join(against.split())
    assert "by partition of the pairs" in shares and "every two systems, bleu" not in outcome.out


def test_json_has_every_two_systems_and_csv_the_table_asked_for(filled, dragoman):
    found = json.loads(dragoman("rank", "g", "--samples", "200", "--json").out)
    assert {"ranking", "quoted", "neighbours", "shares", "differences"} == found.keys()
    assert (len(found["ranking"]), len(found["neighbours"]), len(found["differences"])) == (3, 2, 3)
    for row in (row for rows in found.values() for row in rows):
        how = {"metric": "bleu", "over": "all", "done": 6, "of_pairs": 6, "units": 360, "samples": 200, "alpha": 0.05}
        assert how.items() <= row.items() and row["seed"] == 12345 and row["signature"] and row["notes"]
    out = dragoman("rank", "g", "--samples", "200", "--table", "differences", "--csv").out
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [float(row["p_value"]) for row in rows] == [row["p_value"] for row in found["differences"]]


def test_latex_is_ruled_by_clusters(filled, dragoman):
    out = dragoman("rank", "g", "--samples", "200", "--table", "ranking", "--latex").out
    assert r"\begin{tabular}" in out and out.count(r"\midrule") == 2  # below the head and between the clusters


def test_people_are_left_out_where_no_curve_is_of_the_metric(filled, dragoman):
    out = dragoman("rank", "g", "--samples", "200", "--metric", "ter").out
    assert "people" not in out


def test_a_significant_difference_that_people_would_not_see_is_warned_of(filled):
    found = rank(filled.store, ScoreQuestion("g", "bleu"), samples=200)
    first, second = found.neighbours
    small = first.model_copy(update={"agreement": 62.3, "significant": True})
    warned = found.model_copy(update={"differences": (small, *found.differences[1:])})
    warning = "Significant, but too small to be noticed"
    (note,) = [note for note in neighbours("g", warned).notes if note.startswith(warning)]
    assert f"{small.better} over {small.worse} (62%)" in note
    unsure = small.model_copy(update={"significant": False})
    for quiet in (found, found.model_copy(update={"differences": (unsure, *found.differences[1:])})):
        assert first.agreement > 75 and not second.significant
        assert not any(note.startswith(warning) for note in neighbours("g", quiet).notes)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--over", "unsen"), "'unsen' is no partition"),
        (("--model", "nrea"), "did you mean 'near'"),
        (("--model", "near"), "A ranking needs two systems"),
        (("--metric", "blue"), "has no scores of 'blue'"),
        (("--alpha", "2"), "An alpha of 2 says nothing"),
    ],
)
def test_mistakes_end_in_a_sentence(filled, dragoman, arguments, sentence):
    outcome = dragoman("rank", "g", *arguments)
    assert outcome.code == 2 and sentence in outcome.err and not outcome.out


def test_equal_stores_print_equal_bytes(filled, dragoman):
    assert dragoman("rank", "g", "--samples", "200") == dragoman("rank", "g", "--samples", "200")
